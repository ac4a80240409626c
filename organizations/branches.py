"""Where an agent stands: the door of every page of the counter, and the branch named in its address."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxDetails

from accounts.statements import Statement, columns_of, statement, take
from organizations.models import Branch, Membership, Merchant

if TYPE_CHECKING:
    from accounts.models import User

View = Callable[..., HttpResponseBase]
PERSON = -1  # a mark in the SQL, where the agent goes


@dataclass(frozen=True, slots=True)
class Place:
    """A branch of a merchant; of a merchant without any, the merchant alone."""

    merchant: Merchant
    branch: Branch | None

    @property
    def code(self) -> str:
        """As the address names it."""
        return f"{self.merchant.slug}.{self.branch.code}" if self.branch else self.merchant.slug

    @property
    def name(self) -> str:
        return self.branch.name if self.branch else self.merchant.name


class CounterRequest(HttpRequest):
    """What a view behind `at_counter` is given; a name for types alone, requests are never made of it."""

    user: User
    places: list[Place]
    place: Place | None
    memberships: list[Membership]
    htmx: HtmxDetails


def places_of(user: User) -> list[Place]:
    """Every counter this agent may work at, by name. One query."""
    if not (user.is_active and user.is_staff):
        return []
    rows = _places(is_superuser=user.is_superuser).rows(values={PERSON: user.pk})
    places: list[Place] = []
    for columns, branches in groupby(rows, key=lambda row: row[:-3]):
        merchant = take(Merchant, iter(columns))
        places += [_place(merchant, *row[-3:]) for row in branches]
    return places


@functools.cache
def _places(*, is_superuser: bool) -> Statement:
    anybody = get_user_model()(pk=PERSON, is_staff=True, is_superuser=is_superuser)
    mine = Merchant.objects.for_agent(anybody).order_by("name", "pk", "branches__name", "branches__pk")
    return statement(queryset=mine.values_list(*columns_of(Merchant), "branches", "branches__code", "branches__name"))


def _place(merchant: Merchant, pk: int | None, code: str, name: str) -> Place:
    return Place(merchant=merchant, branch=Branch(pk=pk, merchant=merchant, code=code, name=name) if pk else None)


def at_counter(view: View) -> View:
    """Open a page to agents, each at their merchants' branches; to anybody else there is no such page.

    Sets `request.places` and `request.place`: the one named in the address, or the only one.
    """

    @functools.wraps(view)
    def door(request: CounterRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        places = places_of(request.user)
        if not places:
            raise Http404
        named = request.POST.get("at") or request.GET.get("at", "")
        chosen = {place.code: place for place in places}
        request.places, request.memberships = places, []  # no customer of their own shows at work
        request.place = chosen.get(named) if named or len(places) > 1 else places[0]
        if named and request.place is None:
            raise Http404
        return view(request, *args, **kwargs)

    vars(door)["agents"] = True  # read by tests/test_access.py
    return door
