"""The page that sends a campaign or schedules it: what leaves, whom it reaches, how long that takes, what blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import iso_moment, whole, yes_or_no
from accounts.models import Language
from newsletter import audience, markdown
from newsletter.elsewhere import dead_links
from newsletter.models import Campaign
from newsletter.review import problems
from newsletter.services import campaigns
from organizations.agents import MerchantScopedAdmin, agent
from organizations.models import Customer
from organizations.refusals import Refusal

# Who types this minute reads the page again before pressing.
WRITING = timedelta(minutes=5)
HOUR, IN_MINUTES = 60, 120  # up to two hours are said in minutes


class DayForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    hour = forms.TimeField(label=gettext_lazy("Hour in Québec"), widget=forms.TimeInput(attrs={"type": "time"}))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        cleaned["at"] = timezone.make_aware(datetime.combine(cleaned["day"], cleaned["hour"]))
        if cleaned["at"] < timezone.now() - WRITING:
            self.add_error("day", _("This moment is past. Choose one to come, or send it now."))
        return cleaned


def departure_page(page: MerchantScopedAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Two buttons, each with its own form: now to everybody, or on a day that must be given."""
    campaign = page.find(request, object_id)
    is_now = "now" in request.POST
    form = DayForm(request.POST if request.method == "POST" and not is_now else None)
    refusal = None
    if request.method == "POST" and (is_now or form.is_valid()):
        at = timezone.now() if is_now else form.cleaned_data["at"]
        try:
            campaigns.schedule(campaign=campaign, at=at, seen=request.POST.get("seen", ""), by=agent(request))
        except Refusal as caught:
            refusal = caught
            campaign = page.find(request, object_id)  # as it is by now: that is what the next press confirms
        else:
            done = _("The campaign leaves now.") if is_now else _("The campaign is scheduled.")
            page.message_user(request, done, messages.SUCCESS)
            return see_other(page.address("change", campaign.pk))
    return _shown(page, request, campaign=campaign, form=form, refusal=refusal)


def _shown(
    page: MerchantScopedAdmin, request: HttpRequest, *, campaign: Campaign, form: DayForm, refusal: Refusal | None
) -> HttpResponse:
    sizes = audience.sizes(campaign=campaign)
    total = sum(sizes.values())
    found = problems(campaign=campaign, sizes=sizes)
    now = ngettext("Send now to %(count)s person", "Send now to %(count)s people", total) % {"count": _written(total)}
    context = {
        **page.admin_site.each_context(request),
        "title": _("Send “%(subject)s”") % {"subject": campaign.subject},
        "facts": [*_facts(campaign, sizes), *_dead_links(campaign)],
        "problems": found,
        "is_blocked": any(problem.is_blocking for problem in found),
        "seen": campaigns.fingerprint_of(campaign=campaign),
        "refusal": refusal,
        "form": form,
        "now": now,
        "preview": page.address("preview", campaign.pk),
        "back": page.address("change", campaign.pk),
    }
    status = 422 if refusal or form.errors else 200
    return TemplateResponse(request, "admin/newsletter/campaign/schedule.html", context, status=status)


def _facts(campaign: Campaign, sizes: dict[str, int]) -> list[tuple[str, str]]:
    """What the fingerprint of the page stands for, but for the text, which the preview shows."""
    facts = [
        (_("subject in French"), campaign.subject_fr),
        (_("subject in English"), campaign.subject_en),
        (_("preheader in French"), campaign.preheader_fr),
        (_("preheader in English"), campaign.preheader_en),
        (_("Audience"), described(campaign=campaign)),
        (_("Recipients"), by_language(sizes)),
        (_("Duration"), duration(total=sum(sizes.values()), campaign=campaign)),
        (_("in the public archive"), yes_or_no(campaign.is_public)),
        (_("starts"), iso_moment(campaign.scheduled_at)),
    ]
    return [(label, value) for label, value in facts if value]


def _written(number: int) -> str:
    return whole(number, get_language() or "")


def by_language(sizes: dict[str, int]) -> str:
    """How many read it in each language."""
    return " · ".join(
        _("%(language)s: %(count)s") % {"language": Language(language).label, "count": _written(count)}
        for language, count in sizes.items()
    )


def duration(*, total: int, campaign: Campaign) -> str:
    """How long it takes at the throttle; empty for nobody."""
    pace = campaigns.settings_of(merchant=campaign.merchant).per_minute
    minutes = ceil(total / pace)
    if not minutes:
        return ""
    if minutes <= IN_MINUTES:
        count, words = minutes, ngettext("about %(count)s minute", "about %(count)s minutes", minutes)
    else:
        count = ceil(minutes / HOUR)
        words = ngettext("about %(count)s hour", "about %(count)s hours", count)
    said = {"time": words % {"count": _written(count)}, "pace": _written(pace)}
    return _("%(time)s, at %(pace)s messages a minute") % said


def described(*, campaign: Campaign) -> str:
    """The audience in words."""
    parts = [campaign.topic.name]
    if campaign.to_language:
        parts.append(str(Language(campaign.to_language).label))
    if campaign.to_kind:
        parts.append(str(Customer.Kind(campaign.to_kind).label))
    if campaign.to_branch:
        parts.append(campaign.to_branch.name)
    if campaign.to_purchased_since:
        parts.append(_("last purchase since %(day)s") % {"day": campaign.to_purchased_since.isoformat()})
    return " · ".join(parts)


def _dead_links(campaign: Campaign) -> list[tuple[str, str]]:
    """The links of both texts to other sites that lead nowhere, as facts to read before sending."""
    addresses = [*markdown.addresses(campaign.body_fr), *markdown.addresses(campaign.body_en)]
    return [(_("Dead link"), f"{dead.address[:100]} – {dead.reason}") for dead in dead_links(addresses=addresses)]
