"""The sealed file: owed as a row from the moment of signing, made once by a worker, stored, then only read.

A row is claimed in a short transaction, and nothing is locked while the file is made. Whatever fails is kept on the row
and in the evidence, tried again, and in the end left to a person: nothing waits for ever unseen.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.files import store
from accounts.models import User
from accounts.nudges import nudge
from accounts.refusals import Refusal
from signatures import events
from signatures.letters import write_to_signer
from signatures.models import Seal, SignatureEvent, SignatureRequest
from signatures.parties import Origin
from signatures.states import State, lock

logger = logging.getLogger(__name__)

SEAL = "signatures.seal"
# How long a claim holds: far more than a seal and a silent time server take.
CLAIM = timedelta(seconds=60)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)
MOST_ATTEMPTS = 24  # with these delays, most of a day
SWEEP = 100  # one sweep makes this many at most
Kind = SignatureEvent.Kind


class DocumentAltered(Exception):
    """The bytes kept are no longer those that were signed."""


class NotGivenUp(Refusal):
    sentence: str | Promise = gettext_lazy("This seal is made, or on its way: there is nothing to try again.")


def seal_signature(*, seal_id: int) -> bool:
    """Make one sealed file if it is owed, due and nobody is at it. Whether it was tried."""
    seal = _claim(seal_id=seal_id)
    if seal is None:
        return False
    _make(seal)
    return True


def seal_owed() -> int:
    """Make what is owed and due, oldest first; one that fails does not stop the others. The number tried."""
    tried = 0
    while tried < SWEEP and (seal := _claim()) is not None:
        _make(seal)
        tried += 1
    return tried


@transaction.atomic
def seal_again(*, request: SignatureRequest, by: User) -> Seal:
    """Try anew, from the first attempt, what failed; raises NotGivenUp when nothing did."""
    seal = Seal.objects.select_for_update(of=("self",)).get(request=request)
    if seal.sealed_at is not None or not seal.last_error:
        raise NotGivenUp
    seal.due_at, seal.attempts = timezone.now(), 0
    seal.save(update_fields=["due_at", "attempts"])
    logger.info("Signature %s is sealed again at the request of person %s", request.pk, by.pk)
    nudge(SEAL, seal_id=seal.pk)
    return seal


def _claim(*, seal_id: int | None = None) -> Seal | None:
    """Take a due row for ourselves until its claim runs out; rows another worker is taking are skipped."""
    with transaction.atomic():
        owed = Seal.objects.owed() if seal_id is None else Seal.objects.owed().filter(pk=seal_id)
        seal = owed.select_for_update(of=("self",), skip_locked=True).order_by("due_at", "pk").first()
        if seal is not None:
            seal.attempts += 1
            seal.due_at = timezone.now() + CLAIM
            seal.save(update_fields=["attempts", "due_at"])
    return seal


def _make(seal: Seal) -> None:
    if seal.attempts > MOST_ATTEMPTS:
        _postpone(seal, reason="WorkerDied: each worker that tried ended before it could say why")
        return
    try:
        content = _sealed(seal)
        digest = hashlib.sha256(content).hexdigest()
        # Two workers never write the same place: a seal made twice differs by its moment.
        path = f"signatures/{seal.request_id // 1000}/{seal.request_id}-{digest[:16]}.pdf"
        store(storage=seal.file.storage, path=path, content=content)
    except Exception as failure:  # whatever it is, it is kept, shown to agents and tried again
        logger.exception("Signature %s was not sealed, try %s", seal.request_id, seal.attempts)
        _postpone(seal, reason=f"{type(failure).__name__}: {failure}"[:2000])
        return
    if not _mark(seal, path=path, digest=digest, size=len(content)):
        seal.file.storage.delete(path)


def _sealed(seal: Seal) -> bytes:
    # WeasyPrint and pyHanko take a second and 60 MB to load: only workers pay for them.
    from signatures.evidence import render_evidence  # noqa: PLC0415 - see above
    from signatures.seal import seal as sealed  # noqa: PLC0415 - same

    asked = SignatureRequest.objects.select_related("french", "english", "signer", "requested_by")
    request = asked.get(pk=seal.request_id)
    document = bytes(request.document.content)
    if hashlib.sha256(document).hexdigest() != request.document.sha256:
        raise DocumentAltered(request.document.sha256)
    with translation.override(request.language):
        reason = _("Evidence of the signature of %(name)s") % {"name": request.signer_name}
    return sealed(document=document, evidence=render_evidence(request=request), reason=reason)


def _mark(seal: Seal, *, path: str, digest: str, size: int) -> bool:
    """Keep where the file is, close the request and tell the signer; false when another worker was first."""
    with transaction.atomic():
        asked = lock(request=seal.request)
        made = Seal.objects.filter(pk=seal.pk, sealed_at=None).update(
            file=path, sha256=digest, size=size, sealed_at=timezone.now(), last_error="", due_at=None
        )
        if not made:
            return False
        asked.state = State.SEALED
        asked.save(update_fields=["state"])
        letter = write_to_signer(request=asked, letter="sealed", copy_until=asked.copy_until)
        data = {"sha256": digest}
        events.record(request=asked, kind=Kind.SEALED, by=None, origin=Origin(), message=letter, data=data)
    return True


def _postpone(seal: Seal, *, reason: str) -> None:
    """Try later and later; after the last try, no more until somebody asks."""
    is_last = seal.attempts >= MOST_ATTEMPTS
    delay = min(FIRST_DELAY * 2 ** min(seal.attempts - 1, 16), LONGEST_DELAY)
    with transaction.atomic():
        owed = Seal.objects.filter(pk=seal.pk, sealed_at=None)
        owed.update(last_error=reason, due_at=None if is_last else timezone.now() + delay)
        asked = SignatureRequest.objects.with_papers().get(pk=seal.request_id)
        data = {"error": reason[:500]}
        events.record(request=asked, kind=Kind.SEAL_FAILED, by=None, origin=Origin(), data=data)
