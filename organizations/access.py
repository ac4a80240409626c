"""The one door: `requires` finds the customer in the address and asks the policy, once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from organizations.models import Customer, Grant, Membership
from organizations.permissions import ROLE_PERMISSIONS, Permission

if TYPE_CHECKING:
    from accounts.models import User

View = Callable[..., HttpResponseBase]


class CustomerRequest(HttpRequest):
    """What a view behind `requires` is given; a name for types alone, requests are never made of it."""

    user: User
    customer: Customer
    membership: Membership
    permissions: frozenset[Permission]
    htmx: HtmxDetails


class PermissionMissing(PermissionDenied):
    """A member came to a door they have no right to; the page names the right and who can give it."""

    def __init__(self, *, customer: Customer, permission: Permission) -> None:
        super().__init__(permission)
        self.customer = customer
        self.permission = permission

    def granters(self) -> list[Membership]:
        """Whom the page names as able to give it."""
        return who_can_grant(customer=self.customer)


def membership_of(*, customer: Customer, user: User) -> Membership | None:
    return Membership.objects.active().filter(customer=customer, user=user).first()


def permissions_of(*, customer: Customer, user: User) -> frozenset[Permission]:
    """Of the person's active membership: its role's permissions and the grants beyond it; else nothing. Two queries."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    membership = membership_of(customer=customer, user=user)
    return frozenset() if membership is None else permissions_by(membership=membership)


def permissions_by(*, membership: Membership) -> frozenset[Permission]:
    """Of a membership known to be active: its role's permissions and the grants beyond it. One query."""
    granted = Grant.objects.filter(content_object=membership.customer_id, user=membership.user_id)
    codes = granted.values_list("permission__codename", flat=True)
    return ROLE_PERMISSIONS[membership.role] | {Permission(code) for code in codes if code in Permission}


def grant_permission(*, customer: Customer, user: User, permission: Permission) -> Grant:
    """Tick one permission for one person beyond their role; worth nothing without an active membership."""
    row = DjangoPermission.objects.get(content_type__app_label="organizations", codename=permission)
    return Grant.objects.get_or_create(content_object=customer, user=user, permission=row)[0]


def who_can_grant(*, customer: Customer) -> list[Membership]:
    """The customer's own people who can give its permissions today, by name. One query."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.MANAGE_TEAM in permissions]
    in_charge = Membership.objects.active().filter(customer=customer, user__isnull=False, role__in=roles)
    return list(in_charge.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def requires(*permissions: Permission) -> Callable[[View], View]:
    """Open a view of one customer to its members who hold every permission named; none: to every member.

    A stranger gets 404, a member without the permission the 403 page that explains itself. Sets
    `request.customer`, `request.membership` and `request.permissions`.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def door(request: CustomerRequest, customer_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            mine = Membership.objects.active().filter(user=request.user, customer__public_id=customer_id)
            membership = get_object_or_404(mine.select_related("customer__merchant"))
            customer = membership.customer
            request.customer, request.membership = customer, membership
            request.permissions = permissions_by(membership=membership)
            for permission in permissions:
                if permission not in request.permissions:
                    raise PermissionMissing(customer=customer, permission=permission)
            return view(request, *args, **kwargs)

        vars(door)["access"] = permissions  # read by tests/test_access.py
        return door

    return decorate
