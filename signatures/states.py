"""Where a request stands: who may still act on it, and its way forward."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from signatures.models import SignatureRequest
from signatures.refusals import (
    AlreadyDeclined,
    AlreadySigned,
    NothingToSign,
    RequestCancelled,
    RequestExpired,
    SignerAbsent,
    SignerOther,
)

State = SignatureRequest.State
OVER: dict[str, type[NothingToSign]] = {
    State.SIGNED: AlreadySigned,
    State.SEALED: AlreadySigned,
    State.DECLINED: AlreadyDeclined,
    State.CANCELLED: RequestCancelled,
    State.EXPIRED: RequestExpired,
}


def lock(*, request: SignatureRequest) -> SignatureRequest:
    """The request as it is now, ours until the end of the transaction."""
    rows = SignatureRequest.objects.with_papers().select_for_update(of=("self",))
    return rows.get(pk=request.pk)


def refuse_when_over(*, request: SignatureRequest) -> None:
    """Raise what keeps the request from being signed: it was decided, or its time is over."""
    if request.state in OVER:
        raise OVER[request.state]
    if request.is_over:
        raise RequestExpired


def refuse_others(*, request: SignatureRequest, by: User | None) -> None:
    """Raise unless this person may act as the signer: the one named, or anyone with the link when none is."""
    if request.signer_id is None:
        return
    if by is None:
        raise SignerAbsent
    if by.pk != request.signer_id:
        raise SignerOther


def end(*, request: SignatureRequest, state: SignatureRequest.State) -> None:
    """Over without a signature: declined, cancelled or expired."""
    request.state, request.ended_at, request.remind_at = state, timezone.now(), None
    request.save(update_fields=["state", "ended_at", "remind_at"])
