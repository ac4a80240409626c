"""The people of a customer: ending a membership, asking for a permission, and giving it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import giver_at, membership_of, permissions_by, through_of, who_may_be_asked
from organizations.letters import absolute, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Mandate, Membership, Merchant
from organizations.permissions import NEEDING_PROOF, Permission
from organizations.refusals import Refusal
from organizations.remains import as_data
from organizations.services.cards import revoke_cards
from organizations.services.effects import refuse_last, set_grants
from organizations.services.mandates import (
    GivenToOneself,
    Invitee,
    NoTeam,
    end_mandate,
    lock_customer,
    refuse_beyond_counter,
    write_mandate,
)
from organizations.services.proofs import give_up_proof, kept_proof, waiting_of
from organizations.services.reach import ChargeLost, refuse_administrator, refuse_beyond_reach, refuse_useless
from organizations.services.recognition import confirmed_addresses
from organizations.terms import Wish, as_columns, known, terms_of

ASKED_AGAIN_AFTER = timedelta(days=1)


class PermissionAlreadyGiven(Refusal):
    sentence: str | Promise = _("You already have this permission.")


class NobodyCanGrant(Refusal):
    sentence: str | Promise = _("Nobody of this customer can give permissions at the moment. Write or call us.")


class NotAMember(Refusal):
    sentence: str | Promise = _(
        "This person has no access to this customer, or no longer has: nothing can be given to them."
    )


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> Membership:
    """End a membership now, with its grants, its cards, its mandates and the invitations its person sent.

    A second time does nothing. Raises BeyondReach, and LastAdministrator: somebody stays who can manage access.
    """
    customer = lock_customer(pk=membership.customer_id)
    membership = Membership.objects.select_for_update(of=("self",)).select_related("user").get(pk=membership.pk)
    if membership.removed_at is not None:
        return membership
    membership.customer = customer
    refuse_ending(membership=membership, by=by)
    if customer.kind == Customer.Kind.MEMBER:
        refuse_last(membership=membership, role="", lasts=False)
    membership.removed_at, membership.removed_by = timezone.now(), by
    membership.save(update_fields=["removed_at", "removed_by"])
    set_grants(membership=membership, granted=frozenset())
    revoke_cards(membership=membership)
    links = ActivationRequest.objects.filter(membership=membership, used_at=None, revoked_at=None)
    links.update(revoked_at=timezone.now())
    for mandate in _theirs(membership):
        end_mandate(mandate=mandate, by=by)
    audit.record(
        event=AuditEvent.Event.MEMBER_REMOVED,
        customer=customer,
        by=by,
        member=membership.pk,
        email=membership.email,
        role=membership.role,
    )
    return membership


@transaction.atomic
def change_member(*, membership: Membership, wish: Wish, by: User, proof: str = "") -> uuid.UUID | None:
    """Take away at once what the wish takes away; what it gives waits for a signature, under the batch returned.

    A right whose document waits for an agent is as good as had: it keeps waiting, or is given up.
    Raises NotAMember, BeyondReach, GivenToOneself, CounterOnly, LastAdministrator, ProofMissing,
    NoTeam, RightOfNoUse.
    """
    customer = lock_customer(pk=membership.customer_id)
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
    membership = rows.get(pk=membership.pk)
    membership.customer = customer
    giver = _giver_of_team(customer, by=by)
    if is_over(membership=membership):
        raise NotAMember
    had, wish, waits = terms_of(membership=membership).normal(), wish.normal(), waiting_of(membership=membership)
    promised = replace(had, granted=had.granted | waits.rights)
    _refuse_change(membership, giver=giver, wish=wish, had=promised, by=by)
    if wish == promised and not proof:
        return None
    # What was promised before is no longer what is wished, signed or not.
    for waiting in Mandate.objects.live().filter(membership=membership, effective_at=None):
        end_mandate(mandate=waiting, by=by)
    given_up = waits.by if waits.rights - wish.granted else None
    _take_away(membership, wish=wish.narrowed(had), had=had, given_up=given_up, by=by)
    if not wish.exceeds(had if proof else promised):
        return None
    return write_mandate(
        customer=customer,
        invitee=_as_invitee(membership),
        wish=wish,
        by=by,
        batch=uuid.uuid4(),
        proof=proof or kept_proof(waits=waits, gained=wish.gains_over(promised)),
        membership=membership,
        through=through_of(giver=giver),
    ).batch


@transaction.atomic
def ask_for_permission(*, customer: Customer, permission: Permission, by: User, back: str = "") -> AuditEvent:
    """Write to whoever can grant it, once a day for one person and one permission; says when it was asked.

    Where the customer has nobody, to the administrators of its parent company.

    `back` is the page where it was missing: whoever receives the permission is led there.
    Raises RightOfNoUse, PermissionAlreadyGiven, NobodyCanGrant, NotAMember.
    """
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)
    refuse_useless(customer=customer, rights=[permission])
    if permission in customer.permissions_for(by):
        raise PermissionAlreadyGiven
    if (asked := permission_asked(customer=customer, permission=permission, by=by)) is not None:
        return asked
    granters = [membership.user for membership in who_may_be_asked(customer=customer) if membership.user is not None]
    if not granters:
        raise NobodyCanGrant
    asker = membership_of(customer=customer, user=by)
    if asker is None:
        raise NotAMember
    page = reverse("organizations:permission-grant", args=[customer.public_id, asker.pk, permission.value])
    for granter in granters:
        write_to(
            merchant=customer.merchant,
            to=granter.email,
            template="organizations/emails/permission_asked",
            context={
                "customer": customer,
                "permission": permission,
                "person": by,
                "granter": granter,
                "action_url": absolute(page),
            },
            language=granter.language,
        )
    return audit.record(
        event=AuditEvent.Event.PERMISSION_ASKED, customer=customer, by=by, permission=permission.value, back=back
    )


def permission_asked(*, customer: Customer, permission: Permission, by: User) -> AuditEvent | None:
    """The request of the last day for this permission, if the person made one."""
    since = timezone.now() - ASKED_AGAIN_AFTER
    asked = AuditEvent.objects.filter(
        customer=customer,
        event=AuditEvent.Event.PERMISSION_ASKED,
        by=by,
        data__permission=permission.value,
        at__gt=since,
    )
    return asked.order_by("-pk").first()


def permissions_asked(*, customer: Customer, by: User) -> dict[str, AuditEvent]:
    """The requests of the last day by permission. One query."""
    since = timezone.now() - ASKED_AGAIN_AFTER
    asked = AuditEvent.objects.filter(customer=customer, event=AuditEvent.Event.PERMISSION_ASKED, by=by, at__gt=since)
    return {event.data["permission"]: event for event in asked.order_by("pk")}


def grant(*, membership: Membership, permission: Permission, by: User) -> uuid.UUID | None:
    """Prepare what gives a member one permission beyond what they have; what they have already changes nothing."""
    had = terms_of(membership=membership)
    if not may_receive(membership=membership):
        raise NotAMember
    if permission in had.permissions:
        return None
    waits = waiting_of(membership=membership)
    wish = replace(had, granted=had.granted | {permission} | waits.rights)
    return change_member(membership=membership, wish=wish, by=by)


def may_receive(*, membership: Membership) -> bool:
    """Somebody who came, and whose membership is neither removed nor over; it may begin later."""
    return membership.user_id is not None and not is_over(membership=membership)


def begins_later(*, membership: Membership) -> bool:
    return membership.starts_on is not None and membership.starts_on > timezone.localdate()


def is_over(*, membership: Membership) -> bool:
    """Removed, or past its last day."""
    is_past = membership.ends_on is not None and membership.ends_on < timezone.localdate()
    return membership.removed_at is not None or is_past


def _giver_of_team(customer: Customer, *, by: User) -> Membership:
    """By what a person manages a team today; raises NoTeam, ChargeLost."""
    if customer.kind != Customer.Kind.MEMBER or customer.closed_at is not None:
        raise NoTeam
    giver = giver_at(customer=customer, user=by)
    if giver is None or Permission.MANAGE_TEAM not in permissions_by(membership=giver, customer=customer):
        raise ChargeLost
    return giver


def _refuse_change(membership: Membership, *, giver: Membership, wish: Wish, had: Wish, by: User) -> None:
    """What its giver may not give, or may not give to this person."""
    is_oneself = membership.user == by or (membership.user is None and membership.email in confirmed_addresses(user=by))
    gains = wish.gains_over(had) - NEEDING_PROOF or wish.widens(had) or wish.promotes(had)
    if is_oneself and gains:
        raise GivenToOneself
    refuse_beyond_reach(giver=giver, wish=wish, had=had)
    refuse_useless(customer=membership.customer, rights=wish.beyond_role - had.beyond_role)
    if wish != had:
        refuse_administrator(giver=giver, membership=membership)
    if membership.user is None and not membership.email and wish.exceeds(had):
        refuse_beyond_counter(wish=wish)


def refuse_ending(*, membership: Membership, by: User) -> None:
    """Agents of the merchant end any access, a person their own; else who manages the team, administrators' apart."""
    customer = membership.customer
    if membership.user_id == by.pk or Merchant.objects.for_agent(by).filter(pk=customer.merchant_id).exists():
        return
    refuse_administrator(giver=giver_at(customer=customer, user=by), membership=membership)


def _theirs(membership: Membership) -> list[Mandate]:
    """The mandates that end with a member: their own, and those they prepared that nobody accepted yet.

    Those they prepared at subsidiaries too, whose rows are locked after that of the parent, as everywhere.
    """
    own = Q(customer=membership.customer_id, membership=membership)
    if membership.user_id is not None:
        own |= Q(pk__in=Mandate.objects.opened_by(member=membership).values("pk"))
    theirs = Mandate.objects.live().filter(own).order_by("pk")
    for pk in sorted(set(theirs.values_list("customer_id", flat=True)) - {membership.customer_id}):
        lock_customer(pk=pk)
    return list(theirs.select_for_update(of=("self",)))


def _take_away(membership: Membership, *, wish: Wish, had: Wish, given_up: Mandate | None, by: User) -> None:
    """What is less, and the mandate whose document nobody needs to look at any more; one line of history."""
    if given_up is not None:
        give_up_proof(mandate=given_up, by=by)
    if wish != had:
        _reduce(membership, wish=wish)
    if wish == had and given_up is None:
        return
    lost = had.permissions - wish.permissions
    if given_up is not None:
        lost |= known(given_up.granted) & NEEDING_PROOF
    audit.record(
        event=AuditEvent.Event.MEMBER_REDUCED,
        customer=membership.customer,
        by=by,
        member=membership.pk,
        email=membership.email or membership.name,
        **as_data(wish=wish, lost=lost),
    )


def _reduce(membership: Membership, *, wish: Wish) -> None:
    if membership.customer.kind == Customer.Kind.MEMBER:
        refuse_last(membership=membership, role=wish.role, lasts=wish.ends_on is None)
    for name, value in as_columns(wish=wish).items():
        setattr(membership, name, value)
    membership.save()
    membership.branches.set(wish.branches)
    set_grants(membership=membership, granted=wish.beyond_role)


def _as_invitee(membership: Membership) -> Invitee:
    person = membership.user
    return Invitee(
        first_name=person.first_name if person else membership.first_name,
        last_name=person.last_name if person else membership.last_name,
        email=person.email if person else membership.email,
        phone=membership.phone,
        language=person.language if person else membership.customer.language,
    )
