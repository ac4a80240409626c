"""What the frame of every page needs: whose portal this is, which customers the person has, where they may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.translation import gettext as _

from newsletter.forms import SubscribeForm
from organizations.models import Customer, Membership, Merchant
from organizations.models.groups import subsidiaries_of
from organizations.permissions import OPENING_ROLES, Permission

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One customer the person may go to; of a subsidiary where they have no role, its team."""

    name: str
    number: str
    detail: str
    url: str
    is_subsidiary: bool
    is_current: bool


def _grouped(memberships: list[Membership], *, here: Customer | None, names_merchants: bool) -> Iterator[Choice]:
    """Reads `subsidiaries`: memberships come with them. Nobody is shown twice."""
    mine = {membership.customer.public_id: membership for membership in memberships}
    parents = {public_id: row for row in memberships for public_id, _name, _number in vars(row)["subsidiaries"]}
    current = here.public_id if here is not None else ""
    for membership in memberships:
        customer = membership.customer
        if customer.public_id in parents:
            continue
        yield _own(membership, current=current, is_subsidiary=False, names_merchant=names_merchants)
        yield from _below(membership, mine=mine, current=current, names_merchant=names_merchants)


def _below(
    membership: Membership, *, mine: dict[str, Membership], current: str, names_merchant: bool
) -> Iterator[Choice]:
    for public_id, name, number in vars(membership)["subsidiaries"]:
        if public_id in mine:
            yield _own(mine[public_id], current=current, is_subsidiary=True, names_merchant=names_merchant)
            yield from _below(mine[public_id], mine=mine, current=current, names_merchant=names_merchant)
        elif membership.role in OPENING_ROLES:
            url = reverse("organizations:team", args=[public_id])
            yield Choice(name, number, _("its team"), url, is_subsidiary=True, is_current=public_id == current)


def _own(membership: Membership, *, current: str, is_subsidiary: bool, names_merchant: bool) -> Choice:
    customer = membership.customer
    detail = membership.get_role_display()
    return Choice(
        name=customer.name,
        number=customer.number,
        detail=f"{detail} · {customer.merchant.name}" if names_merchant else detail,
        url=customer.get_absolute_url(),
        is_subsidiary=is_subsidiary,
        is_current=customer.public_id == current,
    )


class Frame:
    """Computed when the template asks, so that fragments pay nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.customer: Customer | None = getattr(request, "customer", None)

    @property
    def navigation(self) -> list[Place]:
        if self.customer is None:
            return []
        ident = [self.customer.public_id]
        if getattr(self._request, "through", None) is not None:
            return []  # an administrator of the parent company opens the team's pages, which lead to each other
        documents = {Permission.VIEW_INVOICES, Permission.VIEW_PRICES}
        places: list[tuple[str, str, str, set[Permission]]] = [
            (_("Home"), reverse("portal:home", args=ident), "house", set()),
            (_("Invoices"), reverse("billing:invoice-list", args=ident), "file-text", documents),
        ]
        if self.customer.kind != Customer.Kind.INDIVIDUAL:
            page = reverse("organizations:organization-detail", args=ident)
            places.append((_("Organization"), page, "building-2", {Permission.VIEW_ORGANIZATION}))
        if self.customer.kind == Customer.Kind.MEMBER:
            places.append((_("Team"), reverse("organizations:team", args=ident), "users", {Permission.INVITE_VISITORS}))
        if self.customer.kind != Customer.Kind.INDIVIDUAL and self._is_seen_at_counters():
            places.append((_("My card"), reverse("organizations:card", args=ident), "qr-code", set()))
        here = self._request.path
        held: frozenset[Permission] = getattr(self._request, "permissions", frozenset())
        return [
            Place(label=label, url=url, icon=icon, is_current=here == url or (index > 0 and here.startswith(url)))
            for index, (label, url, icon, needed) in enumerate(places)
            if needed <= held
        ]

    def _is_seen_at_counters(self) -> bool:
        held: frozenset[Permission] = getattr(self._request, "permissions", frozenset())
        return bool({Permission.RENT, Permission.PICK_UP} & held)

    @cached_property
    def memberships(self) -> list[Membership]:
        """The person's customers with their role in each, for the switcher."""
        found: list[Membership] | None = getattr(self._request, "memberships", None)
        if found is not None:
            return found
        user = self._request.user
        if not user.is_authenticated:
            return []
        mine = Membership.objects.active().filter(user=user).order_by("customer__name", "pk")
        shown = (
            "customer__public_id",
            "customer__name",
            "customer__number",
            "customer__kind",
            "customer__merchant__name",
        )
        mine = mine.annotate(subsidiaries=subsidiaries_of("customer_id"))
        return list(mine.select_related("customer__merchant").only("role", *shown))

    @cached_property
    def choices(self) -> list[Choice]:
        """The person's customers by name, each parent company followed by its subsidiaries, for the switcher."""
        return self._choices(self.memberships[:SHOWN])

    @property
    def all_choices(self) -> list[Choice]:
        """The same of all of them, for the page of the choice."""
        return self._choices(self.memberships)

    def _choices(self, memberships: list[Membership]) -> list[Choice]:
        return list(_grouped(memberships, here=self.customer, names_merchants=self.has_several_merchants))

    @property
    def has_more(self) -> bool:
        return len(self.memberships) > SHOWN

    @cached_property
    def signup(self) -> SubscribeForm | None:
        """The form at the foot of a visitor's page, when the merchant has something to subscribe to."""
        visitor = getattr(self._request, "user", None)
        # Nobody is known yet on the page of a host that is not ours, where no form would work either.
        merchant = None if visitor is None or visitor.is_authenticated else merchant_of(self._request)
        form = SubscribeForm(merchant=merchant) if merchant else None
        return form if form and form.has_topics else None

    @property
    def has_several_merchants(self) -> bool:
        """Then each customer is named with its merchant."""
        return len({membership.customer.merchant_id for membership in self.memberships}) > 1


def merchant_of(request: HttpRequest) -> Merchant | None:
    """The customer's merchant, or on pages of no customer the default one."""
    customer = getattr(request, "customer", None)
    return customer.merchant if customer is not None else Merchant.objects.all().default()


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor named in the settings."""
    return {"frame": Frame(request), "merchant": SimpleLazyObject(lambda: merchant_of(request))}
