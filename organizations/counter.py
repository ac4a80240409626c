"""May this person rent or pick up, here and now? A pure function over rows already read; it asks nothing itself."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.formats import long_date, money
from organizations.models import Branch, CounterDecision, Customer, Membership
from organizations.permissions import Permission

Answer, Reason, Act = CounterDecision.Answer, CounterDecision.Reason, CounterDecision.Act

SENTENCES: dict[str, str | Promise] = {
    Reason.UNLISTED: _("%(person)s is not on the list of %(customer)s: nobody entered this person."),
    Reason.CLOSED: _("The account of %(customer)s was closed on %(day)s."),
    Reason.ON_HOLD: _("%(customer)s is on hold since %(day)s: %(words)s"),
    Reason.NOT_OPENED: _("Nobody of %(customer)s has opened its space yet: its list of people is not confirmed."),
    Reason.REMOVED: _("%(customer)s withdrew this person’s access on %(day)s."),
    Reason.ENDED: _("This person’s access ended on %(day)s."),
    Reason.PROFILE: _("This person’s profile is closed: they act for nobody here any more."),
    Reason.NOT_BEGUN: _("This person’s access begins on %(day)s."),
    Reason.OTHER_BRANCH: _("This person is not authorised at this branch, only at: %(words)s."),
    Reason.NO_RIGHT: _("This person may neither rent nor pick up for %(customer)s."),
    Reason.PICK_UP_RIGHT: _("This person picks up and returns what somebody else rented. Renting is not theirs."),
    Reason.CEILING: _("%(amount)s is above this person’s ceiling, %(ceiling)s for one transaction."),
    Reason.NOT_THEM: _("The person could not show that they are %(person)s."),
}
# For who sees no prices: the same without an amount.
WITHOUT_AMOUNTS: dict[str, str | Promise] = {
    Reason.CEILING: _("It is above this person’s ceiling for one transaction."),
}

DOUBLED = re.compile(r"(?<!\.)\.\.(?!\.)")  # a sentence that ends with « inc. »


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, the reason of a no or a half yes, and what makes its sentence."""

    answer: CounterDecision.Answer
    reason: CounterDecision.Reason = Reason.NONE
    day: date | None = None
    words: str = ""
    amount: Decimal | None = None
    ceiling: Decimal | None = None
    needs_purchase_order: bool = False

    @property
    def may_rent(self) -> bool:
        return self.answer == Answer.RENT

    @property
    def may_pick_up(self) -> bool:
        return self.answer != Answer.NO

    @property
    def details(self) -> dict[str, str]:
        """What its sentence needs beyond the reason, as it is kept with the decision."""
        kept = {"day": self.day, "words": self.words, "amount": self.amount, "ceiling": self.ceiling}
        return {name: str(value) for name, value in kept.items() if value not in {None, ""}}

    def sentence(self, *, person: str, customer: str, language: str, sees_prices: bool = True) -> str:
        """The reason in the language of who reads it; empty when nothing is against it."""
        if not self.reason:
            return ""
        words = {
            "person": person,
            "customer": customer,
            "day": long_date(self.day, language),
            "words": self.words,
            "amount": money(self.amount, language),
            "ceiling": money(self.ceiling, language),
        }
        sentences = SENTENCES if sees_prices else SENTENCES | WITHOUT_AMOUNTS
        with translation.override(language):
            return DOUBLED.sub(".", str(sentences[self.reason]) % words)


def as_decided(*, row: CounterDecision) -> Decision:
    """The decision of that day, from what was kept of it: its sentence reads the same for good."""
    kept = row.details
    return Decision(
        answer=Answer(row.answer),
        reason=Reason(row.reason),
        day=date.fromisoformat(kept["day"]) if "day" in kept else None,
        words=kept.get("words", ""),
        amount=Decimal(kept["amount"]) if "amount" in kept else None,
        ceiling=Decimal(kept["ceiling"]) if "ceiling" in kept else None,
    )


def decide(
    *,
    membership: Membership,
    permissions: Collection[Permission],
    branches: Collection[Branch],
    at: Branch | None,
    amount: Decimal | None,
    on: date,
    is_profile_closed: bool,
) -> Decision:
    """What this person may do at this branch on that day, for that amount when one is typed.

    `permissions` are those of the role and the grants, `branches` those the person is kept to (none: all of them).
    Reads membership.customer.
    """
    against = _against_customer(membership.customer) or _against_person(
        membership, on=on, is_profile_closed=is_profile_closed
    )
    if against is not None:
        return against
    if branches and (at is None or at.pk not in {branch.pk for branch in branches}):
        named = ", ".join(sorted(branch.name for branch in branches))
        return Decision(answer=Answer.NO, reason=Reason.OTHER_BRANCH, words=named)
    return _by_rights(membership, permissions=permissions, amount=amount)


def _against_customer(customer: Customer) -> Decision | None:
    if customer.closed_at is not None:
        return Decision(answer=Answer.NO, reason=Reason.CLOSED, day=timezone.localdate(customer.closed_at))
    if customer.held_at is not None:
        since = timezone.localdate(customer.held_at)
        return Decision(answer=Answer.NO, reason=Reason.ON_HOLD, day=since, words=customer.hold_reason)
    if customer.opened_at is None:
        return Decision(answer=Answer.NO, reason=Reason.NOT_OPENED)
    return None


def _against_person(membership: Membership, *, on: date, is_profile_closed: bool) -> Decision | None:
    if membership.removed_at is not None:
        return Decision(answer=Answer.NO, reason=Reason.REMOVED, day=timezone.localdate(membership.removed_at))
    if membership.ends_on is not None and membership.ends_on < on:
        return Decision(answer=Answer.NO, reason=Reason.ENDED, day=membership.ends_on)
    if is_profile_closed:
        return Decision(answer=Answer.NO, reason=Reason.PROFILE)
    if membership.starts_on is not None and membership.starts_on > on:
        return Decision(answer=Answer.NO, reason=Reason.NOT_BEGUN, day=membership.starts_on)
    return None


def _by_rights(membership: Membership, *, permissions: Collection[Permission], amount: Decimal | None) -> Decision:
    """Whoever may rent may pick up; the ceiling and the purchase order are about renting."""
    rents = Permission.RENT in permissions
    if not rents and Permission.PICK_UP not in permissions:
        return Decision(answer=Answer.NO, reason=Reason.NO_RIGHT)
    if not rents:
        return Decision(answer=Answer.PICK_UP, reason=Reason.PICK_UP_RIGHT)
    ceiling = membership.ceiling
    # A ceiling of zero allows nothing, whatever the amount, typed or not.
    if ceiling is not None and (ceiling == 0 or (amount is not None and amount > ceiling)):
        asked = amount if amount is not None else Decimal("0.01")
        return Decision(answer=Answer.PICK_UP, reason=Reason.CEILING, amount=asked, ceiling=ceiling)
    return Decision(answer=Answer.RENT, ceiling=ceiling, needs_purchase_order=membership.requires_purchase_order)
