"""Who an unrecognised person probably is: customers ranked by what the person said, each with its reasons in words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import normalize_email
from billing.proofs import customers_with_invoice
from organizations.models import AccessRequest, Customer, Membership

MOST = 8
LOOKED_AT = 200
# An address at one of these says nothing of the company.
SHARED_DOMAINS = frozenset(
    {
        *("gmail.com", "hotmail.com", "hotmail.ca", "outlook.com", "outlook.fr", "live.com", "live.ca", "yahoo.com"),
        *("yahoo.ca", "icloud.com", "me.com", "msn.com", "videotron.ca", "videotron.qc.ca", "sympatico.ca"),
        *("bell.net", "cgocable.ca", "proton.me", "protonmail.com"),
    }
)
# Legal forms and words of every company: alike in all names.
EMPTY_WORDS = frozenset(
    {
        *("inc", "ltee", "ltd", "les", "des", "the", "and"),
        *("construction", "constructions", "groupe", "entreprises", "services"),
    }
)
SHORTEST_WORD = 3
ALIKE = 0.6
# Weights: what only the customer could know counts most.
PROOF, NUMBER, EMAIL, ON_FILE, PHONE, DOMAIN, NAME, INVOICE = 100, 60, 60, 50, 40, 30, 30, 15


@dataclass(slots=True)
class Candidate:
    """A customer and why it may be theirs; `score` only orders them."""

    customer: Customer
    score: int = 0
    reasons: list[str | Promise] = field(default_factory=list)

    def add(self, points: int, reason: str | Promise) -> None:
        self.score += points
        self.reasons.append(reason)


def rank(*, access_request: AccessRequest) -> list[Candidate]:
    """The most probable open customers of the request's merchant, best first. Three queries at most."""
    asked = _Asked(access_request)
    found = asked.customers()
    on_file = asked.customers_with_member_on_file(found)
    candidates = [asked.judge(customer, is_on_file=customer.pk in on_file) for customer in found]
    probable = [candidate for candidate in candidates if candidate.score]
    return sorted(probable, key=lambda candidate: (-candidate.score, candidate.customer.name))[:MOST]


class _Asked:
    """What the person said, in the forms it is compared in."""

    def __init__(self, access_request: AccessRequest) -> None:
        self.request = access_request
        self.number = access_request.customer_number.strip()
        self.email = normalize_email(access_request.user.email)
        domain = self.email.partition("@")[2]
        self.domain = "" if domain in SHARED_DOMAINS else domain
        self.digits = _digits(access_request.phone) or _digits(str(access_request.user.phone or ""))
        self.names = [name for name in (access_request.name, access_request.user.get_full_name()) if name]
        self.proofs = customers_with_invoice(
            merchant=access_request.merchant,
            number=access_request.invoice_number,
            total=access_request.invoice_total,
        )

    def customers(self) -> list[Customer]:
        """Everyone any clue points at."""
        clue = Q(pk__in=list(self.proofs)) | Q(email=self.email)
        if self.number:
            clue |= Q(number__iexact=self.number) | Q(number__endswith=self.number)
        if self.digits:
            clue |= Q(phone__endswith=self.digits)
        if self.domain:
            clue |= Q(email__endswith=f"@{self.domain}")
        for word in self._telling_words():
            clue |= Q(name__icontains=word)
        merchants = Customer.objects.open().filter(merchant=self.request.merchant)
        return list(merchants.filter(clue).order_by("pk")[:LOOKED_AT])

    def customers_with_member_on_file(self, customers: list[Customer]) -> set[int]:
        """Those whose file names a person of the same family name."""
        family = self.request.user.last_name or self.request.name.split()[-1:]
        name = family if isinstance(family, str) else "".join(family)
        if not name:
            return set()
        members = Membership.objects.waiting().filter(customer__in=customers, last_name__iexact=name)
        return set(members.values_list("customer_id", flat=True))

    def judge(self, customer: Customer, *, is_on_file: bool) -> Candidate:
        candidate = Candidate(customer)
        self._judge_proof(candidate)
        if self.number and _same_number(self.number, customer.number):
            candidate.add(NUMBER, _("Same customer number"))
        self._judge_email(candidate)
        if self.digits and _digits(customer.phone) == self.digits:
            candidate.add(PHONE, _("Same phone"))
        if is_on_file:
            candidate.add(ON_FILE, _("A person of that name is on file"))
        alike = max((likeness(name, customer.name) for name in self.names), default=0.0)
        if alike >= ALIKE:
            candidate.add(round(NAME * alike), _("Same name") if alike == 1 else _("Name alike"))
        return candidate

    def _judge_proof(self, candidate: Candidate) -> None:
        is_right = self.proofs.get(candidate.customer.pk)
        words = {"number": self.request.invoice_number.strip()}
        if is_right:
            candidate.add(PROOF, _("Invoice %(number)s is theirs, and its total is right") % words)
        elif is_right is not None:
            candidate.add(INVOICE, _("Invoice %(number)s is theirs, but its total is not the one given") % words)

    def _judge_email(self, candidate: Candidate) -> None:
        email = candidate.customer.email
        if email and email == self.email:
            candidate.add(EMAIL, _("Same contact e-mail"))
        elif self.domain and email.endswith(f"@{self.domain}"):
            candidate.add(DOMAIN, _("E-mail of the same domain, %(domain)s") % {"domain": self.domain})

    def _telling_words(self) -> set[str]:
        """The words of the names that tell customers apart, as typed: the database compares case only."""
        words = {word.strip(".,;()") for name in self.names for word in name.split()}
        return {word for word in words if len(word) >= SHORTEST_WORD and plain(word) not in EMPTY_WORDS}


def plain(text: str) -> str:
    """Lower case, no accents, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


def likeness(one: str, other: str) -> float:
    """0 to 1: how alike two names are, whatever the order of their words, accents and legal forms."""
    first, second = (sorted(set(re.findall(r"\w+", plain(name))) - EMPTY_WORDS) for name in (one, other))
    if not first or not second:
        return 0.0
    if first == second:
        return 1.0
    return min(SequenceMatcher(a=" ".join(first), b=" ".join(second)).ratio(), 0.99)


def _digits(phone: str) -> str:
    """The ten digits that a phone is compared by; empty for less."""
    digits = re.sub(r"\D", "", phone)
    return digits[-10:] if len(digits) >= 10 else ""  # noqa: PLR2004 - a number of the North American plan


def _same_number(said: str, number: str) -> bool:
    """As written, or without the zeros and the case people leave out."""
    return said.casefold().lstrip("0") == number.casefold().lstrip("0")
