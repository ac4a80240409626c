"""What a signature sets in motion: a right takes effect, an invitation leaves; and the agent’s look at a proof."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations.letters import absolute, write_to
from organizations.models import AuditEvent, Grant, Mandate, Membership
from organizations.permissions import NEEDING_PROOF, Permission
from organizations.readers import readers_of
from organizations.refusals import Refusal
from organizations.services import mandates
from organizations.services.effects import put_in_effect, set_grants, unproved, where_missing
from organizations.services.invitations import send_invitation
from organizations.services.mandates import lock_customer, lock_mandate, record
from organizations.services.requests import ReasonMissing
from organizations.terms import known, promotes, terms_signed
from signatures.models import SignatureRequest

Event = AuditEvent.Event


class ProofDecided(Refusal):
    sentence: str | Promise = _("Somebody already decided about this proof. Nothing was changed.")


def take_effect(*, request: SignatureRequest) -> None:
    """In the transaction of the signature: every right it covers takes effect, every invitation leaves.

    Raises AuthorityLost, NothingToSign or NotAllLeft, which undo the signature: its author lost the right to give it,
    or not all that was printed is still wished.
    """
    rows = Mandate.objects.unsigned().filter(signature=request).order_by("pk")
    first = rows.first()
    if first is None:
        raise mandates.NothingToSign
    customer = lock_customer(pk=first.customer_id)
    waiting = [lock_mandate(mandate=row) for row in rows]  # asked again under the lock
    if not waiting:
        raise mandates.NothingToSign
    if Mandate.objects.filter(signature=request).exclude(pk__in=[mandate.pk for mandate in waiting]).exists():
        raise mandates.NotAllLeft
    for mandate in waiting:
        mandate.customer = customer  # the first of them may open its space
        mandates.refuse_lost_authority(mandate=mandate)
        mandate.signed_at = timezone.now()
        mandate.save(update_fields=["signed_at"])
        record(Event.MANDATE_SIGNED, mandate, by=mandate.prepared_by)
        _go_on(mandate)


@transaction.atomic
def accept_proof(*, mandate: Mandate, by: User) -> Mandate:
    """The agent accepts the document: what waited for it holds now, and the person is written to."""
    mandate = _decide_proof(mandate=mandate, by=by, refusal="")
    if mandate.effective_at is not None and mandate.ended_at is None and mandate.membership is not None:
        present = set(Grant.objects.filter(content_object=mandate.customer, user=mandate.membership.user)
                      .values_list("permission__codename", flat=True))  # fmt: skip
        back = where_missing(mandate=mandate, membership=mandate.membership)
        set_grants(membership=mandate.membership, granted=known(present) | (known(mandate.granted) & NEEDING_PROOF))
        write_about_change(mandate=mandate, back=back)
    record(Event.PROOF_ACCEPTED, mandate, by=by)
    return mandate


@transaction.atomic
def refuse_proof(*, mandate: Mandate, reason: str, by: User) -> Mandate:
    """The agent refuses it, in words that whoever prepared the mandate reads, or who took over from them."""
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    mandate = _decide_proof(mandate=mandate, by=by, refusal=reason)
    record(Event.PROOF_REFUSED, mandate, by=by)
    for reader in _readers(mandate):
        write_to(
            merchant=mandate.customer.merchant,
            to=reader.email,
            template="organizations/emails/proof_refused",
            context={
                "customer": mandate.customer,
                "mandate": mandate,
                "person": reader,
                "permissions": sorted(_still_unproved(mandate)),
                "action_url": absolute(reverse("organizations:team", args=[mandate.customer.public_id])),
            },
            language=reader.language,
        )
    return mandate


def write_about_change(*, mandate: Mandate, back: str = "") -> None:
    """Tell the person what they may do from now on, and lead them back to where they were refused."""
    membership = mandate.membership
    if membership is None or membership.user is None:
        return
    person = membership.user
    held = terms_signed(mandate=mandate).permissions - unproved(mandate=mandate, membership=membership)
    write_to(
        merchant=mandate.customer.merchant,
        to=person.email,
        template="organizations/emails/access_changed",
        context={
            "customer": mandate.customer,
            "mandate": mandate,
            "person": person,
            "permissions": [permission for permission in Permission if permission in held],
            "action_url": absolute(back or reverse("portal:home", args=[mandate.customer.public_id])),
        },
        language=person.language,
    )


def _go_on(mandate: Mandate) -> None:
    membership = mandate.membership
    if membership is None and not mandate.email:
        listed = Membership.objects.create(
            customer=mandate.customer,
            first_name=mandate.first_name,
            last_name=mandate.last_name,
            phone=mandate.phone,
            role=mandate.role,
        )
        put_in_effect(mandate=mandate, membership=listed)
    elif membership is None or _is_to_accept(mandate, membership):
        send_invitation(mandate=mandate)  # nobody is added, nor put in charge, without a word of theirs
    else:
        back = where_missing(mandate=mandate, membership=membership)
        put_in_effect(mandate=mandate, membership=membership)
        record(Event.MEMBER_CHANGED, mandate, by=mandate.prepared_by)
        write_about_change(mandate=mandate, back=back)


def _still_unproved(mandate: Mandate) -> frozenset[Permission]:
    if mandate.membership is None:
        return known(mandate.granted) & NEEDING_PROOF
    return unproved(mandate=mandate, membership=mandate.membership)


def _is_to_accept(mandate: Mandate, membership: Membership) -> bool:
    """A promotion by the person; anything by somebody on file. Whoever has no address is asked nothing."""
    if membership.user is None:
        return bool(mandate.email)
    return promotes(role=mandate.role, former=membership.role)


def _readers(mandate: Mandate) -> list[User]:
    """Its author while they may still give it; else who answers for them, at the company that gave the authority."""
    try:
        mandates.refuse_lost_authority(mandate=mandate)
    except mandates.AuthorityLost:
        link = mandate.through
        company = mandate.customer if link is None or link.ended_at is not None else link.parent
        return readers_of(customer=company, asked_by=mandate.prepared_by)
    return [mandate.prepared_by]


def _decide_proof(*, mandate: Mandate, by: User, refusal: str) -> Mandate:
    lock_customer(pk=mandate.customer_id)
    mandate = lock_mandate(mandate=mandate)
    if mandate.proof_decided_at is not None or not mandate.proof:
        raise ProofDecided
    mandate.proof_decided_at, mandate.proof_decided_by, mandate.proof_refusal = timezone.now(), by, refusal
    mandate.save(update_fields=["proof_decided_at", "proof_decided_by", "proof_refusal"])
    return mandate
