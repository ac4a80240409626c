"""Past public campaigns, for anybody: a list, a page each, and an Atom feed. Views."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import markdown
from newsletter.models import Campaign
from organizations.letters import absolute
from organizations.models import Merchant

SHOWN = 50


def _published() -> QuerySet[Campaign]:
    """Of the merchant whose public pages these are."""
    merchant = Merchant.objects.default()
    return Campaign.objects.published().filter(merchant=merchant.pk if merchant else None).select_related("topic")


@login_not_required
@require_safe
def archive_list(request: HttpRequest) -> HttpResponse:
    return render(request, "newsletter/archive_list.html", {"campaigns": _published()[:SHOWN]})


@login_not_required
@require_safe
def archive_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One campaign as a page, in the reader's language."""
    campaigns = Campaign.objects.published().select_related("merchant", "topic")
    campaign = get_object_or_404(campaigns, public_id=public_id)
    body = mark_safe(markdown.page_html(campaign.body))  # noqa: S308 - made by our own parser, HTML escaped
    context = {"campaign": campaign, "merchant": campaign.merchant, "body": body}
    return render(request, "newsletter/archive_detail.html", context)


@login_not_required
@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The same as Atom, in the reader's language."""
    merchant = Merchant.objects.default()
    name = merchant.name if merchant else "Comptoir"
    atom = Atom1Feed(
        title=_("The newsletter of %(merchant)s") % {"merchant": name},
        link=absolute(reverse("newsletter:archive-list")),
        feed_url=absolute(request.path),
        description="",
        language=get_language(),
        author_name=name,
    )
    for campaign in _published()[:SHOWN]:
        url = absolute(campaign.get_absolute_url())
        atom.add_item(
            title=campaign.subject,
            link=url,
            unique_id=url,
            description=markdown.page_html(campaign.body),
            pubdate=campaign.finished_at,
            updateddate=campaign.finished_at,
            categories=[campaign.topic.name],
        )
    return HttpResponse(atom.writeString("utf-8"), content_type=atom.content_type)
