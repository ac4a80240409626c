"""What the worker does for this app. Each task may run twice; the sweep's hour is in the settings."""

from typing import Any

from celery import shared_task

from organizations.services import reviews, watch


@shared_task(name="organizations.watch_register", ignore_result=True)
def watch_register(**_: Any) -> None:
    watch.watch_register()


@shared_task(name="organizations.look_after_reviews", ignore_result=True)
def look_after_reviews(**_: Any) -> None:
    reviews.look_after_reviews()
