"""Who an agent means by three letters, a number or a card: people of one merchant, with all a decision needs.

Beginnings only, each served by an index that stops after a page: as fast for 200,000 people as for 10.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils import timezone

from accounts.models import normalize_email
from accounts.spelling import (
    Capitals,
    DigitsBackwards,
    PlainAfterOneWord,
    PlainAfterTwoWords,
    PlainText,
    plain,
)
from accounts.statements import Statement, columns_of, statement, take
from organizations.counter import Decision, decide
from organizations.models import Branch, Customer, Membership
from organizations.permissions import permissions_with

SHORTEST, PHONE_DIGITS = 3, 10
MOST = 12  # people on one page
COMPANIES = 4  # by each way to find them
LAST = chr(0x10FFFF)
# Marks in the SQL, where the values of a search go.
MERCHANT, PERSON, DAY = -1, -2, date.min
LOW, HIGH, NUMBER, NUMBER_HIGH, EMAIL, COMPANY = "<low>", "<high>", "<number>", "<number high>", "<email>", "<company>"
NAMES = (("last_name", "first_name"), ("first_name", "last_name"))
OWN_NAMES = [tuple(f"user__{name}" for name in pair) for pair in NAMES]
CONTACT = {
    "first": "first_name",
    "last": "last_name",
    "phone": "phone",
    "email": "email",
    "user_first": "user__first_name",
    "user_last": "user__last_name",
    "user_phone": "user__phone",
    "user_extension": "user__phone_extension",
}


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call at the company."""

    name: str
    phone: str
    extension: str


@dataclass(frozen=True, slots=True)
class Found:
    """A person of a customer, the branches they are kept to, who answers for them, and their name."""

    membership: Membership
    granted: tuple[str, ...]
    branches: tuple[Branch, ...]
    contacts: tuple[Contact, ...]
    name: str
    is_profile_closed: bool

    @property
    def customer(self) -> Customer:
        return self.membership.customer

    @property
    def who(self) -> tuple[int, int | str]:
        """The same for two rows of one person at one customer."""
        return self.membership.customer_id, self.membership.user_id or plain(self.name)

    def decision(self, *, at: Branch | None, amount: Decimal | None) -> Decision:
        """The answer for today."""
        membership = self.membership
        features = membership.customer.features
        return decide(
            membership=membership,
            permissions=permissions_with(role=membership.role, granted=self.granted, features=features),
            branches=self.branches,
            at=at,
            amount=amount,
            on=timezone.localdate(),
            is_profile_closed=self.is_profile_closed,
        )


def find(*, merchant_id: int, text: str, company: str = "") -> list[Found]:
    """People by a beginning of their name, their company's, their number, the end of a phone; by name. One query.

    With `company`, a public id, people of that customer alone. One more than a page when there are more.
    """
    text = " ".join(text.split())
    low = plain(text)
    values = {MERCHANT: merchant_id, COMPANY: company, LOW: low, HIGH: low + LAST}
    if company:
        return _rows(_of_company(), values)
    if "@" in text:
        return _rows(_by_email(), {MERCHANT: merchant_id, EMAIL: normalize_email(text)})
    if len(low.strip()) < SHORTEST:
        return []
    values |= {NUMBER: text.upper(), NUMBER_HIGH: text.upper() + LAST}
    digits = re.sub(r"\D", "", text)
    if not digits or not re.fullmatch(r"[\d\s()+.-]+", text):
        return _rows(_by_name(), values)
    values |= {NUMBER: digits, NUMBER_HIGH: digits + LAST}
    if len(digits) < SHORTEST:
        return _rows(_by_number(), values)
    end = digits[-PHONE_DIGITS:][::-1]
    return _rows(_by_digits(), {**values, LOW: end, HIGH: end + LAST}, number=digits)


def person(*, merchant_id: int, pk: int) -> Found | None:
    """One person by key, of this merchant. One query."""
    return next(iter(_rows(_by_key(), {MERCHANT: merchant_id, PERSON: pk})), None)


def _begins(expression: Func, low: str = LOW, high: str = HIGH) -> Q:
    return Q(GreaterThanOrEqual(expression, low)) & Q(LessThan(expression, high))


def _people() -> QuerySet[Membership]:
    return Membership.objects.filter(customer__merchant=MERCHANT)


def _pks(rows: QuerySet[Membership]) -> QuerySet:
    return rows.order_by().values("pk")[: MOST + 1]


def _of(customers: Q) -> QuerySet:
    """People of the first companies found this way, but those who left."""
    companies = Customer.objects.filter(customers, merchant=MERCHANT).order_by().values("pk")[:COMPANIES]
    return _pks(Membership.objects.filter(customer__in=companies, removed_at=None))


def _numbered() -> QuerySet:
    return _of(_begins(Capitals("number"), NUMBER, NUMBER_HIGH))


@functools.cache
def _by_name() -> Statement:
    ways = [_pks(_people().filter(_begins(PlainText(*pair)))) for pair in NAMES]
    ways += [_pks(_people().filter(_begins(PlainText(*pair)))) for pair in OWN_NAMES]
    ways += [_of(_begins(words("name"))) for words in (PlainText, PlainAfterOneWord, PlainAfterTwoWords)]
    return _statement(_numbered().union(*ways))


@functools.cache
def _by_number() -> Statement:
    return _statement(_numbered())


@functools.cache
def _by_digits() -> Statement:
    ends, own_ends = (_begins(DigitsBackwards(phone)) for phone in ("phone", "user__phone"))
    ways = [_pks(_people().filter(ends)), _pks(_people().filter(own_ends)), _of(ends)]
    return _statement(_numbered().union(*ways))


@functools.cache
def _by_email() -> Statement:
    return _statement(_pks(_people().filter(email=EMAIL)).union(_pks(_people().filter(user__email=EMAIL))))


@functools.cache
def _by_key() -> Statement:
    return _statement(_pks(_people().filter(pk=PERSON)))


@functools.cache
def _of_company() -> Statement:
    """People of one customer whose name begins so; all of them for nothing typed."""
    rows = Membership.objects.filter(customer__merchant=MERCHANT, customer__public_id=COMPANY)
    ways = [rows.filter(_begins(PlainText(*pair))) for pair in (*NAMES, *OWN_NAMES)]
    return _statement(_pks(ways[0]).union(*map(_pks, ways[1:])))


def _statement(keys: QuerySet) -> Statement:
    """The rows of these keys, each with its customer, its person, grants, branches and contacts."""
    kept_to = Membership.branches.through.objects.filter(membership=OuterRef("pk")).order_by("branch__name", "pk")
    in_charge = Membership.objects.filter(customer=OuterRef("customer_id")).in_charge(on=DAY).order_by("pk")
    rows = (
        Membership.objects.filter(pk__in=keys)
        .with_granted()
        .annotate(
            kept_to=ArraySubquery(kept_to.values_list(JSONObject(pk="branch_id", name="branch__name"))),
            contacts=ArraySubquery(in_charge.values_list(JSONObject(**CONTACT))[:2]),
        )
    )
    own = ["user__first_name", "user__last_name", "user__is_active"]
    columns = [*columns_of(Membership), *columns_of(Customer, "customer__"), *own]
    return statement(queryset=rows.values_list(*columns, "granted", "kept_to", "contacts").order_by())


def _rows(query: Statement, values: dict[Any, Any], *, number: str = "") -> list[Found]:
    """By name, a customer number that begins so before the end of a phone, which many share.

    Of somebody who left and came back, the row in force alone.
    """
    found = [_found(row) for row in query.rows(values={**values, DAY: timezone.localdate()})]
    staying = {one.who for one in found if one.membership.removed_at is None}
    found = [one for one in found if one.membership.removed_at is None or one.who not in staying]
    found.sort(key=lambda one: (plain(one.name), one.customer.name, one.membership.pk))
    if number:
        found.sort(key=lambda one: not one.customer.number.startswith(number))
    return found[: MOST + 1]


def _found(row: tuple[Any, ...]) -> Found:
    values = iter(row)
    membership, customer = take(Membership, values), take(Customer, values)
    membership.customer = customer
    first_name, last_name, is_active, granted, kept_to, contacts = values
    own = f"{first_name or ''} {last_name or ''}".strip()
    return Found(
        membership=membership,
        granted=tuple(granted),
        branches=tuple(Branch(**json.loads(branch)) for branch in kept_to),
        contacts=tuple(_contact(json.loads(contact)) for contact in contacts),
        name=_called(membership) or own or membership.email,
        is_profile_closed=is_active is False,  # None: on file, without a profile
    )


def named(*, membership: Membership) -> str:
    """As the company wrote it, else as the person does. Reads `user`: select it with the rows."""
    own = membership.user.get_full_name() if membership.user else ""
    return _called(membership) or own or membership.email


def _called(membership: Membership) -> str:
    return f"{membership.first_name} {membership.last_name}".strip()


def _contact(values: dict[str, str | None]) -> Contact:
    """By the name and phone on file, else those of the person's profile."""
    on_file = f"{values['first']} {values['last']}".strip()
    own = f"{values['user_first'] or ''} {values['user_last'] or ''}".strip()
    phone = values["phone"] or values["user_phone"] or ""
    extension = "" if values["phone"] else values["user_extension"] or ""
    return Contact(name=on_file or own or values["email"] or "", phone=phone, extension=extension)
