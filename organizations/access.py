"""The one door: `requires` finds the customer in the address and asks the policy, once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied
from django.db.models import F, FilteredRelation, Q
from django.db.models.expressions import OrderBy, RawSQL
from django.db.models.lookups import Exact
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from accounts.statements import Statement, columns_of, statement, take
from organizations.models import CompanyLink, Customer, Grant, Membership, MembershipQuerySet, Merchant
from organizations.models.groups import subsidiaries_of
from organizations.permissions import OPENING_ROLES, ROLE_PERMISSIONS, Permission, permissions_with

if TYPE_CHECKING:
    from accounts.models import User

View = Callable[..., HttpResponseBase]
SWITCHABLE = 13  # one more than the switcher shows
# Marks in the SQL of the door, where the values of a request go.
DAY, PERSON, CUSTOMER = date.min, -1, "customer"
# What an administrator of a parent company may do at its subsidiaries, and nothing else.
OF_A_PARENT = frozenset({Permission.MANAGE_TEAM, Permission.INVITE_VISITORS})


class CustomerRequest(HttpRequest):
    """What a view behind `requires` is given; a name for types alone, requests are never made of it."""

    user: User
    customer: Customer
    membership: Membership
    memberships: list[Membership]
    permissions: frozenset[Permission]
    through: CompanyLink | None  # by which an administrator of the parent company is in
    htmx: HtmxDetails


class PermissionMissing(PermissionDenied):
    """A member came to a door they have no right to; the page names the right and who can give it."""

    def __init__(self, *, customer: Customer, permission: Permission) -> None:
        super().__init__(permission)
        self.customer = customer
        self.permission = permission

    def granters(self) -> list[Membership]:
        """Whom the page names as able to give it."""
        return who_may_be_asked(customer=self.customer)


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
    return [_membership(iter(row)) for row in _door().rows(values=values)]


def memberships_around(*, public_id: str, user: User) -> tuple[list[Membership], Membership | None]:
    """The same, and that by which the person administers the parent company of this customer. One query."""
    values = {DAY: timezone.localdate(), PERSON: user.pk, CUSTOMER: public_id}
    rows = [iter(row) for row in _team_door().rows(values=values)]
    memberships = [_membership(row) for row in rows]
    for membership, rest in zip(memberships, rows, strict=True):
        link, subsidiary = take(CompanyLink, rest), take(Customer, rest)
        if link.pk is not None and membership.role in OPENING_ROLES:
            subsidiary.merchant = membership.customer.merchant  # the database keeps a link within one merchant
            link.parent, link.subsidiary = membership.customer, subsidiary
            vars(membership)["through"] = link
            return memberships, membership
    return memberships, None


COLUMNS = [*columns_of(Membership), *columns_of(Customer, "customer__"), *columns_of(Merchant, "customer__merchant__")]


LINK_TO = """(
    SELECT link.id FROM organizations_companylink link
    JOIN organizations_customer below ON below.id = link.subsidiary_id
    WHERE below.public_id = %s AND below.closed_at IS NULL AND link.is_accepted AND link.ended_at IS NULL
)"""


@functools.cache
def _door() -> Statement:
    mine = _mine().order_by(_here(), "customer__name", "pk")
    return statement(queryset=mine.values_list(*COLUMNS, "granted", "subsidiaries")[:SWITCHABLE])


@functools.cache
def _team_door() -> Statement:
    """With the link by which each customer is the parent of the one in the address, and that one; one row at most."""
    # One at most: a company has one parent. In the condition of a join Django takes no queryset.
    above = RawSQL(LINK_TO, [CUSTOMER])  # noqa: S611 - our own words, and the value apart
    links = "customer__subsidiary_links"
    mine = _mine().annotate(link=FilteredRelation(links, condition=Q(**{f"{links}__id": above})))
    theirs = [*columns_of(CompanyLink, "link__"), *columns_of(Customer, "link__subsidiary__")]
    mine = mine.order_by(_here(), F("link__pk").asc(nulls_last=True), "customer__name", "pk")
    return statement(queryset=mine.values_list(*COLUMNS, "granted", "subsidiaries", *theirs)[:SWITCHABLE])


def _here() -> OrderBy:
    return Exact(F("customer__public_id"), CUSTOMER).desc()


def _mine() -> MembershipQuerySet:
    mine = Membership.objects.active(on=DAY).filter(user=PERSON)
    return mine.with_granted().annotate(subsidiaries=subsidiaries_of("customer_id"))


def _membership(values: Iterator[Any]) -> Membership:
    """The three objects a row of the door begins with, what was granted, and the subsidiaries."""
    membership, customer, merchant = take(Membership, values), take(Customer, values), take(Merchant, values)
    customer.merchant, membership.customer = merchant, customer
    vars(membership)["granted"], vars(membership)["subsidiaries"] = next(values), next(values)
    return membership


def giver_at(*, customer: Customer, user: User) -> Membership | None:
    """By what a person gives access at this customer: their own administration, that of its parent, else what they are.

    Of the parent company the membership is that of its administrator, and `through_of` says the link.
    """
    own = membership_of(customer=customer, user=user)
    if own is not None and own.role in OPENING_ROLES:
        return own
    links = CompanyLink.objects.in_force().filter(subsidiary=customer)
    link = links.select_related("parent").first()
    above = membership_of(customer=link.parent, user=user) if link is not None else None
    if link is None or above is None or above.role not in OPENING_ROLES:
        return own
    above.customer = link.parent
    vars(above)["through"] = link
    return above


def through_of(*, giver: Membership) -> CompanyLink | None:
    """The link by which the administrator of a parent company gives access at its subsidiary; of one's own, none."""
    return vars(giver).get("through")


def grant_permission(*, customer: Customer, user: User, permission: Permission) -> Grant:
    """Tick one permission for one person beyond their role; worth nothing without an active membership."""
    row = DjangoPermission.objects.get(
        content_type__app_label="organizations", content_type__model="customer", codename=permission
    )
    return Grant.objects.get_or_create(content_object=customer, user=user, permission=row)[0]


def who_can_grant(*, customer: Customer) -> list[Membership]:
    """The customer's own people who can give its permissions today, by name. One query."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.MANAGE_TEAM in permissions]
    in_charge = Membership.objects.active().filter(customer=customer, user__is_active=True, role__in=roles)
    return list(in_charge.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def who_may_be_asked(*, customer: Customer) -> list[Membership]:
    """Who can grant; where the customer has nobody, the administrators of its parent company. Two queries at most."""
    own = who_can_grant(customer=customer)
    if own:
        return own
    links = CompanyLink.objects.in_force().filter(subsidiary=customer)
    above = Membership.objects.active().filter(
        customer__in=links.values("parent"), user__is_active=True, role__in=OPENING_ROLES
    )
    return list(above.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def who_holds(*, customer: Customer, permission: Permission) -> list[Membership]:
    """The customer's own people who hold a permission today, by their role or by a grant, by name. One query."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    granted = Grant.objects.filter(content_object=customer, permission__codename=permission)
    people = Membership.objects.active().filter(customer=customer, user__is_active=True)
    holders = people.filter(Q(role__in=roles) | Q(user__in=granted.values("user")))
    return list(holders.select_related("user").order_by("user__first_name", "user__last_name", "pk"))


def requires(*permissions: Permission, or_parent: bool = False) -> Callable[[View], View]:
    """Open a view of one customer to its members who hold every permission named; none: to every member.

    `or_parent`: and to the administrators of its parent company, for what OF_A_PARENT names. A stranger gets 404, a
    member without the permission the 403 page that explains itself. Sets `request.customer`, `request.membership`,
    `request.memberships`, `request.permissions` and `request.through`.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def door(request: CustomerRequest, customer_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if or_parent:
                _enter_from_above(request, customer_id)
            else:
                _enter(request, memberships_at(public_id=customer_id, user=request.user), customer_id)
            for permission in permissions:
                if permission not in request.permissions:
                    raise PermissionMissing(customer=request.customer, permission=permission)
            return view(request, *args, **kwargs)

        vars(door)["access"], vars(door)["or_parent"] = permissions, or_parent  # read by tests/test_access.py
        return door

    return decorate


def _enter(request: CustomerRequest, memberships: list[Membership], customer_id: str) -> None:
    if not memberships or memberships[0].customer.public_id != customer_id:
        raise Http404
    request.memberships, request.membership, request.through = memberships, memberships[0], None
    request.customer = request.membership.customer
    request.permissions = permissions_by(membership=request.membership)


def _enter_from_above(request: CustomerRequest, customer_id: str) -> None:
    """As oneself; and, unless one administers the customer oneself, as an administrator of its parent company."""
    memberships, above = memberships_around(public_id=customer_id, user=request.user)
    link = through_of(giver=above) if above is not None else None
    own = memberships[0] if memberships and memberships[0].customer.public_id == customer_id else None
    if above is None or link is None or link.subsidiary is None or (own is not None and own.role in OPENING_ROLES):
        return _enter(request, memberships, customer_id)
    held = permissions_by(membership=own) if own is not None else frozenset()
    request.memberships, request.membership, request.through = memberships, above, link
    request.customer, request.permissions = link.subsidiary, held | OF_A_PARENT
    return None
