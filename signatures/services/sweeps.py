"""What the passing of time does to signatures: reminders due, time that is over. Each row in its own transaction."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from signatures.models import SignatureRequest, SignatureRequestQuerySet
from signatures.parties import Origin
from signatures.services.requests import expire, write_reminder

SWEEP = 500  # rows one sweep handles at most


def expire_past() -> int:
    """Close the requests whose time is over, oldest first. How many."""
    return _each(SignatureRequest.objects.past().order_by("expires_at", "pk"), lambda row: expire(request=row))


def remind_due() -> int:
    """Write to the signers whose reminder is due. How many."""
    due = SignatureRequest.objects.waiting().filter(remind_at__lte=timezone.now()).order_by("remind_at", "pk")
    return _each(due, lambda row: write_reminder(request=row, by=None, origin=Origin()))


def _each(rows: SignatureRequestQuerySet, work: Callable[[SignatureRequest], None]) -> int:
    """One row at a time, those another worker holds left to it."""
    done = 0
    while done < SWEEP:
        with transaction.atomic():
            row = rows.with_papers().select_for_update(of=("self",), skip_locked=True).first()
            if row is None:
                break
            work(row)
        done += 1
    return done
