"""The mail of a demo that left without the outbox, read back from the files of the mailer: the newsletter's."""

from __future__ import annotations

import heapq
import re
from datetime import datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

SHOWN = 100
# accounts.eml names a file by moment and Message-ID; the outbox's are keys, which it shows itself.
_NEWSLETTER = re.compile(r"\d{8}-\d{6}-n\d{1,18}-[0-9a-f]{12}", re.ASCII)


class Letter(NamedTuple):
    """One message as it left."""

    name: str
    subject: str
    sender: str
    recipient: str
    language: str
    written_at: datetime
    text: str
    html: str


def newest() -> list[Letter]:
    """The latest of them; none where mail leaves for a mail server."""
    folder = _folder()
    names = [path.stem for path in folder.glob("*.eml")] if folder else []
    newsletters = heapq.nlargest(SHOWN, filter(_NEWSLETTER.fullmatch, names))
    return [letter for name in newsletters if (letter := find(name=name))]


def find(*, name: str) -> Letter | None:
    folder = _folder()
    if folder is None or not _NEWSLETTER.fullmatch(name):
        return None
    try:
        with (folder / f"{name}.eml").open("rb") as file:
            message = message_from_binary_file(file, _class=EmailMessage, policy=policy.default)
    except FileNotFoundError:
        return None
    return Letter(
        name=name,
        subject=str(message["Subject"]),
        sender=str(message["From"]),
        recipient=str(message["To"]),
        language=str(message["Content-Language"]),
        written_at=message["Date"].datetime,
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""


def _folder() -> Path | None:
    """Where the mailer writes, if it writes files."""
    folder = settings.MAILERS["default"].get("OPTIONS", {}).get("folder")
    return Path(folder) if folder else None
