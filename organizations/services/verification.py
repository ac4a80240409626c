"""Declaring who a company is, comparing it with the register, and deciding: one declaration open at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.formats import long_moment
from accounts.models import User
from organizations import audit
from organizations.comparison import agrees, compare
from organizations.letters import tell_about_identity
from organizations.models import AuditEvent, Customer, Membership, Organization, RegisterAlert, Verification
from organizations.permissions import Role
from organizations.refusals import Refusal
from organizations.verdicts import explain
from registry import neq
from registry.models import Edition

SUBMISSIONS_A_DAY = 20
IDENTITY = (
    *("legal_name", "neq", "administrator_name"),
    *("address_line1", "address_line2", "city", "province", "postal_code"),
)
State = Verification.State


class Declared(TypedDict):
    """What a company says of itself; the note is for the agent."""

    legal_name: str
    neq: str
    administrator_name: str
    address_line1: str
    address_line2: str
    city: str
    province: str
    postal_code: str
    note: str


class NotACompany(Refusal):
    sentence: str | Promise = _("An individual has no company to declare.")


class CustomerClosed(Refusal):
    sentence: str | Promise = _("This customer is closed: nothing can be declared for it.")


class IdentityUnchanged(Refusal):
    sentence: str | Promise = _("This is the identity that is already verified: there is nothing to verify again.")


class TooManySubmissions(Refusal):
    sentence: str | Promise = _("This was declared many times today already. Call us: a person looks at it with you.")


class AlreadyDecided(Refusal):
    """Somebody, or the company itself, was faster; says who, when and how."""

    sentence: str | Promise = _("%(person)s was faster, on %(moment)s: “%(state)s”. Nothing you did was kept.")


class RegisterMoved(Refusal):
    sentence: str | Promise = _(
        "A newer edition of the register was loaded since this comparison: compare again, then decide."
    )


class ReasonMissing(Refusal):
    sentence: str | Promise = _("Tick at least one reason: the company reads it, and corrects.")


class WordsMissing(Refusal):
    sentence: str | Promise = _("Write it in words: the company reads them, and knows what to do.")


class ObservationMissing(Refusal):
    sentence: str | Promise = _(
        "The register does not confirm all of it: record first what you saw on the public register, it is the evidence."
    )


@transaction.atomic
def submit_identity(*, customer: Customer, by: User, **declared: Unpack[Declared]) -> Verification:
    """Put a declaration, compared with the register, in the agents' queue; the same one again is the one that waits.

    It replaces the one that waits and leaves the verified identity alone; it may be verified at once, by itself.
    """
    customer = _lock_customer(customer)
    _refuse_unfit(customer)
    waiting = customer.verifications.open().first()
    if waiting is not None and all(getattr(waiting, name) == value for name, value in declared.items()):
        return waiting
    organization = Organization.objects.filter(customer=customer, verified_at__isnull=False).first()
    if waiting is None and organization is not None:
        _refuse_unchanged(organization, declared)
    if waiting is not None:
        waiting.state = State.SUPERSEDED
        waiting.save(update_fields=["state"])
    verification = Verification(customer=customer, submitted_by=by, **declared)
    verification.edition, verification.facts = compare(identity=verification)
    known = organization.neq if organization is not None else ""
    verification.needs_credit_review = bool(known) and known != verification.neq
    verification.save(force_insert=True)
    _record(AuditEvent.Event.IDENTITY_SUBMITTED, verification, by=by, neq=verification.neq)
    if _may_verify_itself(verification):
        _verify(verification, by=None)
    return verification


@transaction.atomic
def compare_again(*, verification: Verification, by: User) -> Verification:
    """Compare a declaration that waits with the edition loaded now."""
    verification = lock(verification)
    refuse_decided(verification)
    verification.edition, verification.facts = compare(identity=verification)
    verification.save(update_fields=["edition", "facts"])
    _record(AuditEvent.Event.IDENTITY_COMPARED, verification, by=by)
    return verification


@transaction.atomic
def verify_organization(*, verification: Verification, by: User) -> Verification:
    """Make the declared identity the organization's: its legal name is on the next invoice. Written to its people.

    What the register does not confirm needs an observation first. A second click changes nothing.
    """
    verification = lock(verification)
    if _is_same_click(verification, state=State.VERIFIED, by=by):
        return verification
    refuse_decided(verification)
    if verification.edition != Edition.objects.held():
        raise RegisterMoved
    if not agrees(facts=verification.facts) and not verification.observations.exists():
        raise ObservationMissing
    _verify(verification, by=by)
    return verification


@transaction.atomic
def refuse_organization(
    *, verification: Verification, reasons: Sequence[str], words: str, by: User, withdraws: bool = False
) -> Verification:
    """Say no, with reasons its people read; invoices then bear a person's name. A second click changes nothing.

    An identity verified before stays, unless it is withdrawn with the same act.
    """
    verification = lock(verification)
    if _is_same_click(verification, state=State.REFUSED, by=by):
        return verification
    refuse_decided(verification)
    words = words.strip()
    if not reasons:
        raise ReasonMissing
    if Verification.Reason.OTHER in reasons and not words:
        raise WordsMissing
    verification.reasons = [code for code in Verification.Reason.values if code in reasons]
    _decide(verification, state=State.REFUSED, by=by, words=words)
    organization = _refused(verification, withdraws=withdraws)
    codes = ",".join(verification.reasons)
    _record(AuditEvent.Event.ORGANIZATION_REFUSED, verification, by=by, reasons=codes, words=words)
    _tell(verification, template="organization_refused", organization=organization)
    return verification


@transaction.atomic
def ask_for_more(*, verification: Verification, words: str, by: User) -> Verification:
    """Close the declaration with a question its people answer by declaring again. A second click changes nothing."""
    verification = lock(verification)
    if _is_same_click(verification, state=State.MORE_ASKED, by=by):
        return verification
    refuse_decided(verification)
    if not words.strip():
        raise WordsMissing
    _decide(verification, state=State.MORE_ASKED, by=by, words=words.strip())
    _record(AuditEvent.Event.ORGANIZATION_QUESTIONED, verification, by=by, words=verification.words)
    _tell(verification, template="organization_questioned")
    return verification


def lock(verification: Verification) -> Verification:
    """The declaration as it is now, locked after its customer: the order of everything that locks both."""
    customer = _lock_customer(verification.customer)
    rows = Verification.objects.select_related("decided_by", "submitted_by", "edition")
    verification = rows.select_for_update(of=("self",)).get(pk=verification.pk)
    verification.customer = customer
    return verification


def refuse_decided(verification: Verification) -> None:
    if verification.is_open:
        return
    person: object = verification.decided_by or _("The portal")
    moment = verification.decided_at
    if verification.state == State.SUPERSEDED:
        newer = verification.customer.verifications.filter(pk__gt=verification.pk).select_related("submitted_by")
        first = newer.order_by("pk")[0]
        person, moment = first.submitted_by, first.submitted_at
    raise AlreadyDecided(
        person=person,
        moment=long_moment(moment, get_language() or "fr-ca"),
        state=verification.get_state_display(),
    )


def others_verified_as(*, verification: Verification) -> list[Organization]:
    """Other customers of the same merchant verified under the same NEQ. One query."""
    same = Organization.objects.filter(neq=verification.neq, verified_at__isnull=False).exclude(neq="")
    others = same.filter(customer__merchant_id=verification.customer.merchant_id)
    return list(others.exclude(customer=verification.customer_id).select_related("customer").order_by("pk")[:5])


def person_on_documents(*, customer: Customer, otherwise: User) -> str:
    """Whose name new invoices bear while a company is refused: its owner's, else that of who declared it."""
    owners = Membership.objects.active().filter(customer=customer, user__isnull=False, role=Role.OWNER)
    people = [owner.user for owner in owners.select_related("user").order_by("linked_at", "pk")]
    names = [person.get_full_name() for person in [*people, otherwise] if person is not None]
    return next(filter(None, names), customer.name)


def withdraw_identity(*, organization: Organization, declared_by: User, at: datetime) -> None:
    """From now on new invoices bear the name of a person; the identity stays readable. The caller holds the lock."""
    organization.verified_at, organization.refused_at = None, at
    organization.person_name = person_on_documents(customer=organization.customer, otherwise=declared_by)
    organization.save()


def _lock_customer(customer: Customer) -> Customer:
    return Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)


def _refuse_unfit(customer: Customer) -> None:
    if customer.kind == Customer.Kind.INDIVIDUAL:
        raise NotACompany
    if customer.closed_at is not None:
        raise CustomerClosed
    lately = customer.verifications.filter(submitted_at__gt=timezone.now() - timedelta(days=1))
    if lately.count() >= SUBMISSIONS_A_DAY:
        raise TooManySubmissions


def _refuse_unchanged(organization: Organization, declared: Declared) -> None:
    """What is verified already needs no verification, unless an agent asked for a new one since."""
    if RegisterAlert.objects.asking(organization=organization).exists():
        return
    if all(getattr(organization, name) == declared[name] for name in IDENTITY):  # type: ignore[literal-required]  # names of Declared
        raise IdentityUnchanged


def _is_same_click(verification: Verification, *, state: str, by: User) -> bool:
    return verification.state == state and verification.decided_by_id == by.pk


def _may_verify_itself(verification: Verification) -> bool:
    """The merchant wishes it, all of it matches, it is no new NEQ, and no other customer of theirs is this company."""
    merchant = verification.customer.merchant
    if not merchant.verifies_by_itself or verification.needs_credit_review or not agrees(facts=verification.facts):
        return False
    return not others_verified_as(verification=verification)


def _verify(verification: Verification, *, by: User | None) -> None:
    """Decided by a person, or by the portal itself when `by` is nobody."""
    verification.is_automatic = by is None
    _decide(verification, state=State.VERIFIED, by=by, words="")
    identity = {name: getattr(verification, name) for name in IDENTITY}
    Organization.objects.update_or_create(
        customer=verification.customer,
        defaults={
            **identity,
            "verification": verification,
            "verified_at": verification.decided_at,
            "refused_at": None,
            "person_name": "",
        },
    )
    _record(AuditEvent.Event.ORGANIZATION_VERIFIED, verification, by=by)
    facts = explain(verification=verification, observations=verification.observations.order_by("pk"))
    unchecked = [fact for fact in facts if not fact.is_checked and not fact.observations]
    _tell(verification, template="organization_verified", unchecked=unchecked, shown_neq=neq.shown(verification.neq))


def _decide(verification: Verification, *, state: str, by: User | None, words: str) -> None:
    verification.state, verification.decided_at, verification.decided_by = state, timezone.now(), by
    verification.words = words
    decision = ["state", "decided_at", "decided_by", "words", "reasons", "is_automatic"]
    verification.save(update_fields=decision)


def _refused(verification: Verification, *, withdraws: bool) -> Organization:
    """What a refusal leaves: the identity verified before, unless withdrawn; else the declared one, not verified."""
    found = Organization.objects.filter(customer=verification.customer).first()
    organization = found or Organization(customer=verification.customer)
    if organization.verified_at is not None and not withdraws:
        return organization
    organization.customer = verification.customer
    if organization.verified_at is None:
        organization.verification = verification
        for name in IDENTITY:
            setattr(organization, name, getattr(verification, name))
    at = verification.decided_at or timezone.now()
    withdraw_identity(organization=organization, declared_by=verification.submitted_by, at=at)
    return organization


def _record(event: AuditEvent.Event, verification: Verification, *, by: User | None, **data: str) -> None:
    facts: dict[str, Any] = {"verification": verification.pk, "name": verification.legal_name, **data}
    audit.record(event=event, customer=verification.customer, by=by, **facts)


def _tell(verification: Verification, *, template: str, **context: object) -> None:
    tell_about_identity(
        customer=verification.customer, template=template, context={"verification": verification, **context}
    )
