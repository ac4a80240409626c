"""What the worker does for billing. Each task may run twice; the sweep's hour is in the settings."""

from typing import Any

from celery import shared_task

from billing import files


@shared_task(name=files.RENDER, ignore_result=True)
def render_pdf(*, pdf_id: int, **_: Any) -> None:
    files.render_pdf(pdf_id=pdf_id)


@shared_task(name="billing.render_owed_pdfs", ignore_result=True)
def render_owed_pdfs(**_: Any) -> None:
    files.render_owed()
