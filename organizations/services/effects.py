"""A mandate becomes what its person may do. Who decided that, and who is told, is for the modules above this one."""

from __future__ import annotations

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations.access import grant_permission
from organizations.models import AuditEvent, Customer, Grant, Mandate, Membership
from organizations.permissions import NEEDING_PROOF, OPENING_ROLES, Permission
from organizations.refusals import Refusal
from organizations.services.mandates import LastAdministrator, lock_customer
from organizations.services.proofs import proved_of
from organizations.services.recognition import open_space
from organizations.terms import as_columns, known, terms_of, terms_signed


class AloneInCharge(Refusal):
    sentence: str | Promise = _(
        "This person is the last one who can manage the access of %(company)s. Let somebody else administer it first, "
        "or close that customer."
    )


def put_in_effect(*, mandate: Mandate, membership: Membership) -> None:
    """The membership becomes what the mandate says, which replaces the former one. Under the customer's lock.

    What needs a proof of authority waits for an agent to accept it. What the parent company signed opens the space:
    a counter believes the list of people from then on.
    """
    refuse_last(membership=membership, role=mandate.role, lasts=mandate.ends_on is None)
    for name, value in as_columns(wish=terms_signed(mandate=mandate)).items():
        setattr(membership, name, value)
    membership.save()
    former = Mandate.objects.live().filter(membership=membership, effective_at__isnull=False).exclude(pk=mandate.pk)
    former.update(ended_at=timezone.now())
    membership.branches.set(mandate.branches.all())
    set_grants(membership=membership, granted=known(mandate.granted) - unproved(mandate=mandate, membership=membership))
    mandate.membership, mandate.effective_at = membership, timezone.now()
    mandate.save(update_fields=["membership", "effective_at"])
    if mandate.through_id is not None:
        open_space(customer=mandate.customer, by=mandate.prepared_by)


def where_missing(*, mandate: Mandate, membership: Membership) -> str:
    """The page from which the person asked, since their former mandate, for what this one adds; empty: none.

    Asked before what it adds takes effect. A document may wait from one mandate to the next: they are one.
    """
    if membership.user_id is None:
        return ""
    gained = terms_signed(mandate=mandate).gains_over(terms_of(membership=membership))
    asked = AuditEvent.objects.filter(
        customer=mandate.customer_id,
        event=AuditEvent.Event.PERMISSION_ASKED,
        by=membership.user_id,
        data__permission__in=[permission.value for permission in gained],
    )
    former = Mandate.objects.filter(membership=membership, effective_at__isnull=False).exclude(pk=mandate.pk)
    if mandate.proof:
        former = former.exclude(proof=mandate.proof.name)
    if (since := former.order_by("-pk").values_list("prepared_at", flat=True).first()) is not None:
        asked = asked.filter(at__gt=since)
    latest = asked.order_by("-pk").first()
    return str(latest.data.get("back", "")) if latest else ""


def refuse_last(*, membership: Membership, role: str, lasts: bool) -> None:
    """Raise LastAdministrator when nobody would be left in charge for good. Under the customer's lock."""
    if membership.user_id is None or membership.role not in OPENING_ROLES or (role in OPENING_ROLES and lasts):
        return
    others = Membership.objects.in_charge().filter(customer=membership.customer_id).exclude(pk=membership.pk)
    if not others.exists():
        raise LastAdministrator


def refuse_alone_in_charge(*, user: User) -> None:
    """Raise AloneInCharge when a member company would have nobody left to manage its access without this person.

    Locks the companies they administer until the end of the transaction.
    """
    mine = Membership.objects.in_charge().filter(user=user, customer__kind=Customer.Kind.MEMBER)
    for membership in mine.order_by("customer_id"):
        customer = lock_customer(pk=membership.customer_id)
        if not Membership.objects.in_charge().filter(customer=customer).exclude(user=user).exists():
            raise AloneInCharge(company=customer.name)


def set_grants(*, membership: Membership, granted: frozenset[Permission]) -> None:
    """What is ticked beyond the role becomes exactly this. Of somebody who never came, nothing."""
    if membership.user is None:
        return
    mine = Grant.objects.filter(content_object=membership.customer_id, user=membership.user)
    mine.exclude(permission__codename__in=granted).delete()
    for permission in granted:
        grant_permission(customer=membership.customer, user=membership.user, permission=permission)


def unproved(*, mandate: Mandate, membership: Membership) -> frozenset[Permission]:
    """What of a mandate waits for its proof, or was refused for want of one; what was proved before is not of it."""
    if mandate.is_proved:
        return frozenset()
    return (known(mandate.granted) & NEEDING_PROOF) - proved_of(membership=membership).rights
