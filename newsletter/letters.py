"""The messages of a campaign as bytes: written once a language, then the few that differ from person to person."""

from __future__ import annotations

import logging
import re
import uuid
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.template import engines
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import mark_safe

from accounts import mime
from accounts.models import Language
from newsletter import markdown
from newsletter.dkim import signed
from newsletter.links import token_of
from newsletter.models import Campaign
from organizations.letters import absolute

# A mail service may be set to rewrite links and add a picture by itself: openings and clicks are personal information
# nobody agreed to give (Québec’s Law 25).
UNTRACKED = "X-Mailgun-Track: no\r\nX-PM-TrackOpens: false\r\nX-PM-TrackLinks: None\r\n"
# For who agreed. Not in the plain text, where addresses are read; the links to leave and to choose say in the HTML that
# they are not to be rewritten. Postmark tells a number of its own, and whatever we call metadata.
TRACKED = (
    "X-Mailgun-Track-Opens: yes\r\nX-Mailgun-Track-Clicks: htmlonly\r\n"
    "X-PM-TrackOpens: true\r\nX-PM-TrackLinks: HtmlOnly\r\nX-PM-Metadata-letter: %s\r\n"
)
LONGEST_METADATA = 80  # a value, of Postmark
logger = logging.getLogger(__name__)

# Stands where the token of a person goes while a letter is written: a key nobody has.
MARK = "f0e1d2c3b4a5968778695a4b3c2d1e0f"
_BLANK_LINES = re.compile(r"(?:[ \t]*\n){3,}")
LONGEST_LINE = 75  # of quoted-printable, its soft break not counted


class Reader(NamedTuple):
    """Whom one message is for."""

    recipient_id: int
    email: str
    key: uuid.UUID
    language: str
    is_measured: bool = False


NOBODY = Reader(0, "nobody@example.org", uuid.UUID(MARK), Language.FRENCH.value)


class LetterUnwritable(Exception):
    """In one language, for everybody: nobody can be written to before somebody corrects something."""


class Words(NamedTuple):
    """A letter before it is mail."""

    subject: str
    text: str
    html: str


def words_of(*, campaign: Campaign, language: str, token: str = MARK) -> Words:
    """Subject, text and HTML in one language, the merchant's identity and both links added as the law wants."""
    with translation.override(language):
        context = {
            "campaign": campaign,
            "merchant": campaign.merchant,
            "topic": campaign.topic,
            "subject": campaign.subject,
            "preheader": campaign.preheader,
            "body": mark_safe(markdown.mail_html(campaign.body)),  # noqa: S308 - made by our own parser, HTML escaped
            "body_text": markdown.plain(campaign.body),
            "address": campaign.merchant.envelope_lines(language=language),
            "unsubscribe_url": absolute(reverse("newsletter:unsubscribe", args=[token])),
            "preferences_url": absolute(reverse("newsletter:preferences", args=[token])),
            "archive_url": absolute(campaign.address_in_language) if campaign.is_public else "",
            "site_url": settings.SITE_URL,
        }
        html = _render("newsletter/emails/letter.html", context)
        text = _render("newsletter/emails/letter.txt", context)
        subject = mime.one_line(campaign.subject)
    return Words(subject, _BLANK_LINES.sub("\n\n", text).strip() + "\n", html.strip())


class Letter:
    """One campaign in one language, ready to be addressed."""

    def __init__(self, *, campaign: Campaign, language: str) -> None:
        merchant = campaign.merchant
        self.words = words = words_of(campaign=campaign, language=language)
        address = mime.sender()
        self.domain = address.rpartition("@")[2]
        self.campaign_id = campaign.pk
        self.url = absolute(reverse("newsletter:unsubscribe", args=[MARK]))
        # RFC 6068: in an address of mailto, "&", "?" and "%" would end it or begin something else.
        self.mailto = quote(mime.mailbox(settings.NEWSLETTER_MAILTO or merchant.email), safe="@!$'*+")
        self.head = "\r\n".join(
            (
                f"From: {mime.display_name(merchant.name)} <{address}>",
                f"Reply-To: {mime.mailbox(merchant.email)}",
                f"Subject: {mime.encoded(words.subject, 'Subject')}",
                f"List-Id: <{campaign.topic.slug}.{merchant.slug}.{self.domain}>",
                f"Content-Language: {language[:2]}-CA",
                "MIME-Version: 1.0",
                "",
            )
        ).encode()
        self.text = _pieces(mime.part("plain", MARK), words.text)
        self.html = _pieces(mime.part("html", MARK), words.html)

    def to(self, *, reader: Reader) -> bytes:
        """The whole message to one person; the same row has the same Message-ID. Raises Refused for a bad address."""
        token = token_of(key=reader.key, campaign_id=self.campaign_id)
        boundary = f"=_{reader.key.hex}"
        ident = f"{message_id(recipient_id=reader.recipient_id, key=reader.key)}@{self.domain}"
        observing = TRACKED % ident[:LONGEST_METADATA] if reader.is_measured else UNTRACKED
        head = (
            f"To: {mime.mailbox(reader.email)}\r\n"
            f"Date: {format_datetime(timezone.now())}\r\n"
            f"Message-ID: <{ident}>\r\n"
            f"List-Unsubscribe: <{self.url.replace(MARK, token)}>,\r\n <mailto:{self.mailto}?subject={token}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            f'{observing}Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        )
        edge, link = f"--{boundary}".encode(), b"=\r\n" + token.encode() + b"=\r\n"
        text, html = link.join(self.text), link.join(self.html)
        content = self.head + head.encode() + b"%s\r\n%s%s\r\n%s%s--\r\n" % (edge, text, edge, html, edge)
        return signed(content)


def letter_in(*, campaign: Campaign, language: str) -> Letter:
    """The letter of one language, tried on nobody in particular; raises LetterUnwritable, whatever is wrong with it."""
    try:
        letter = Letter(campaign=campaign, language=language)
        letter.to(reader=NOBODY)
    except Exception as broken:
        logger.exception("Campaign %s cannot be written in %s", campaign.pk, language)
        raise LetterUnwritable(f"{language}: {type(broken).__name__}: {broken}"[:250]) from broken
    return letter


class Letters:
    """The letters of a campaign, each written when its first reader comes; then they ask nobody anything."""

    def __init__(self, *, campaign: Campaign) -> None:
        self.campaign = campaign
        self.written: dict[str, Letter] = {}

    def to(self, *, reader: Reader) -> bytes:
        """The message in the reader's language; raises as `letter_in` and `Letter.to` do."""
        language = reader.language if reader.language in Language.values else Language.FRENCH.value
        if language not in self.written:
            self.written[language] = letter_in(campaign=self.campaign, language=language)
        return self.written[language].to(reader=reader)


def message_id(*, recipient_id: int, key: uuid.UUID) -> str:
    """The part before the @: names the row, and cannot be guessed."""
    return f"n{recipient_id}.{key.hex[:12]}"


def _render(name: str, context: dict[str, Any]) -> str:
    template: Any = engines["django"].get_template(name)
    return template.render(context)


def _pieces(shape: bytes, text: str) -> list[bytes]:
    """A part cut where the token goes, each piece quoted-printable and ending so that a soft break may follow."""
    head = shape.partition(MARK.encode())[0]
    encoded = [mime.part("plain", piece).partition(b"\r\n\r\n")[2] for piece in text.split(MARK)]
    # mime.part ends each with a line break of its own; only the last keeps it.
    pieces = [_room_for_break(piece.removesuffix(b"\r\n")) for piece in encoded[:-1]] + encoded[-1:]
    return [head + pieces[0], *pieces[1:]]


def _room_for_break(piece: bytes) -> bytes:
    before, line_break, last = piece.rpartition(b"\r\n")
    if len(last) <= LONGEST_LINE:
        return piece
    cut = 60
    while b"=" in last[cut - 2 : cut]:  # never inside =E9
        cut -= 1
    return before + line_break + last[:cut] + b"=\r\n" + last[cut:]
