"""The one door: `requires` finds the customer in the address and asks the policy, once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from accounts.statements import Statement, columns_of, statement, take
from organizations.models import Customer, Grant, Membership, Merchant
from organizations.permissions import ROLE_PERMISSIONS, Permission, permissions_with

if TYPE_CHECKING:
    from accounts.models import User

View = Callable[..., HttpResponseBase]
SWITCHABLE = 13  # one more than the switcher shows
# Marks in the SQL of the door, where the values of a request go.
DAY, PERSON, CUSTOMER = date.min, -1, "customer"


class CustomerRequest(HttpRequest):
    """What a view behind `requires` is given; a name for types alone, requests are never made of it."""

    user: User
    customer: Customer
    membership: Membership
    memberships: list[Membership]
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
    """Of the person's active membership: its role's permissions and the grants beyond it; else nothing. One query."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    found = Membership.objects.active().filter(customer=customer, user=user).with_granted().first()
    return frozenset() if found is None else permissions_by(membership=found, customer=customer)


def permissions_by(*, membership: Membership, customer: Customer | None = None) -> frozenset[Permission]:
    """Of a membership known to be active: its role's permissions and the grants beyond it. At most one query."""
    features = (customer or membership.customer).features
    return permissions_with(role=membership.role, granted=granted_to(membership=membership), features=features)


def granted_to(*, membership: Membership) -> list[str]:
    """What was ticked for this person beyond the role. One query, none when it was read with the membership."""
    if "granted" in vars(membership):
        return vars(membership)["granted"]
    granted = Grant.objects.filter(content_object=membership.customer_id, user=membership.user_id)
    return list(granted.values_list("permission__codename", flat=True))


def memberships_at(*, public_id: str, user: User) -> list[Membership]:
    """The person's active memberships, the one of this customer first if there is one, the others by name. One query.

    As many as the switcher needs: it shows all but the last, and says there are more.
    """
    values = {DAY: timezone.localdate(), PERSON: user.pk, CUSTOMER: public_id}
    return [_membership(row) for row in _door().rows(values=values)]


@functools.cache
def _door() -> Statement:
    here = Exact(F("customer__public_id"), CUSTOMER).desc()
    mine = Membership.objects.active(on=DAY).filter(user=PERSON).order_by(here, "customer__name", "pk")
    columns = [
        *columns_of(Membership),
        *columns_of(Customer, "customer__"),
        *columns_of(Merchant, "customer__merchant__"),
    ]
    return statement(queryset=mine.with_granted().values_list(*columns, "granted")[:SWITCHABLE])


def _membership(row: tuple[Any, ...]) -> Membership:
    """A row of the door, as the three objects it holds, with what was granted."""
    values = iter(row)
    membership, customer, merchant = take(Membership, values), take(Customer, values), take(Merchant, values)
    customer.merchant, membership.customer = merchant, customer
    vars(membership)["granted"] = next(values)
    return membership


def grant_permission(*, customer: Customer, user: User, permission: Permission) -> Grant:
    """Tick one permission for one person beyond their role; worth nothing without an active membership."""
    row = DjangoPermission.objects.get(
        content_type__app_label="organizations", content_type__model="customer", codename=permission
    )
    return Grant.objects.get_or_create(content_object=customer, user=user, permission=row)[0]


def who_can_grant(*, customer: Customer) -> list[Membership]:
    """The customer's own people who can give its permissions today, by name. One query."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.MANAGE_TEAM in permissions]
    in_charge = Membership.objects.active().filter(customer=customer, user__isnull=False, role__in=roles)
    return list(in_charge.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def who_holds(*, customer: Customer, permission: Permission) -> list[Membership]:
    """The customer's own people who hold a permission today, by their role or by a grant, by name. One query."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    granted = Grant.objects.filter(content_object=customer, permission__codename=permission)
    people = Membership.objects.active().filter(customer=customer, user__is_active=True)
    holders = people.filter(Q(role__in=roles) | Q(user__in=granted.values("user")))
    return list(holders.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def requires(*permissions: Permission) -> Callable[[View], View]:
    """Open a view of one customer to its members who hold every permission named; none: to every member.

    A stranger gets 404, a member without the permission the 403 page that explains itself. Sets
    `request.customer`, `request.membership`, `request.memberships` and `request.permissions`.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def door(request: CustomerRequest, customer_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            memberships = memberships_at(public_id=customer_id, user=request.user)
            if not memberships or memberships[0].customer.public_id != customer_id:
                raise Http404
            membership = memberships[0]
            customer = membership.customer
            request.customer, request.membership, request.memberships = customer, membership, memberships
            request.permissions = permissions_by(membership=membership)
            for permission in permissions:
                if permission not in request.permissions:
                    raise PermissionMissing(customer=customer, permission=permission)
            return view(request, *args, **kwargs)

        vars(door)["access"] = permissions  # read by tests/test_access.py
        return door

    return decorate
