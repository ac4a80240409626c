"""What must not stay behind: pages in a shared computer's memory, live links in logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

LINKS = re.compile(
    r"/(confirm-email|activate|sign|password/reset/key|newsletter/(?:confirm|preferences|unsubscribe))/[^/\s]+"
)


class PrivatePages:
    """A page of somebody signed in is kept by no cache: after signing out, « Back » shows nothing of theirs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def masked(text: str) -> str:
    """The text without what makes a link of ours work."""
    return LINKS.sub(r"/\1/…", text)


class MaskLinks(logging.Filter):
    """Django logs the address of each refused request; whoever reads the log must not be able to open the link."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = masked(str(record.msg))
        if isinstance(record.args, tuple):
            record.args = tuple(masked(part) if isinstance(part, str) else part for part in record.args)
        return True
