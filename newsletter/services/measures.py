"""Openings and followed links, as the mail service tells them: kept of who agreed, while the merchant measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from accounts.models import Language
from newsletter.models import Recipient, Subscriber, Wording
from newsletter.services.campaigns import settings_of
from newsletter.services.returns import recipient_of
from newsletter.services.subscriptions import wording_of, write_wording
from organizations.models import Merchant

if TYPE_CHECKING:
    from accounts.models import User

COLUMNS = {"opened": "opened_at", "clicked": "clicked_at"}
WORDS = gettext_noop(
    "%(name)s may know whether I open its messages and which links I follow. Its mail service observes it; %(name)s "
    "keeps only that I did. I may change my mind here at any time: what was kept is then erased."
)


def words_shown(*, merchant: Merchant, subscriber: Subscriber | None) -> Wording | None:
    """What one may agree to: while the merchant measures; whoever agreed may take it back even afterwards."""
    is_asked = settings_of(merchant=merchant).measures or (subscriber is not None and subscriber.measured_at)
    return wording_of(merchant=merchant, purpose=Wording.Purpose.MEASURING) if is_asked else None


def write_first_words(*, merchant: Merchant, by: User | None) -> None:
    """The usual words, in both languages, unless the merchant has written its own: without any nobody can agree."""
    with transaction.atomic():
        Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        if wording_of(merchant=merchant, purpose=Wording.Purpose.MEASURING) is not None:
            return
        texts = {}
        for language in Language:
            with translation.override(language):
                texts[language] = gettext(WORDS) % {"name": merchant.name}
        write_wording(
            merchant=merchant,
            text_fr=texts[Language.FRENCH],
            text_en=texts[Language.ENGLISH],
            by=by,
            purpose=Wording.Purpose.MEASURING,
        )


def note_measure(*, kind: str, message_id: str) -> bool:
    """Keep that a message was first opened, or a link of it first followed; whether that was kept.

    Only of a message that asked for it, whose reader agrees to it still and whose merchant measures still: a service
    that observes by itself tells us in vain. Found by our own Message-ID alone: the latest message to an address may
    not be the one that was opened.
    """
    recipient = recipient_of(email="", message_id=message_id)
    if recipient is None or not recipient.is_measured:
        return False
    column = COLUMNS[kind]
    with transaction.atomic():
        # After whoever takes the consent back at this moment, or before: what is erased stays so.
        reader = Subscriber.objects.select_for_update(of=("self",), no_key=True).get(pk=recipient.subscriber_id)
        if reader.measured_at is None or not settings_of(merchant=recipient.campaign.merchant).measures:
            return False
        sent = Recipient.objects.filter(pk=recipient.pk, status=Recipient.Status.SENT, is_measured=True)
        return bool(sent.filter(**{column: None}).update(**{column: timezone.now()}))
