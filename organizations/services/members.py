"""The people of a customer: ending a membership, asking for a permission, and giving it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import grant_permission, membership_of, permissions_by, who_can_grant
from organizations.letters import absolute, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Grant, Membership
from organizations.permissions import OPENING_ROLES, Permission
from organizations.refusals import Refusal
from organizations.services.cards import revoke_cards

ASKED_AGAIN_AFTER = timedelta(days=1)


class LastAdministrator(Refusal):
    sentence: str | Promise = _(
        "This person is the last one who can manage this customer’s access. Give that role to somebody else first."
    )


class PermissionAlreadyGiven(Refusal):
    sentence: str | Promise = _("You already have this permission.")


class NobodyCanGrant(Refusal):
    sentence: str | Promise = _("Nobody of this customer can give permissions at the moment. Write or call us.")


class NotAMember(Refusal):
    sentence: str | Promise = _(
        "This person has no access to this customer, or no longer has: nothing can be given to them."
    )


class GivenToOneself(Refusal):
    sentence: str | Promise = _("Nobody gives permissions to themselves: ask another administrator.")


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> Membership:
    """End a membership now, with its grants, its cards and the links sent to its person; a second time does nothing.

    The last person in who can manage an opened company's access stays.
    """
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=membership.customer_id)
    membership = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
    if membership.removed_at is not None:
        return membership
    if customer.kind == Customer.Kind.MEMBER and _is_last_in_charge(membership):
        raise LastAdministrator
    membership.removed_at, membership.removed_by = timezone.now(), by
    membership.save(update_fields=["removed_at", "removed_by"])
    if membership.user_id is not None:
        Grant.objects.filter(content_object=customer, user=membership.user).delete()
    revoke_cards(membership=membership)
    links = ActivationRequest.objects.filter(membership=membership, used_at=None, revoked_at=None)
    links.update(revoked_at=timezone.now())
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
def ask_for_permission(*, customer: Customer, permission: Permission, by: User) -> AuditEvent:
    """Write to whoever can grant it, once a day for one person and one permission; says when it was asked."""
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer.pk)
    if permission in customer.permissions_for(by):
        raise PermissionAlreadyGiven
    if (asked := permission_asked(customer=customer, permission=permission, by=by)) is not None:
        return asked
    granters = [membership.user for membership in who_can_grant(customer=customer) if membership.user is not None]
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
    return audit.record(event=AuditEvent.Event.PERMISSION_ASKED, customer=customer, by=by, permission=permission.value)


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


@transaction.atomic
def grant(*, membership: Membership, permission: Permission, by: User) -> Membership:
    """Give a member a permission beyond their role, and write to them; what they have already changes nothing."""
    customer = (
        Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=membership.customer_id)
    )
    membership = Membership.objects.select_for_update(of=("self",)).select_related("user").get(pk=membership.pk)
    person = membership.user
    if person is None or not may_receive(membership=membership):
        raise NotAMember
    if permission in permissions_by(membership=membership):
        return membership
    if person == by:
        raise GivenToOneself
    grant_permission(customer=customer, user=person, permission=permission)
    write_to(
        merchant=customer.merchant,
        to=person.email,
        template="organizations/emails/permission_granted",
        context={
            "customer": customer,
            "permission": permission,
            "person": person,
            "granter": by,
            "membership": membership,
            "begins_later": begins_later(membership=membership),
            "action_url": absolute(reverse("portal:home", args=[customer.public_id])),
        },
        language=person.language,
    )
    audit.record(
        event=AuditEvent.Event.MEMBER_GRANTED,
        customer=customer,
        by=by,
        member=membership.pk,
        email=person.email,
        permission=permission.value,
    )
    return membership


def may_receive(*, membership: Membership) -> bool:
    """Somebody who came, and whose membership is neither removed nor over; it may begin later."""
    is_over = membership.ends_on is not None and membership.ends_on < timezone.localdate()
    return membership.user_id is not None and membership.removed_at is None and not is_over


def begins_later(*, membership: Membership) -> bool:
    return membership.starts_on is not None and membership.starts_on > timezone.localdate()


def permission_granted(*, membership: Membership, permission: Permission) -> AuditEvent | None:
    """When and by whom this permission was last given to this member, if anybody gave it."""
    given = AuditEvent.objects.filter(
        customer=membership.customer_id,
        event=AuditEvent.Event.MEMBER_GRANTED,
        data__member=membership.pk,
        data__permission=permission.value,
    )
    return given.select_related("by").order_by("-pk").first()


def _is_last_in_charge(membership: Membership) -> bool:
    """Whether nobody else would be left who can manage access for good. Needs the customer's lock."""
    others = Membership.objects.in_charge().filter(customer=membership.customer_id).exclude(pk=membership.pk)
    return membership.user_id is not None and membership.role in OPENING_ROLES and not others.exists()
