"""Campaigns: written, checked, previewed, tried, scheduled, watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override

from accounts.addresses import validate_address
from accounts.answers import see_other
from accounts.formats import iso_moment
from accounts.frames import FRAMED_POLICY, LETTER_POLICY
from accounts.models import Language
from newsletter import audience
from newsletter.admin.deeds import deeds_of
from newsletter.admin.departures import departure_page, described
from newsletter.admin.drafts import CampaignForm
from newsletter.letters import LetterUnwritable, letter_in
from newsletter.models import Campaign
from newsletter.results import results_of
from newsletter.review import problems
from newsletter.services import campaigns
from newsletter.services.trials import NotSent, try_on
from organizations.admin.filters import ChoiceFilter
from organizations.agents import MerchantScopedAdmin, agent, served_merchants
from organizations.refusals import Refusal

Status = Campaign.Status


# In the preview a link opens a tab of its own, where it can do what any page can; the letter itself can do nothing.
PREVIEW_POLICY = {**LETTER_POLICY, "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"]}

UNREAD = gettext_lazy("Its link to read it in a browser works once the campaign has begun.")


class TestForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("E-mail"), validators=[validate_address])


class StatusFilter(ChoiceFilter):
    title = gettext_lazy("status")
    parameter_name = "status"
    options = Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(status=self.value()) if self.value() in Status.values else queryset


class Act:
    """A button of a campaign that asks before it acts."""

    def __init__(self, *, of: set[Status], words: tuple[Any, Any, Any, Any], do: Callable[..., object]) -> None:
        self.of, self.do = of, do
        self.title, self.lead, self.submit, self.done = words


ACTS = {
    "withdraw": Act(
        of={Status.SCHEDULED},
        words=(
            gettext_lazy("Take it back to a draft"),
            gettext_lazy("It does not leave until somebody schedules it again."),
            gettext_lazy("Back to a draft"),
            gettext_lazy("It is a draft again: it does not leave."),
        ),
        do=campaigns.withdraw,
    ),
    "pause": Act(
        of={Status.SENDING},
        words=(
            gettext_lazy("Pause the campaign"),
            gettext_lazy("Nothing more leaves until somebody resumes it."),
            gettext_lazy("Pause"),
            gettext_lazy("The campaign is paused: nothing more leaves."),
        ),
        do=campaigns.pause,
    ),
    "resume": Act(
        of={Status.PAUSED, Status.STOPPED},
        words=(
            gettext_lazy("Resume the campaign"),
            gettext_lazy(
                "It goes on with those who have not received it. Who unsubscribed meanwhile is not written to."
            ),
            gettext_lazy("Resume"),
            gettext_lazy("The campaign goes on."),
        ),
        do=campaigns.resume,
    ),
    "cancel": Act(
        of={Status.SCHEDULED, Status.SENDING, Status.PAUSED, Status.STOPPED},
        words=(
            gettext_lazy("Cancel the campaign"),
            gettext_lazy("Nobody else receives it, and it cannot be resumed. What has left has left."),
            gettext_lazy("Cancel the campaign"),
            gettext_lazy("The campaign is canceled."),
        ),
        do=campaigns.cancel,
    ),
    "discard": Act(
        of={Status.DRAFT},
        words=(
            gettext_lazy("Cancel the draft"),
            gettext_lazy("Nobody ever receives it, and it cannot be edited any more. Its text stays here to be read."),
            gettext_lazy("Cancel the draft"),
            gettext_lazy("The draft is canceled."),
        ),
        do=campaigns.cancel,
    ),
}


@admin.register(Campaign)
class CampaignAdmin(MerchantScopedAdmin):
    is_editable = True
    form = CampaignForm
    list_display = ("subject_fr", "topic", "state", "starts", "ended")
    list_select_related = ("topic", "merchant")
    list_filter = (StatusFilter,)
    ordering = ("-pk",)
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("topic", "state", "starts", "ended")}),
        (gettext_lazy("French"), {"fields": ("subject_fr", "preheader_fr", "body_fr")}),
        (gettext_lazy("English"), {"fields": ("subject_en", "preheader_en", "body_en")}),
        (
            gettext_lazy("Audience"),
            {"fields": (("to_language", "to_kind"), ("to_branch", "to_purchased_since"), "is_public")},
        ),
    )
    readonly_fields = ("state", "starts", "ended")

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return bool(served_merchants(request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Of a draft. What was typed meanwhile is refused by the form, which keeps it on the page."""
        is_draft = not isinstance(obj, Campaign) or obj.is_editable or request.method == "POST"
        return is_draft and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        obj.merchant = obj.topic.merchant
        if change:
            # Locked by the form. Its status and moments are the services', and may be newer than this page.
            obj.save(update_fields=["merchant", *form.touched])
            return
        obj.created_by = agent(request)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None) -> HttpResponse:
        return see_other(self.address("change", obj.pk))

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        self.message_user(request, _("The draft is saved."), messages.SUCCESS)
        return see_other(self.address("change", obj.pk))

    @admin.display(description=gettext_lazy("status"))
    def state(self, campaign: Campaign) -> str:
        return campaign.get_status_display()

    @admin.display(description=gettext_lazy("starts"))
    def starts(self, campaign: Campaign) -> str:
        return iso_moment(campaign.started_at or campaign.scheduled_at) or "–"

    @admin.display(description=gettext_lazy("ended"))
    def ended(self, campaign: Campaign) -> str:
        return iso_moment(campaign.finished_at) or "–"

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        letter = csp_override(PREVIEW_POLICY)(xframe_options_sameorigin(view(self.letter)))
        preview = csp_override(FRAMED_POLICY)(view(self.preview))
        return [
            path("<path:object_id>/letter/<slug:language>/", letter, name=f"{name}_letter"),
            path("<path:object_id>/preview/", preview, name=f"{name}_preview"),
            path("<path:object_id>/test/", view(self.test), name=f"{name}_test"),
            path("<path:object_id>/schedule/", view(self.schedule), name=f"{name}_schedule"),
            path("<path:object_id>/act/<slug:act>/", view(self.act), name=f"{name}_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        panels = self._panels(campaign) if isinstance(campaign, Campaign) else {}
        return super().change_view(request, object_id, form_url, {"panels": panels, **(extra_context or {})})

    def _panels(self, campaign: Campaign) -> dict[str, Any]:
        """Before it begins, its checks and the size of its audience; afterwards what came of it."""
        acts = [
            (self.address("act", campaign.pk, key), act.submit)
            for key, act in ACTS.items()
            if campaign.status in act.of
        ]
        panels: dict[str, Any] = {
            "acts": acts,
            "deeds": deeds_of(of=campaign),
            "preview": self.address("preview", campaign.pk),
            "audience": described(campaign=campaign),
            "is_to_come": campaign.status in {Status.DRAFT, Status.SCHEDULED},
        }
        if panels["is_to_come"]:
            sizes = audience.sizes(campaign=campaign)
            panels["sizes"] = [(Language(language).label, count) for language, count in sizes.items()]
            panels["problems"] = problems(campaign=campaign, sizes=sizes)
            panels["test"] = self.address("test", campaign.pk)
            panels["schedule"] = self.address("schedule", campaign.pk)
        elif campaign.started_at is not None:
            panels["results"] = results_of(campaign=campaign)
        return panels

    def letter(self, request: HttpRequest, object_id: str, language: str) -> HttpResponse:
        """The HTML of the mail itself, for the frames of the preview: only there do its links open a tab."""
        campaign = self.find(request, object_id)
        if language not in Language.values:
            raise Http404
        try:
            html = letter_in(campaign=campaign, language=language).words.html
        except LetterUnwritable as broken:
            raise Http404 from broken
        return HttpResponse(html.replace("<head>", '<head>\n<base target="_blank">', 1))

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Both languages, as wide as a phone and as a desktop, and the plain text."""
        campaign = self.find(request, object_id)
        back = self.address("change", campaign.pk)
        try:
            shown = [
                {
                    "label": language.label,
                    "url": self.address("letter", campaign.pk, language.value),
                    "words": letter_in(campaign=campaign, language=language.value).words,
                    "preheader": campaign.preheader_fr if language == Language.FRENCH else campaign.preheader_en,
                    "is_french": language == Language.ENGLISH and not (campaign.subject_en and campaign.body_en),
                }
                for language in Language
            ]
        except LetterUnwritable as broken:
            self.message_user(request, str(broken), messages.ERROR)
            return see_other(back)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview: %(subject)s") % {"subject": campaign.subject},
            "shown": shown,
            "unread": UNREAD if _is_unread(campaign) else "",
            "back": back,
        }
        return TemplateResponse(request, "admin/newsletter/preview.html", context)

    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send both languages to one address; its unsubscribe links lead nowhere."""
        campaign = self.find(request, object_id)
        form = TestForm(request.POST or None, initial={"email": agent(request).email})
        back = self.address("change", campaign.pk)
        if request.method == "POST" and form.is_valid():
            try:
                try_on(campaign=campaign, email=form.cleaned_data["email"])
            except NotSent as reason:
                form.add_error(None, str(reason))
            else:
                done = _("Both languages have left for this address, as their readers would get them.")
                self.message_user(request, done, messages.SUCCESS)
                return see_other(back)
        return self.act_page(
            request,
            title=_("Send a test"),
            lead=[
                _("Both languages leave for one address. The unsubscribe link of a test leads nowhere."),
                *([str(UNREAD)] if _is_unread(campaign) else []),
            ],
            form=form,
            submit=_("Send the test"),
            back=back,
        )

    def schedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return departure_page(self, request, object_id)

    def act(self, request: HttpRequest, object_id: str, act: str) -> HttpResponse:
        """Pause, resume, cancel, discard, or back to a draft."""
        campaign = self.find(request, object_id)
        wanted = ACTS.get(act)
        back = self.address("change", campaign.pk)
        if wanted is None:
            raise Http404
        if request.method == "POST":
            try:
                wanted.do(campaign=campaign, by=agent(request))
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.message_user(request, str(wanted.done), messages.SUCCESS)
            return see_other(back)
        return self.act_page(
            request,
            title=str(wanted.title),
            lead=[str(wanted.lead)],
            facts=[(_("Subject"), campaign.subject)],
            submit=str(wanted.submit),
            back=back,
            is_binding=True,
        )


def _is_unread(campaign: Campaign) -> bool:
    """Its letter leads to the public archive, where it is not yet."""
    return campaign.is_public and campaign.started_at is None
