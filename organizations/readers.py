"""Who reads what a company is answered: whoever asked while they may, else who took over, else who can give access."""

from __future__ import annotations

from accounts.models import User
from organizations.access import who_administers_above, who_holds, who_may_be_asked
from organizations.models import AuditEvent, Customer
from organizations.permissions import Permission


def readers_of(*, customer: Customer, asked_by: User) -> list[User]:
    """Nobody who left: the person who asked if they manage the team, else the colleague named to take over.

    Either may be of the parent company.
    """
    holders = [
        *who_holds(customer=customer, permission=Permission.MANAGE_TEAM),
        *who_administers_above(customer=customer),
    ]
    present = {holder.user.pk: holder.user for holder in holders if holder.user is not None}
    person: int | None = asked_by.pk
    passed: set[int] = set()
    while person is not None and person not in passed:
        if person in present:
            return [present[person]]
        passed.add(person)
        person = _heir_of(person, customer=customer)
    return [granter.user for granter in who_may_be_asked(customer=customer) if granter.user is not None]


def _heir_of(person: int, *, customer: Customer) -> int | None:
    """The colleague named when this person was declared gone, by key."""
    left = AuditEvent.objects.filter(customer=customer, event=AuditEvent.Event.MEMBER_LEFT, data__person=person)
    latest = left.order_by("-pk").first()
    return latest.data.get("heir") if latest else None
