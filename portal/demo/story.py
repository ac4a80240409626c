"""Tells the demo through the services, the way real days would have: customers, people, invoices, payments."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.models import User
from billing.models import Invoice, InvoiceLine, InvoicePdf, Payment
from billing.services import LineDraft, issue_invoice, record_payment
from organizations.models import Branch, Customer, Membership, Merchant
from organizations.models.merchants import SERVE_MERCHANT
from organizations.services.recognition import recognize
from organizations.services.requests import request_access
from portal.demo import catalog, news, people
from portal.demo.companies import declare_all

PASSWORD = "comptoir-demo"  # noqa: S105 - published on purpose, for people who do not exist
MONTHS = 18
# The same story each time it is told.
SEED = 20260101
CENT = Decimal("0.01")
ZERO = Decimal(0)


def tell(*, progress: Callable[[str], None]) -> bool:
    """Load the demo in one transaction, so that a killed load leaves nothing; False when it was told already."""
    with transaction.atomic():
        if Merchant.objects.filter(slug=people.BOREAL["slug"]).exists():
            return False
        dice = random.Random(SEED)  # noqa: S311 - plausible figures, no secret
        progress("merchants and customers")
        merchants = [_open_merchant(facts=facts) for facts in (people.BOREAL, people.RIVIERE)]
        customers = _open_customers(merchants={merchant.slug: merchant for merchant in merchants}, dice=dice)
        progress("people")
        for login in people.LOGINS:
            _welcome(login=login)
        progress(f"{MONTHS} months of invoices for {len(customers)} customers")
        ledger = Ledger(dice=dice)
        for customer in customers:
            ledger.live(customer=customer)
        ledger.write()
        progress("companies declare themselves, before and after an edition of the register")
        declare_all()
        ledger.leave_open(customer=Customer.objects.get(merchant=merchants[0], number="10482"))
        # The past comes as an import would: its PDF are made when somebody asks.
        InvoicePdf.objects.filter(invoice__issued_on__lt=timezone.localdate() - timedelta(days=30)).delete()
        progress("newsletters")
        news.publish(merchants=merchants)
        progress("somebody nobody recognises")
        _leave_a_request(merchant=merchants[0])
    return True


def _open_merchant(*, facts: dict[str, object]) -> Merchant:
    merchant = Merchant.objects.create(**facts)
    for counter in people.BRANCHES[merchant.slug]:
        Branch.objects.create(merchant=merchant, province="QC", **counter._asdict())
    return merchant


def _open_customers(*, merchants: dict[str, Merchant], dice: random.Random) -> list[Customer]:
    accounts = list(people.CAST)
    for position, (name, city) in enumerate(people.COMPANIES):
        kind = people.MEMBER if position % 3 else people.BUSINESS
        email = "" if kind == people.MEMBER else f"comptes{position}@entreprise.example"
        limit = dice.choice([5_000, 10_000, 20_000, 50_000]) if kind == people.MEMBER else None
        terms = 30 if kind == people.MEMBER else 15
        street, code = _street(dice=dice), _postal_code(dice=dice)
        accounts.append(people.Account("boreal", f"{11000 + position * 37}", kind, name, street, city, code, email,
                                       terms_days=terms, credit_limit=limit))  # fmt: skip
    for position, (name, city) in enumerate(people.INDIVIDUALS):
        street, code = _street(dice=dice), _postal_code(dice=dice)
        email = f"client{position}@example.org" if position % 4 else ""
        accounts.append(
            people.Account("boreal", f"{20010 + position}", people.INDIVIDUAL, name, street, city, code, email)
        )
    return [_open_customer(merchant=merchants[account.merchant], account=account) for account in accounts]


def _open_customer(*, merchant: Merchant, account: people.Account) -> Customer:
    facts = account._asdict() | {"merchant": merchant, "province": "QC"}
    return Customer.objects.create(program="commercial" if account.kind == people.MEMBER else "", **facts)


def _street(*, dice: random.Random) -> str:
    return f"{dice.randint(2, 4800)}, {dice.choice(people.STREETS)}"


def _postal_code(*, dice: random.Random) -> str:
    letters = "ABCEGHJKLMNPRSTVXY"
    pattern = ["GHJ", "0123456789", letters, " ", "0123456789", letters, "0123456789"]
    return "".join(dice.choice(choices) for choices in pattern)


def _welcome(*, login: people.Login) -> None:
    user = User.objects.create_user(
        login.email,
        PASSWORD,
        first_name=login.first_name,
        last_name=login.last_name,
        language=login.language,
        is_staff=bool(login.serves) or login.is_superuser,
        is_superuser=login.is_superuser,
    )
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    if login.serves:
        assign_perm(SERVE_MERCHANT, user, Merchant.objects.get(slug=login.serves))
    for number, role in login.roles:
        Membership.objects.create(
            customer=Customer.objects.get(merchant__slug="boreal", number=number),
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            role=role,
        )
    recognize(user=user)


def _leave_a_request(*, merchant: Merchant) -> None:
    """So that the agents' queue has something to decide: a proof that finds its customer."""
    user = User.objects.create_user("bureau@ailleurs.example", PASSWORD, first_name="Denise", last_name="Gauthier")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    invoice = Invoice.objects.filter(merchant=merchant, customer__number="11000").order_by("-issued_on", "-pk")[0]
    request_access(
        by=user,
        merchant=merchant,
        name=user.get_full_name(),
        phone="+15145550188",
        phone_extension="4",
        customer_number="",
        invoice_number=invoice.number,
        invoice_total=invoice.total,
        message="Je tiens les livres de Toitures Gauthier depuis septembre.",
    )


class Ledger:
    """Draws each customer's documents, then writes them in the order of their dates: numbers rise with time."""

    def __init__(self, *, dice: random.Random) -> None:
        self.dice = dice
        self.today = timezone.localdate()
        self.plans: list[tuple[date, int, Callable[..., None]]] = []
        self.issued = 0

    def live(self, *, customer: Customer) -> None:
        """Plan eighteen months of one customer; who is new has none yet."""
        is_company = customer.kind != Customer.Kind.INDIVIDUAL
        rate = self.dice.randint(9, 26) if is_company else self.dice.randint(1, 6)
        for _document in range(rate):
            day = self.today - timedelta(days=self.dice.randint(0, MONTHS * 30))
            self._plan(day=day, act=partial(self._live_a_day, customer=customer, day=day))

    def write(self) -> None:
        for _day, _order, act in sorted(self.plans, key=lambda plan: plan[:2]):
            self.issued += 1
            act(number=str(20_000 + self.issued))

    def leave_open(self, *, customer: Customer) -> None:
        """The states a customer may have to read on one page: overdue, partly paid, due, and a credit."""
        for age, share, has_credit in ((47, 0, False), (9, 2, False), (4, 0, True), (1, 0, False)):
            self.issued += 1
            number = str(20_000 + self.issued)
            day = self.today - timedelta(days=age)
            invoice = self._rent(customer=customer, day=day, number=number)
            if share:
                self._pay(invoice=invoice, number=number, amount=(invoice.total / share).quantize(CENT), day=self.today)
            if has_credit:
                self._pay(invoice=invoice, number=number, amount=invoice.total, day=day)
                self._credit(invoice=invoice, number=number)

    def _plan(self, *, day: date, act: Callable[..., None]) -> None:
        self.plans.append((day, len(self.plans), act))

    def _live_a_day(self, *, customer: Customer, day: date, number: str) -> None:
        self._settle(invoice=self._rent(customer=customer, day=day, number=number), number=number)

    def _rent(self, *, customer: Customer, day: date, number: str) -> Invoice:
        is_company = customer.kind != Customer.Kind.INDIVIDUAL
        dice = self.dice
        return issue_invoice(
            customer=customer,
            kind=Invoice.Kind.INVOICE,
            number=f"F-{number}",
            issued_on=day,
            due_on=day + timedelta(days=customer.terms_days),
            lines=self._lines(customer=customer),
            branch=dice.choice(list(customer.merchant.branches.order_by("pk"))),
            adviser=dice.choice(catalog.ADVISERS),
            po_number=f"BC-{dice.randint(1000, 9999)}" if is_company and dice.random() < 0.7 else "",
            project=dice.choice(catalog.PROJECTS) if is_company else "",
            requisition_number=f"R{dice.randint(100, 999)}" if is_company and dice.random() < 0.2 else "",
            site_address=f"{_street(dice=dice)}, {customer.city}" if is_company else "",
            requested_by=dice.choice(catalog.REQUESTERS) if is_company else customer.name,
        )

    def _lines(self, *, customer: Customer) -> list[LineDraft]:
        dice = self.dice
        shelf = catalog.EQUIPMENT if customer.merchant.slug == "boreal" else catalog.BOATS
        items = dice.sample(shelf, k=dice.randint(1, 3))
        discount = Decimal(10) if customer.kind == Customer.Kind.MEMBER and dice.random() < 0.4 else ZERO
        lines = [_line(item=item, quantity=dice.randint(1, 4), discount=discount) for item in items]
        rates = sum(
            (line.quantity * line.unit_price for line, item in zip(lines, items, strict=True) if item.is_rental),
            Decimal(0),
        )
        if customer.merchant.slug == "boreal" and rates:
            waiver = (rates * catalog.WAIVER_SHARE).quantize(CENT, ROUND_HALF_UP)
            lines.append(
                _draft(sku="EXO", description=catalog.WAIVER, quantity=Decimal(1), unit="unit", unit_price=waiver)
            )
            if dice.random() < 0.5:
                lines.append(_line(item=dice.choice(catalog.SUPPLIES), quantity=dice.randint(1, 3), discount=ZERO))
        return lines

    def _settle(self, *, invoice: Invoice, number: str) -> None:
        """Most people pay on time; some in part, some late; now and then a credit note corrects."""
        dice = self.dice
        if dice.random() < 0.04:
            self._credit(invoice=invoice, number=number)
            invoice.refresh_from_db()
        owed = invoice.total - invoice.settled_amount
        paid_on = invoice.due_on + timedelta(days=dice.randint(-12, 9))
        if paid_on > self.today or dice.random() < 0.03 or not owed:
            return
        is_partial = dice.random() < 0.04
        amount = (owed / 2).quantize(CENT, ROUND_HALF_UP) if is_partial else owed
        self._pay(invoice=invoice, number=number, amount=amount, day=max(paid_on, invoice.issued_on))

    def _pay(self, *, invoice: Invoice, number: str, amount: Decimal, day: date) -> None:
        record_payment(
            customer=invoice.customer,
            number=f"P-{number}",
            received_on=day,
            method=self.dice.choice([Payment.Method.TRANSFER, Payment.Method.CHEQUE, Payment.Method.CARD]),
            amount=amount,
            reference=f"{self.dice.randint(100000, 999999)}",
            allocations={invoice.pk: amount},
        )

    def _credit(self, *, invoice: Invoice, number: str) -> None:
        line = invoice.lines.get(position=1)
        back = _draft(
            sku=line.sku,
            description=f"Retour anticipé : {line.description}"[:300],
            quantity=Decimal(1),
            unit=line.unit,
            unit_price=line.unit_price,
        )
        issue_invoice(
            customer=invoice.customer,
            kind=Invoice.Kind.CREDIT_NOTE,
            number=f"N-{number}",
            issued_on=invoice.issued_on,
            due_on=invoice.issued_on,
            lines=[back],
            corrects=invoice,
            branch=invoice.branch,
            adviser=invoice.adviser,
        )


def _line(*, item: catalog.Item, quantity: int, discount: Decimal) -> LineDraft:
    return _draft(
        sku=item.sku,
        description=item.description,
        quantity=Decimal(quantity),
        unit=item.unit,
        unit_price=item.price,
        discount_percent=discount if item.is_rental else ZERO,
    )


def _draft(
    *, sku: str, description: str, quantity: Decimal, unit: str, unit_price: Decimal, discount_percent: Decimal = ZERO
) -> LineDraft:
    """A taxable line."""
    return LineDraft(
        sku=sku,
        description=description,
        quantity=quantity,
        unit=unit,
        unit_price=unit_price,
        discount_percent=discount_percent,
        tax_code=InvoiceLine.TaxCode.STANDARD,
    )
