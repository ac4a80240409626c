"""One outgoing message as the bytes a mail server takes.

Written by hand because the standard library's message objects cost more than the SMTP dialogue; the tests read the
result back with that library.
"""

from __future__ import annotations

import binascii
import re
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from django.conf import settings
from django.utils import timezone
from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from accounts.models import OutgoingMessage
from accounts.transports import Refused

# RFC 5322 dot-atom @ RFC 1035 labels: what every mail server takes without quoting or SMTPUTF8.
_MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029 ]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]+")
_OURS = frozenset(
    {
        *("from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-version"),
        *("content-type", "content-transfer-encoding", "content-language", "auto-submitted", "return-path"),
    }
)
LONGEST_HEADER = 900  # of the 998 octets a line may have (RFC 5322, 2.1.1)


def one_line(text: str) -> str:
    """The same words without any line break or control character; no-break spaces stay."""
    return _BREAKS.sub(" ", text).strip(" ")


def check_headers(headers: dict[str, str]) -> None:
    """Raise ValueError for a header that is ours to write, or that cannot be written."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"Not a header a message may add: {name!r}")
        if one_line(value) != value or len(value) > LONGEST_HEADER:
            raise ValueError(f"Not the value of a header: {name}")


def mailbox(address: str) -> str:
    """The address as mail servers take it, its domain in ASCII; raises Refused with a sentence for agents."""
    local, at, domain = address.rpartition("@")
    if at and not domain.isascii():
        try:
            domain = punycode(domain)
        except UnicodeError:
            domain = ""
    ascii_address = f"{local}@{domain}"
    if not _MAILBOX.fullmatch(ascii_address):
        raise Refused(_("The address “%(address)s” cannot receive e-mail: correct it.") % {"address": address})
    return ascii_address


def sender() -> str:
    """The address all our mail leaves from."""
    return _sender(settings.DEFAULT_FROM_EMAIL)[1]


@lru_cache(maxsize=8)
def _sender(setting: str) -> tuple[str, str]:
    name, address = parseaddr(setting)
    return name, mailbox(address)


@lru_cache(maxsize=4096)
def encoded(text: str, header: str) -> str:
    """A header's value in ASCII, folded when it has to be encoded (RFC 2047)."""
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


@lru_cache(maxsize=1024)
def display_name(text: str) -> str:
    """A display name before an address: quoted, or encoded."""
    text = one_line(text)
    if not text.isascii() or "=?" in text:
        return encoded(text, "From")
    if _PLAIN_NAME.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def crlf(text: str) -> str:
    """The same lines with the line breaks of the internet."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def part(kind: str, text: str) -> bytes:
    """Headers and body of one text, quoted-printable: readable in the source, and no line over 76."""
    # The line break that ends the part also tells binascii which kind of break we write.
    content = crlf(f"{text}\n").encode()
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + binascii.b2a_qp(content, istext=True)


def build(message: OutgoingMessage) -> bytes:
    """The whole e-mail: same row, same Message-ID; raises Refused for an address nobody can write to."""
    default_name, address = _sender(settings.DEFAULT_FROM_EMAIL)
    name = message.sender_name or default_name
    lines = [
        f"From: {display_name(name)} <{address}>" if name else f"From: {address}",
        f"To: {mailbox(message.recipient)}",
        f"Subject: {encoded(one_line(message.subject), 'Subject')}",
        f"Date: {format_datetime(timezone.now())}",
        f"Message-ID: <{message.key}@{address.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        f"Content-Language: {message.language[:2]}-CA",
        "MIME-Version: 1.0",
    ]
    if message.reply_to:
        lines.insert(2, f"Reply-To: {mailbox(message.reply_to)}")
    check_headers(message.headers)
    lines += [f"{header}: {encoded(value, header)}" for header, value in message.headers.items()]
    text = part("plain", message.text)
    if not message.html:
        return "\r\n".join(lines).encode() + b"\r\n" + text
    # Quoted-printable writes every "=" as "=3D": the boundary cannot be in a part.
    boundary = f"=_{message.key.hex}"
    lines.append(f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n')
    edge = f"--{boundary}".encode()
    html = part("html", message.html)
    return "\r\n".join(lines).encode() + b"%s\r\n%s%s\r\n%s%s--\r\n" % (edge, text, edge, html, edge)
