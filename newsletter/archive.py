"""Past public campaigns, for anybody: a list, a page each, and an Atom feed. Views."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import conditional_page, require_safe

from accounts.models import Language
from newsletter import markdown
from newsletter.models import Campaign
from newsletter.views import speak
from organizations.letters import absolute
from organizations.models import Merchant

SHOWN = 50
PLACE = re.compile(r"[0-9a-f]{12}")
# What no XML may hold, and a text pasted from a word processor may.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
FEEDS = {language.value[:2]: language.value for language in Language}


def _published() -> QuerySet[Campaign]:
    """Of the merchant whose public pages these are."""
    merchant = Merchant.objects.default()
    return Campaign.objects.published().filter(merchant=merchant.pk if merchant else None).select_related("topic")


@login_not_required
@require_safe
def archive_list(request: HttpRequest) -> HttpResponse:
    """A page of them, after the one that `after` names."""
    found, place = _published(), request.GET.get("after", "")
    last = found.filter(public_id=place).first() if PLACE.fullmatch(place) else None
    if last is not None:
        found = found.filter(Q(finished_at__lt=last.finished_at) | Q(finished_at=last.finished_at, pk__lt=last.pk))
    rows = list(found[: SHOWN + 1])
    context = {"campaigns": rows[:SHOWN], "more": rows[SHOWN - 1].public_id if len(rows) > SHOWN else ""}
    return render(request, "newsletter/archive_list.html", context)


@login_not_required
@require_safe
def archive_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One campaign as a page, from the moment somebody may have received it: in the reader's language, or for who chose
    none in that of the letter or the feed which led here.
    """
    speak(request, FEEDS.get(request.GET.get("language", ""), translation.get_language()))
    campaigns = Campaign.objects.readable().select_related("merchant", "topic")
    campaign = get_object_or_404(campaigns, public_id=public_id)
    body = mark_safe(markdown.page_html(campaign.body))  # noqa: S308 - made by our own parser, HTML escaped
    context = {"campaign": campaign, "merchant": campaign.merchant, "body": body}
    return render(request, "newsletter/archive_detail.html", context)


@login_not_required
@require_safe
@conditional_page
def feed(request: HttpRequest, language: str) -> HttpResponse:
    """The same as Atom, in the language of the address: a feed reader has no preference and no cookie."""
    if language not in FEEDS:
        raise Http404
    with translation.override(FEEDS[language]):
        atom = _atom(address=request.path)
    headers = {"Content-Language": FEEDS[language]}
    return HttpResponse(atom.writeString("utf-8"), content_type=atom.content_type, headers=headers)


class WholeAtom(Atom1Feed):
    """Entries hold the whole text, which is their content and no summary (RFC 4287, 4.1.3)."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item | {"description": None})
        handler.addQuickElement("content", item["description"], {"type": "html"})


def _atom(*, address: str) -> WholeAtom:
    merchant = Merchant.objects.default()
    name = merchant.name if merchant else "Comptoir"
    atom = WholeAtom(
        title=_("The newsletter of %(merchant)s") % {"merchant": name},
        link=absolute(reverse("newsletter:archive-list")),
        feed_url=absolute(address),
        feed_guid=absolute(address),
        description="",
        language=translation.get_language(),
        author_name=name,
    )
    for campaign in _published()[:SHOWN]:
        url = absolute(campaign.address_in_language)
        atom.add_item(
            title=UNWRITABLE.sub(" ", campaign.subject),
            link=url,
            unique_id=url,
            description=UNWRITABLE.sub(" ", markdown.page_html(campaign.body)),
            pubdate=campaign.finished_at,
            updateddate=campaign.finished_at,
            categories=[UNWRITABLE.sub(" ", campaign.topic.name)],
        )
    return atom
