"""What the worker does for the newsletter."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from newsletter.services import subscriptions


@shared_task(name="newsletter.forget_sign_ups", ignore_result=True)
def forget_sign_ups(**_: Any) -> None:
    subscriptions.forget_sign_ups()
