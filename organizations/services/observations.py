"""What an agent saw on the public register, kept as the evidence of a decision, with a capture if there is one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from pathlib import PurePath

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.models import AuditEvent, Observation, Verification
from organizations.refusals import Refusal
from organizations.services.verification import lock, refuse_decided


class SeenLater(Refusal):
    sentence: str | Promise = _("Nothing can have been seen after today.")


def record_observation(
    *, verification: Verification, fact: str, seen: str, verdict: str, seen_on: date, capture: File | None, by: User
) -> Observation:
    """Keep what the public register shows of one fact, beside the declaration that waits."""
    if seen_on > timezone.localdate():
        raise SeenLater
    path, digest = _store(verification, capture) if capture is not None else ("", "")
    try:
        return _keep(verification, by=by, fact=fact, seen=seen, verdict=verdict, seen_on=seen_on, capture=path,
                     sha256=digest)  # fmt: skip
    except BaseException:
        if path:
            Observation.capture.field.storage.delete(path)
        raise


@transaction.atomic
def _keep(verification: Verification, *, by: User, **said: object) -> Observation:
    verification = lock(verification)
    refuse_decided(verification)
    same = Observation.objects.filter(verification=verification, by=by, **{**said, "capture": ""}).first()
    if same is not None and not said["capture"]:
        return same
    observation = Observation.objects.create(verification=verification, by=by, **said)
    audit.record(
        event=AuditEvent.Event.IDENTITY_OBSERVED,
        customer=verification.customer,
        by=by,
        verification=verification.pk,
        name=verification.legal_name,
        fact=observation.fact,
    )
    return observation


def _store(verification: Verification, capture: File) -> tuple[str, str]:
    """Where the capture is kept, and its SHA-256; before the transaction, which no file may hold up."""
    content = capture.read()
    suffix = PurePath(capture.name or "").suffix.lower()
    path = f"observations/{verification.pk}/{secrets.token_hex(8)}{suffix}"
    return Observation.capture.field.storage.save(path, ContentFile(content)), hashlib.sha256(content).hexdigest()
