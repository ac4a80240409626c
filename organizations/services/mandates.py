"""Increases of rights: prepared by whoever may give them, signed by the same person, and only then in effect.

What takes away, and needs no signature, is in members; what the invited person does is in invitations.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from django.core.files.base import File
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, User, normalize_email
from accounts.spelling import plain
from organizations import audit
from organizations.access import giver_at, through_of
from organizations.models import AuditEvent, CompanyLink, Customer, Invitation, Mandate, Membership, MembershipQuerySet
from organizations.papers import papers_of
from organizations.permissions import Role
from organizations.refusals import Refusal
from organizations.services.proofs import keeping_proof, proof_columns
from organizations.services.reach import BeyondReach, giver_at_present, refuse_beyond_reach, refuse_useless
from organizations.services.recognition import confirmed_addresses
from organizations.terms import Wish, as_columns, codes, terms_of, terms_signed
from signatures.models import SignatureRequest
from signatures.parties import Origin, Sender, Signer
from signatures.services import requests as signature_requests

PURPOSE = "access-mandate"
Event = AuditEvent.Event


class Invitee(NamedTuple):
    """Whom a mandate is for; without an e-mail, a person known by name and phone at the counter only."""

    first_name: str
    last_name: str
    email: str
    phone: str = ""
    language: str = Language.FRENCH.value


class NoTeam(Refusal):
    sentence: str | Promise = _("Only member companies have a team. Ask us to become one.")


class GivenToOneself(Refusal):
    sentence: str | Promise = _("Nobody gives permissions to themselves: ask another administrator.")


class InvitesOneself(Refusal):
    sentence: str | Promise = _("This is your own address: you have access already.")


class AlreadyMember(Refusal):
    sentence: str | Promise = _("%(email)s is a member already. Change their access on their own page.")


class AlreadyWaiting(Refusal):
    sentence: str | Promise = _("%(email)s is invited already. Sign, resend or revoke that invitation.")


class NobodyNamed(Refusal):
    sentence: str | Promise = _("Give an e-mail address; or, for the counter only, a name and a phone number.")


class CounterOnly(Refusal):
    sentence: str | Promise = _("Without an e-mail address a person can only be known at the counter, as a visitor.")


class BranchUnknown(Refusal):
    sentence: str | Promise = _("This branch is not one of ours any more. Choose again.")


class NothingToSign(Refusal):
    sentence: str | Promise = _("There is nothing left to sign: it was signed, or given up.")


class NotAllLeft(Refusal):
    sentence: str | Promise = _(
        "Something this document gives was changed or given up since: nothing is signed. "
        "What is left to sign waits in your team."
    )


class AuthorityLost(Refusal):
    sentence: str | Promise = _("You may no longer give this access: nothing is signed.")


class LastAdministrator(Refusal):
    sentence: str | Promise = _(
        "This person is the last one who can manage this customer’s access. Give that role to somebody else first."
    )


def prepare_invitations(
    *, customer: Customer, people: Sequence[tuple[Invitee, Wish]], by: User, proof: File | None = None
) -> uuid.UUID:
    """Write down whom to invite to what; nothing leaves before the signature. All of them or none.

    Says under which batch they are signed together.
    """
    batch = uuid.uuid4()
    with keeping_proof(proof=proof) as path, transaction.atomic():
        customer = lock_customer(pk=customer.pk)
        if customer.kind != Customer.Kind.MEMBER or customer.closed_at is not None:
            raise NoTeam
        giver = giver_at_present(customer=customer, by=by)
        through = through_of(giver=giver)
        for invitee, wish in people:
            invitee = invitee._replace(email=normalize_email(invitee.email))  # noqa: PLW2901 - the one spelling
            refuse_beyond_reach(giver=giver, wish=wish)
            refuse_useless(customer=customer, rights=wish.beyond_role)
            refuse_person(customer, invitee, wish, by=by, through=through)
            write_mandate(
                customer=customer, invitee=invitee, wish=wish, by=by, batch=batch, proof=path, through=through
            )
    return batch


def write_mandate(
    *,
    customer: Customer,
    invitee: Invitee,
    wish: Wish,
    by: User,
    batch: uuid.UUID,
    proof: str,
    membership: Membership | None = None,
    through: CompanyLink | None = None,
) -> Mandate:
    """The row, its branches and its line of history. The caller holds the customer's lock and has decided."""
    proved = proof_columns(granted=wish.beyond_role, membership=membership, proof=proof)
    branches = list(customer.merchant.branches.filter(pk__in=wish.branches))
    if len(branches) != len(wish.branches):
        raise BranchUnknown
    mandate = Mandate.objects.create(
        customer=customer,
        membership=membership,
        through=through,
        batch=batch,
        granted=codes(wish.beyond_role),
        prepared_by=by,
        **proved,
        **invitee._asdict(),
        **as_columns(wish=wish),
    )
    mandate.branches.set(branches)
    record(Event.MANDATE_PREPARED, mandate, by=by)
    return mandate


def ask_to_sign(*, customer: Customer, batch: uuid.UUID, by: User, origin: Origin, back: str = "") -> SignatureRequest:
    """Print what one batch gives, and ask the person who prepared it to sign; asked twice, it is the same request.

    Signed, they are led back to the page they came from; none named: the team.
    """
    mine = Mandate.objects.unsigned().filter(customer=customer, batch=batch, prepared_by=by)
    rows = mine.select_related("customer__merchant", "prepared_by", "through__parent")
    mandates = list(rows.prefetch_related("branches").order_by("pk"))
    if not mandates:
        raise NothingToSign
    giver = giver_at_present(customer=customer, by=by)
    refuse_other_authority(mandate=mandates[0], giver=giver)
    french, english = papers_of(mandates=mandates)
    request = signature_requests.request_signature(
        by=by,
        purpose=PURPOSE,
        subject_key=str(batch),
        signer=Signer(
            name=str(by),
            email=by.email,
            language=by.language,
            user=by,
            phone="" if by.phone_extension else by.phone,
            capacity=_capacity(customer, giver),
        ),
        sender=_sender(customer=mandates[0].customer),
        french=french,
        english=english if by.language == Language.ENGLISH else None,
        origin=origin,
        back_path=back or reverse("organizations:team", args=[customer.public_id]),
    )
    if _are_all_waiting(mandates, request=request):
        return request
    _withdraw(request.pk, by=by)  # one was given up while this was printed
    return ask_to_sign(customer=customer, batch=batch, by=by, origin=origin, back=back)


@transaction.atomic
def _are_all_waiting(mandates: Sequence[Mandate], *, request: SignatureRequest) -> bool:
    """Whether all that was printed is still to be signed; then it is under this request."""
    lock_customer(pk=mandates[0].customer_id)
    printed = Mandate.objects.unsigned().filter(pk__in=[mandate.pk for mandate in mandates])
    is_whole = printed.count() == len(mandates)
    if is_whole:
        printed.update(signature=request)
    return is_whole


@transaction.atomic
def cancel_mandate(*, mandate: Mandate, by: User) -> Mandate:
    """Give up what was not signed, or revoke an invitation nobody accepted; a second time changes nothing."""
    lock_customer(pk=mandate.customer_id)
    mandate = lock_mandate(mandate=mandate)
    if mandate.ended_at is None and mandate.effective_at is None:
        end_mandate(mandate=mandate, by=by)
        record(Event.MANDATE_CANCELLED, mandate, by=by)
    return mandate


@transaction.atomic
def correct_address(*, mandate: Mandate, email: str, by: User) -> uuid.UUID:
    """The same for another address: what named the wrong one is given up, and what names the right one is signed."""
    customer = lock_customer(pk=mandate.customer_id)
    mandate = lock_mandate(mandate=mandate)
    if mandate.ended_at is not None or mandate.effective_at is not None or mandate.membership is not None:
        raise NothingToSign
    wish = terms_signed(mandate=mandate)
    giver = giver_at_present(customer=customer, by=by)
    through = through_of(giver=giver)
    refuse_beyond_reach(giver=giver, wish=wish)
    cancel_mandate(mandate=mandate, by=by)
    invitee = Invitee(mandate.first_name, mandate.last_name, normalize_email(email), mandate.phone, mandate.language)
    refuse_person(customer, invitee, wish, by=by, through=through)
    batch, proof = uuid.uuid4(), mandate.proof.name or ""
    write_mandate(customer=customer, invitee=invitee, wish=wish, by=by, batch=batch, proof=proof, through=through)
    return batch


def end_mandate(*, mandate: Mandate, by: User) -> None:
    """Over, with the link it sent and the document that names it. The caller holds the customer's lock.

    What the document named besides is left to sign, on another one.
    """
    now = timezone.now()
    mandate.ended_at = now
    mandate.save(update_fields=["ended_at"])
    Invitation.objects.open().filter(mandate=mandate).update(revoked_at=now)
    if mandate.signed_at is None and mandate.signature_id is not None:
        transaction.on_commit(partial(_withdraw, mandate.signature_id, by=by), robust=True)


def give_up_declined(*, request: SignatureRequest) -> None:
    """The signer said no: what was to be signed is given up. In the transaction of the refusal."""
    for mandate in Mandate.objects.unsigned().filter(signature=request):
        lock_customer(pk=mandate.customer_id)
        end_mandate(mandate=lock_mandate(mandate=mandate), by=mandate.prepared_by)
        record(Event.MANDATE_CANCELLED, mandate, by=request.signer)


# --- what others of this app stand on ---------------------------------------------------------


def lock_customer(*, pk: int) -> Customer:
    """The customer's row, ours until the end of the transaction: everything about a team waits for it."""
    return Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=pk)


def lock_mandate(*, mandate: Mandate) -> Mandate:
    """After its customer."""
    rows = Mandate.objects.select_for_update(of=("self",))
    return rows.select_related("customer__merchant", "membership__user", "prepared_by").get(pk=mandate.pk)


def refuse_beyond_counter(*, wish: Wish) -> None:
    """Somebody without an address never signs in: what counters ask is all they can be given."""
    if wish.role != Role.VISITOR or wish.beyond_role:
        raise CounterOnly


def _withdraw(signature: int, *, by: User) -> None:
    """Nobody signs it any more. After commit, without the customer's lock, which whoever signs takes after its own."""
    for request in SignatureRequest.objects.filter(pk=signature).waiting():
        signature_requests.cancel(request=request, by=by, origin=Origin())


def _sender(*, customer: Customer) -> Sender:
    merchant = customer.merchant
    return Sender(
        slug=merchant.slug,
        name=merchant.name,
        email=merchant.email,
        phone=merchant.phone.as_e164,
        phone_extension=merchant.phone_extension,
        hue=merchant.hue,
    )


def _capacity(customer: Customer, giver: Membership) -> str:
    if (link := through_of(giver=giver)) is None:
        return _("%(role)s of %(company)s") % {"role": giver.get_role_display(), "company": customer.name}
    words = {"role": giver.get_role_display(), "parent": link.parent.name, "company": customer.name}
    return _("%(role)s of %(parent)s, parent company of %(company)s") % words


def giver_of(*, mandate: Mandate) -> Membership:
    """The membership by which its author gives it now; raises AuthorityLost when they no longer may."""
    giver = giver_at(customer=mandate.customer, user=mandate.prepared_by)
    if giver is None or not mandate.prepared_by.is_active:
        raise AuthorityLost
    refuse_other_authority(mandate=mandate, giver=giver)
    if through_of(giver=giver) is None:
        giver.customer = mandate.customer
    return giver


def refuse_lost_authority(*, mandate: Mandate) -> None:
    """Raise AuthorityLost when its author may no longer give what it gives. Under the customer's lock."""
    try:
        had = terms_of(membership=mandate.membership) if mandate.membership is not None else None
        refuse_beyond_reach(giver=giver_of(mandate=mandate), wish=terms_signed(mandate=mandate), had=had)
    except BeyondReach as lost:
        raise AuthorityLost from lost


def refuse_other_authority(*, mandate: Mandate, giver: Membership) -> None:
    """The document says on whose authority it is given: raise AuthorityLost when it is another by now."""
    link = through_of(giver=giver)
    if mandate.through_id != (link.pk if link is not None else None):
        raise AuthorityLost


def record(event: AuditEvent.Event, mandate: Mandate, *, by: User | None) -> None:
    """One line of history about a mandate."""
    audit.record(
        event=event,
        customer=mandate.customer,
        by=by,
        mandate=mandate.pk,
        email=mandate.email or mandate.name,
        role=mandate.role,
    )


def refuse_person(customer: Customer, invitee: Invitee, wish: Wish, *, by: User, through: CompanyLink | None) -> None:
    """Raise what keeps this person from being invited here by that one. Under the customer's lock."""
    if not invitee.email:
        if not (invitee.phone and (invitee.first_name or invitee.last_name)):
            raise NobodyNamed
        refuse_beyond_counter(wish=wish)
        _refuse_listed(customer, invitee)
        return
    if invitee.email in confirmed_addresses(user=by) | {normalize_email(by.email)}:
        raise InvitesOneself if through is None else GivenToOneself
    present = _lasting().filter(customer=customer, user__isnull=False)
    if present.filter(email=invitee.email).exists() or present.filter(user__email=invitee.email).exists():
        raise AlreadyMember(email=invitee.email)
    waiting = Mandate.objects.live().filter(customer=customer, email=invitee.email, effective_at=None)
    if waiting.exists():
        raise AlreadyWaiting(email=invitee.email)


def _refuse_listed(customer: Customer, invitee: Invitee) -> None:
    """Without an address, a name and a phone tell people apart, as in a file: a counter finds each of them once."""
    name = f"{invitee.first_name} {invitee.last_name}".strip()
    same = Q(customer=customer, email="", phone=invitee.phone)
    listed = _lasting().filter(same, user=None)
    if any(plain(row.name) == plain(name) for row in listed):
        raise AlreadyMember(email=name)
    waiting = Mandate.objects.live().filter(same, effective_at=None, membership=None)
    if any(plain(row.name) == plain(name) for row in waiting):
        raise AlreadyWaiting(email=name)


def _lasting() -> MembershipQuerySet:
    """What is neither removed nor over; it may begin later."""
    return Membership.objects.filter(Q(ends_on=None) | Q(ends_on__gte=timezone.localdate()), removed_at=None)
