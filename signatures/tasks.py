"""What the worker does for signatures. Each task may run twice; the hours of the sweeps are in the settings."""

from typing import Any

from celery import shared_task

from signatures.services import sealing, sweeps


@shared_task(name=sealing.SEAL, ignore_result=True)
def seal(*, seal_id: int, **_: Any) -> None:
    sealing.seal_signature(seal_id=seal_id)


@shared_task(name="signatures.seal_owed", ignore_result=True)
def seal_owed(**_: Any) -> None:
    sealing.seal_owed()


@shared_task(name="signatures.expire", ignore_result=True)
def expire(**_: Any) -> None:
    sweeps.expire_past()


@shared_task(name="signatures.remind", ignore_result=True)
def remind(**_: Any) -> None:
    sweeps.remind_due()
