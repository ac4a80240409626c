"""Proofs of authority: keeping the document, and the one an agent accepted before. Their decision is in authority."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import PurePath
from typing import NamedTuple

from django.core.files.base import ContentFile, File
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations.access import granted_to
from organizations.models import Mandate, Membership
from organizations.permissions import NEEDING_PROOF, Permission
from organizations.refusals import Refusal
from organizations.terms import codes, known


class ProofMissing(Refusal):
    sentence: str | Promise = _("“%(permission)s” needs a proof of authority: add the document.")


class Proved(NamedTuple):
    """Rights that need a document, and the mandate that bears it."""

    rights: frozenset[Permission] = frozenset()
    by: Mandate | None = None


def proved_of(*, membership: Membership | None) -> Proved:
    """What a member holds by a document an agent accepted, and need not prove again. Two queries at most."""
    if membership is None or membership.user_id is None:
        return Proved()
    held = known(granted_to(membership=membership)) & NEEDING_PROOF
    if not held:
        return Proved()
    accepted = Mandate.objects.proved().filter(membership=membership, granted__contains=codes(held))
    by = accepted.order_by("-pk").first()
    return Proved(held, by) if by is not None else Proved()


def waiting_of(*, membership: Membership) -> Proved:
    """What was signed for a member and takes effect once an agent accepts the document. One query."""
    by = Mandate.objects.proof_waiting().filter(membership=membership, effective_at__isnull=False).first()
    return Proved(known(by.granted) & NEEDING_PROOF, by) if by is not None else Proved()


def kept_proof(*, waits: Proved, gained: AbstractSet[Permission]) -> str:
    """The document that waits, which the next mandate bears too; none for a right it was not given for."""
    return waits.by.proof.name or "" if waits.by is not None and not gained & NEEDING_PROOF else ""


def give_up_proof(*, mandate: Mandate, by: User) -> None:
    """What waits for its document is wished no more: nobody looks at it. Under the customer's lock."""
    with override(mandate.customer.language):
        mandate.proof_refusal = gettext("given up by %(person)s") % {"person": by}
    mandate.proof_decided_at, mandate.proof_decided_by = timezone.now(), by
    mandate.save(update_fields=["proof_decided_at", "proof_decided_by", "proof_refusal"])


def proof_columns(*, granted: AbstractSet[Permission], membership: Membership | None, proof: str) -> dict[str, object]:
    """What a new mandate keeps of its proof: none, the one accepted before, or the new document, for an agent to see.

    Raises ProofMissing.
    """
    needing = granted & NEEDING_PROOF
    if not needing:
        return {}
    proved = proved_of(membership=membership)
    if unproved := needing - proved.rights:
        if not proof:
            raise ProofMissing(permission=min(unproved).label)
        return {"proof": proof}
    former = proved.by
    if former is None:
        return {}
    return {
        "proof": former.proof.name,
        "proof_decided_at": former.proof_decided_at,
        "proof_decided_by": former.proof_decided_by,
    }


@contextmanager
def keeping_proof(*, proof: File | None) -> Iterator[str]:
    """Where the document is kept; around the transaction, which no file may hold up. Empty: there is none.

    Afterwards it stays only if a mandate bears it: neither a refusal nor a right that needs none leaves it on disk.
    """
    if proof is None:
        yield ""
        return
    storage = Mandate.proof.field.storage
    name = f"proofs/{secrets.token_hex(12)}{PurePath(proof.name or '').suffix.lower()}"
    path = storage.save(name, ContentFile(proof.read()))
    try:
        yield path
    except BaseException:
        storage.delete(path)
        raise
    if not Mandate.objects.filter(proof=path).exists():
        storage.delete(path)
