"""What the frame of every page needs: whose portal this is, which customers the person has, where they may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.translation import gettext as _

from newsletter.forms import SubscribeForm
from organizations.models import Customer, Membership, Merchant
from organizations.permissions import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    is_current: bool


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
        places: list[tuple[str, str, str, Permission | None]] = [
            (_("Home"), reverse("portal:home", args=ident), "house", None),
            (_("Invoices"), reverse("billing:invoice-list", args=ident), "file-text", Permission.VIEW_INVOICES),
        ]
        if self.customer.kind != Customer.Kind.INDIVIDUAL:
            page = reverse("organizations:organization-detail", args=ident)
            places.append((_("Organization"), page, "building-2", Permission.VIEW_ORGANIZATION))
        if self.customer.kind == Customer.Kind.MEMBER:
            places.append((_("Team"), reverse("organizations:team", args=ident), "users", Permission.INVITE_VISITORS))
        if self.customer.kind != Customer.Kind.INDIVIDUAL and self._is_seen_at_counters():
            places.append((_("My card"), reverse("organizations:card", args=ident), "qr-code", None))
        here = self._request.path
        held: frozenset[Permission] = getattr(self._request, "permissions", frozenset())
        return [
            Place(label=label, url=url, icon=icon, is_current=here == url or (index > 0 and here.startswith(url)))
            for index, (label, url, icon, permission) in enumerate(places)
            if permission is None or permission in held
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
        return list(mine.select_related("customer__merchant").only("role", *shown))

    @cached_property
    def signup(self) -> SubscribeForm | None:
        """The form at the foot of a visitor's page, when the merchant has something to subscribe to."""
        merchant = None if self._request.user.is_authenticated else merchant_of(self._request)
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
