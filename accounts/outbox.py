"""The only door for e-mail and SMS: a message is a row, written in the transaction of what it announces."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.template import engines
from django.template.context import make_context
from django.utils import timezone, translation

from accounts.mime import check_headers, one_line
from accounts.models import Language, OutgoingMessage, normalize_email
from accounts.nudges import nudge

DELIVER = "accounts.deliver"
_BLANK_LINES = re.compile(r"(?:[ \t]*\n){3,}")


class OutsideTransaction(Exception):
    """A message belongs to a change: without a transaction one could be kept without the other."""

    def __init__(self) -> None:
        super().__init__("Queue messages inside transaction.atomic(), beside the change they announce.")


def queue_email(  # noqa: PLR0913 - an envelope has that many lines
    *,
    to: str,
    template: str,
    context: dict[str, Any],
    language: str,
    merchant_slug: str = "",
    sender_name: str = "",
    reply_to: str = "",
    is_sensitive: bool = False,
    headers: dict[str, str] | None = None,
    due_at: datetime | None = None,
) -> OutgoingMessage:
    """Write one e-mail in the reader's language and nudge the worker; raises OutsideTransaction.

    `template` is `<app>/emails/<name>`, for `<name>_subject.txt`, `<name>_message.txt` and `<name>_message.html`.
    """
    _require_transaction()
    check_headers(headers or {})
    subject, text, html = _written(template, context, language=_known(language))
    return _queue(
        OutgoingMessage(
            channel=OutgoingMessage.Channel.EMAIL,
            recipient=normalize_email(to),
            template=template,
            language=_known(language),
            merchant_slug=merchant_slug,
            sender_name=one_line(sender_name)[:120],
            reply_to=reply_to,
            subject=subject[:250],
            text=text,
            html=html,
            headers=headers or {},
            is_sensitive=is_sensitive,
            due_at=due_at or timezone.now(),
        )
    )


def queue_sms(
    *,
    to: str,
    template: str,
    context: dict[str, Any],
    language: str,
    merchant_slug: str = "",
    is_sensitive: bool = False,
) -> OutgoingMessage:
    """Write one text message, `<template>_sms.txt`, and nudge the worker; raises OutsideTransaction."""
    _require_transaction()
    with translation.override(_known(language)):
        text = _render(f"{template}_sms.txt", context)
    return _queue(
        OutgoingMessage(
            channel=OutgoingMessage.Channel.SMS,
            recipient=str(to),
            template=template,
            language=_known(language),
            merchant_slug=merchant_slug,
            text=one_line(text),
            is_sensitive=is_sensitive,
        )
    )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise OutsideTransaction


def _queue(message: OutgoingMessage) -> OutgoingMessage:
    message.save(force_insert=True)
    nudge(DELIVER)
    return message


def _known(language: str) -> str:
    return language if language in Language.values else Language.FRENCH.value


def _written(template: str, context: dict[str, Any], *, language: str) -> tuple[str, str, str]:
    """Subject, text and HTML of an e-mail; the last two may name the subject."""
    with translation.override(language):
        subject = one_line(_render(f"{template}_subject.txt", context))
        known = {**context, "subject": subject}
        text, html = _render(f"{template}_message.txt", known), _render(f"{template}_message.html", known)
    return subject, _tidy(text), html.strip()


def _render(name: str, context: dict[str, Any]) -> str:
    """A template in the active language; with a `request` in the context, context processors speak too."""
    template: Any = engines["django"].get_template(name)
    known = {"site_url": settings.SITE_URL, **context}
    # In plain text an apostrophe is an apostrophe.
    is_html = name.endswith(".html")
    bound = make_context(known, request=context.get("request"), autoescape=is_html)
    return template.template.render(bound)


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", text.replace("\r\n", "\n")).strip() + "\n"
