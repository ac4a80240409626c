"""What the worker does for this app. Each task may run twice, and a sweep in the settings repeats it."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.core.management import call_command

from accounts import delivery, mail
from accounts.outbox import DELIVER


@shared_task(name=DELIVER, ignore_result=True)
def deliver(**_: Any) -> None:
    delivery.deliver()


@shared_task(name="accounts.forget_secrets", ignore_result=True)
def forget_secrets(**_: Any) -> None:
    delivery.forget_secrets()


@shared_task(name="accounts.clear_sessions", ignore_result=True)
def clear_sessions(**_: Any) -> None:
    call_command("clearsessions")


@worker_process_shutdown.connect
def hang_up(**_: Any) -> None:
    mail.hang_up()
