"""The people of a customer: ending a membership, and asking whoever may grant it for a permission."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import who_can_grant
from organizations.letters import absolute, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Grant, Membership
from organizations.permissions import OPENING_ROLES, Permission
from organizations.refusals import Refusal

ASKED_AGAIN_AFTER = timedelta(days=1)


class LastAdministrator(Refusal):
    sentence: str | Promise = _(
        "This person is the last one who can manage this customer’s access. Give that role to somebody else first."
    )


class PermissionAlreadyGiven(Refusal):
    sentence: str | Promise = _("You already have this permission.")


class NobodyCanGrant(Refusal):
    sentence: str | Promise = _("Nobody of this customer can give permissions at the moment. Write or call us.")


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> Membership:
    """End a membership now, with what was granted to its person and the links sent to them; a second time does nothing.

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
                "action_url": absolute(reverse("portal:home", args=[customer.public_id])),
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


def _is_last_in_charge(membership: Membership) -> bool:
    in_charge = Membership.objects.active().filter(
        customer=membership.customer_id, user__isnull=False, role__in=OPENING_ROLES
    )
    return {row.pk for row in in_charge} == {membership.pk}
