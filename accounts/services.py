"""What changes a person's own record, and sending one of our messages again."""

from __future__ import annotations

import logging
import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import OutgoingMessage, User
from accounts.nudges import nudge
from accounts.outbox import DELIVER

logger = logging.getLogger(__name__)


@transaction.atomic
def update_profile(
    *, by: User, first_name: str, last_name: str, phone: str, phone_extension: str, language: str
) -> User:
    """Change one's own name, phone and language. The e-mail is changed by allauth, which has it confirmed first."""
    user = User.objects.select_for_update(of=("self",)).get(pk=by.pk)
    user.first_name = first_name
    user.last_name = last_name
    user.phone = phone
    user.phone_extension = phone_extension
    user.language = language
    user.save(update_fields=["first_name", "last_name", "phone", "phone_extension", "language"])
    return user


class NotSentAgain(Exception):
    """Why a message cannot leave once more, in a sentence for the agent who asked."""


class MessageBlanked(NotSentAgain):
    def __str__(self) -> str:
        return _(
            "The text of this message was blanked once sent, because it held a link or a code."
            " Ask for a new one instead."
        )


class MessageLeaving(NotSentAgain):
    def __str__(self) -> str:
        return _("This message is leaving at this moment. Look again in a few minutes.")


@transaction.atomic
def send_again(*, message: OutgoingMessage, by: User) -> OutgoingMessage:
    """Queue a failed or waiting message from the start; one already sent leaves as a copy, with a Message-ID of its
    own. Raises NotSentAgain.
    """
    again = OutgoingMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if again.is_sensitive and not again.text:
        raise MessageBlanked
    if again.status == OutgoingMessage.Status.SENDING:
        raise MessageLeaving
    if again.status == OutgoingMessage.Status.SENT:
        # Mail programs drop a second message with the same Message-ID.
        again.pk, again.key = None, uuid.uuid4()
        again._state.adding = True  # noqa: SLF001 - Django's documented way of copying a row
        again.created_at = timezone.now()
    again.status = OutgoingMessage.Status.QUEUED
    again.attempts, again.due_at = 0, timezone.now()
    again.sent_at = again.claimed_at = again.delivered_at = again.returned_at = None
    again.last_error = again.return_reason = ""
    again.save()
    logger.info("Message %s is sent again at the request of person %s", again.key, by.pk)
    nudge(DELIVER)
    return again
