"""What the worker does for the newsletter."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from newsletter import sending
from newsletter.services import campaigns, implied, sign_ups


@shared_task(name=campaigns.SEND, ignore_result=True)
def send(*, campaign_id: int, **_: Any) -> None:
    sending.send(campaign_id=campaign_id)


@shared_task(name=campaigns.BEGIN, ignore_result=True)
def begin_due(**_: Any) -> None:
    campaigns.begin_due()


@shared_task(name="newsletter.note_implied", ignore_result=True)
def note_implied(**_: Any) -> None:
    implied.note_implied()


@shared_task(name="newsletter.wake", ignore_result=True)
def wake(**_: Any) -> None:
    sending.wake()


@shared_task(name="newsletter.forget_sign_ups", ignore_result=True)
def forget_sign_ups(**_: Any) -> None:
    sign_ups.forget_sign_ups()
