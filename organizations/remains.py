"""What is left of a mandate on a day: what was signed, less each decrease since. The signed document stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.formats import long_date, money
from organizations.models import AuditEvent, Branch, Mandate
from organizations.permissions import Permission, Role
from organizations.terms import Wish, codes, known, terms_signed


class Left(NamedTuple):
    """In words; of a mandate that gives nothing that day, no fact."""

    facts: list[tuple[str, str]]

    @property
    def line(self) -> str:
        return " · ".join(value for _label, value in self.facts)


class Decrease(TypedDict):
    """What it leaves, and the codes of the rights it takes away, as the history keeps them."""

    role: str
    lost: str
    starts_on: str | None
    ends_on: str | None
    ceiling: str | None
    requires_purchase_order: int
    branches: str


def as_data(*, wish: Wish, lost: Iterable[Permission]) -> Decrease:
    return Decrease(
        role=wish.role,
        lost=",".join(codes(frozenset(lost))),
        starts_on=wish.starts_on.isoformat() if wish.starts_on else None,
        ends_on=wish.ends_on.isoformat() if wish.ends_on else None,
        ceiling=str(wish.ceiling) if wish.ceiling is not None else None,
        requires_purchase_order=int(wish.requires_purchase_order),
        branches=",".join(map(str, sorted(wish.branches))),
    )


def left_of(*, mandates: Sequence[Mandate], on: date, language: str) -> dict[int, Left]:
    """By the key of each mandate of one customer that was reduced by the end of that day. Few queries, whoever many."""
    mandates = [mandate for mandate in mandates if mandate.effective_at is not None]
    if not mandates:
        return {}
    decreases = AuditEvent.objects.filter(
        customer=mandates[0].customer_id,
        event=AuditEvent.Event.MEMBER_REDUCED,
        data__member__in=[mandate.membership_id for mandate in mandates],
        at__lt=timezone.make_aware(datetime.combine(on, time.min)) + timedelta(days=1),
    )
    by_member: dict[int, list[AuditEvent]] = {}
    for event in decreases.order_by("pk"):
        by_member.setdefault(event.data["member"], []).append(event)
    found = {mandate: _of(mandate, by_member.get(mandate.membership_id or 0, [])) for mandate in mandates}
    names = _branch_names([events[-1].data for events in found.values() if events])
    return {
        mandate.pk: _left(mandate, events, on=on, language=language, names=names)
        for mandate, events in found.items()
        if events
    }


def _of(mandate: Mandate, events: list[AuditEvent]) -> list[AuditEvent]:
    """The decreases of its own time: a later mandate gave anew what they took away."""
    begins, ends = mandate.effective_at, mandate.ended_at
    return [event for event in events if begins and begins <= event.at and (ends is None or event.at <= ends)]


def _branch_names(decreases: list[dict[str, Any]]) -> dict[str, str]:
    keys = {key for data in decreases for key in data.get("branches", "").split(",") if key}
    return {str(pk): name for pk, name in Branch.objects.filter(pk__in=keys).values_list("pk", "name")} if keys else {}


def _left(mandate: Mandate, events: list[AuditEvent], *, on: date, language: str, names: dict[str, str]) -> Left:
    data = events[-1].data
    first = date.fromisoformat(data["starts_on"]) if data.get("starts_on") else None
    last = date.fromisoformat(data["ends_on"]) if data.get("ends_on") else None
    if (first is not None and first > on) or (last is not None and last < on):
        return Left([])
    lost = known(code for event in events for code in event.data.get("lost", "").split(","))
    signed = terms_signed(mandate=mandate)
    rights = [str(right.label) for right in Permission if right in signed.permissions - lost]
    facts = [(_("Role"), str(Role(data["role"]).label)), (_("May"), ", ".join(rights) or _("nothing any more"))]
    if first != mandate.starts_on:
        facts.append((pgettext("dates", "From"), long_date(first, language)))
    if last != mandate.ends_on:
        facts.append((_("Until"), long_date(last, language)))
    if data.get("ceiling") is not None and Decimal(data["ceiling"]) != mandate.ceiling:
        facts.append((_("Most for one transaction"), money(Decimal(data["ceiling"]), language)))
    if data.get("requires_purchase_order") and not mandate.requires_purchase_order:
        facts.append((_("Purchase order"), _("compulsory")))
    kept = [key for key in data.get("branches", "").split(",") if key]
    if {int(key) for key in kept} != signed.branches:
        facts.append((_("Branches"), ", ".join(sorted(names.get(key, "…") for key in kept))))
    return Left(facts)
