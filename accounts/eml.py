"""A mail back end for machines without a mail server: each message is a file any mail program opens."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class EmailBackend(BaseEmailBackend):
    def __init__(self, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(folder)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """A file named by moment and Message-ID."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for email_message in email_messages:
            content = email_message.message()
            name = re.sub(r"[^\w-]+", "-", str(content["Message-ID"]).partition("@")[0]).strip("-")
            path = self.folder / f"{timezone.localtime():%Y%m%d-%H%M%S}-{name}.eml"
            path.write_bytes(content.as_bytes())
        return len(email_messages)
