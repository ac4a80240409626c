"""What is wished for a person, compared with what they have: an increase needs a signature, a decrease none."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from organizations.access import granted_to
from organizations.models import Mandate, Membership
from organizations.permissions import OPENING_ROLES, ROLE_PERMISSIONS, Permission, Role

AT_FIRST, FOR_GOOD = date.min, date.max


@dataclass(frozen=True, slots=True)
class Wish:
    """A role, permissions beyond it, and edges. No branch: all of them; no ceiling: no limit, which is not zero."""

    role: str
    granted: frozenset[Permission] = frozenset()
    starts_on: date | None = None
    ends_on: date | None = None
    ceiling: Decimal | None = None
    requires_purchase_order: bool = False
    branches: frozenset[int] = frozenset()

    @property
    def permissions(self) -> frozenset[Permission]:
        return ROLE_PERMISSIONS[self.role] | self.granted

    @property
    def beyond_role(self) -> frozenset[Permission]:
        return self.granted - ROLE_PERMISSIONS[self.role]

    def normal(self) -> Wish:
        """The same, what comes with the role not ticked again: two wishes that say the same are equal."""
        return replace(self, granted=self.beyond_role)

    def gains_over(self, had: Wish) -> frozenset[Permission]:
        return self.permissions - had.permissions

    def wider_edges(self, had: Wish) -> frozenset[str]:
        """The edges that let more pass than they did, by their field."""
        edges = {
            "starts_on": (self.starts_on or AT_FIRST) < (had.starts_on or AT_FIRST),
            "ends_on": (self.ends_on or FOR_GOOD) > (had.ends_on or FOR_GOOD),
            "ceiling": had.ceiling is not None and (self.ceiling is None or self.ceiling > had.ceiling),
            "requires_purchase_order": had.requires_purchase_order and not self.requires_purchase_order,
            "branches": bool(had.branches and (not self.branches or self.branches - had.branches)),
        }
        return frozenset(name for name, is_wider in edges.items() if is_wider)

    def widens(self, had: Wish) -> bool:
        return bool(self.wider_edges(had))

    def promotes(self, had: Wish) -> bool:
        return promotes(role=self.role, former=had.role)

    def exceeds(self, had: Wish) -> bool:
        """Whether it gives anything that was not there: this is what an administrator signs."""
        return bool(self.gains_over(had)) or self.widens(had) or self.promotes(had)

    def narrowed(self, had: Wish) -> Wish:
        """What of it can be had at once, without a signature: what is taken away, and nothing more."""
        if not self.exceeds(had):
            return self
        starts_on = _latest(self.starts_on, had.starts_on)
        ends_on = _lower(self.ends_on, had.ends_on)
        if starts_on is not None and ends_on is not None:
            ends_on = max(starts_on, ends_on)  # no day of what they had is wanted: the least there can be, one day
        return replace(
            had,
            granted=had.beyond_role & self.permissions,
            starts_on=starts_on,
            ends_on=ends_on,
            ceiling=_lower(self.ceiling, had.ceiling),
            requires_purchase_order=self.requires_purchase_order or had.requires_purchase_order,
            branches=(self.branches & had.branches) or had.branches if had.branches else self.branches,
        )


def promotes(*, role: str, former: str) -> bool:
    """Whether a role puts somebody in charge, or makes them the owner: more than the permissions that come with it."""
    return role in OPENING_ROLES and (former not in OPENING_ROLES or (role == Role.OWNER != former))


def _lower[Edge: (Decimal, date)](one: Edge | None, other: Edge | None) -> Edge | None:
    given = [edge for edge in (one, other) if edge is not None]
    return min(given) if given else None


def _latest(one: date | None, other: date | None) -> date | None:
    given = [day for day in (one, other) if day is not None]
    return max(given) if given else None


def terms_of(*, membership: Membership) -> Wish:
    """What a member has. Two queries at most."""
    return _wish(membership, granted=granted_to(membership=membership))


def terms_signed(*, mandate: Mandate) -> Wish:
    """What a mandate gives, its proof supposed accepted. One query."""
    return _wish(mandate, granted=mandate.granted)


def _wish(row: Membership | Mandate, *, granted: Iterable[str]) -> Wish:
    return Wish(
        role=row.role,
        granted=known(granted),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        ceiling=row.ceiling,
        requires_purchase_order=row.requires_purchase_order,
        branches=frozenset(branch.pk for branch in row.branches.all()),
    )


def known(codes: Iterable[str]) -> frozenset[Permission]:
    """The permissions of these codes; one of an older version is none."""
    return frozenset(Permission(code) for code in codes if code in Permission)


def as_columns(*, wish: Wish) -> dict[str, object]:
    """The fields of a membership or a mandate that say it; permissions and branches apart."""
    return {
        "role": wish.role,
        "starts_on": wish.starts_on,
        "ends_on": wish.ends_on,
        "ceiling": wish.ceiling,
        "requires_purchase_order": wish.requires_purchase_order,
    }


def codes(permissions: Collection[Permission]) -> list[str]:
    """In the order of the policy, as they are kept."""
    return [permission.value for permission in Permission if permission in permissions]
