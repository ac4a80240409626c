"""What `manage.py check --deploy` says of this installation beyond Django's own advice."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice


@register(Tags.security, deploy=True)
def check_that_mail_leaves(**_: Any) -> list[CheckMessage]:
    """Without a mail server every link stays in a file nobody reads."""
    if settings.EMAIL_URL:
        return []
    return [Advice("EMAIL_URL is not set: messages are written to files under VAR_DIR.", id="portal.W001")]


@register(Tags.security, deploy=True)
def check_that_seals_are_trusted(**_: Any) -> list[CheckMessage]:
    """A certificate made here proves that a file is unchanged, and to nobody else whose it is."""
    if settings.SIGNING_CERTIFICATE:
        return []
    advice = "SIGNING_CERTIFICATE is not set: signed documents are sealed with a certificate made here."
    return [Advice(advice, id="portal.W002")]


@register(Tags.security, deploy=True)
def check_that_it_is_no_demo(**_: Any) -> list[CheckMessage]:
    """The demo shows every message to anybody, links included."""
    if not settings.DEMO:
        return []
    return [Error("DEMO is on: /outbox/ shows every message to anybody.", id="portal.E001")]
