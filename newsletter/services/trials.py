"""A campaign tried on one address: the very bytes its readers would get, handed over at once."""

from __future__ import annotations

import uuid

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import mail, mime
from accounts.models import Language
from accounts.transports import Deferred, Refused, Unreachable
from newsletter.letters import LetterUnwritable, Reader, letter_in
from newsletter.models import Campaign
from organizations.refusals import Refusal


class NotSent(Refusal):
    sentence: str | Promise = _("The test did not leave: %(reason)s")


def try_on(*, campaign: Campaign, email: str) -> None:
    """Send both languages, signed and with the headers of a campaign, by links that lead nowhere; raises NotSent.

    Not by the outbox, which writes other headers: the answer of the mail server is part of the test.
    """
    try:
        letters = {language: letter_in(campaign=campaign, language=language) for language in Language.values}
        for language, letter in letters.items():
            # A key nobody has, another each time: two tests are two messages.
            content = letter.to(reader=Reader(0, email, uuid.uuid4(), language))
            mail.hand_over(recipient=mime.mailbox(email), content=content)
    except (LetterUnwritable, Refused, Deferred, Unreachable) as failure:
        raise NotSent(reason=str(failure)) from failure
