"""The smallest valid objects; what a test cares about is written in the test."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import factory
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from billing.models import Allocation, Invoice, InvoiceLine, Letterhead, Payment
from newsletter.models import Campaign, Consent, Subscriber, Topic, Wording
from organizations.models import (
    Branch,
    CompanyLink,
    CounterDecision,
    Customer,
    Membership,
    Merchant,
    Organization,
    Verification,
)
from organizations.permissions import Role
from registry.models import Edition, Enterprise, EnterpriseName
from registry.names import fold

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    first_name = "Camille"
    last_name = factory.Sequence(lambda n: f"Tremblay{n}")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def confirmed(self, create: bool, extracted: bool | None, **kwargs: object) -> None:
        """An address allauth holds as confirmed, unless confirmed=False."""
        EmailAddress.objects.create(user=self, email=self.email, primary=True, verified=extracted is not False)


class MerchantFactory(factory.django.DjangoModelFactory[Merchant]):
    class Meta:
        model = Merchant

    slug = factory.Sequence(lambda n: f"merchant{n}")
    name = factory.Sequence(lambda n: f"Location {n}")
    legal_name = factory.Sequence(lambda n: f"Location {n} inc.")
    email = factory.LazyAttribute(lambda merchant: f"ouverture@{merchant.slug}.example")
    phone = "+15145550100"
    phone_extension = "10435"
    privacy_officer = "Directrice des affaires juridiques"
    privacy_email = factory.LazyAttribute(lambda merchant: f"vieprivee@{merchant.slug}.example")
    gst_number = "808437370 RT 0001"
    qst_number = "1224002901 TQ 0001"
    address_line1 = "1, rue du Quai"
    city = "Laval"
    province = "QC"
    postal_code = "H7A 0A1"


class BranchFactory(factory.django.DjangoModelFactory[Branch]):
    class Meta:
        model = Branch

    merchant = factory.SubFactory(MerchantFactory)
    code = factory.Sequence(lambda n: f"branch{n}")
    name = factory.Sequence(lambda n: f"Succursale {n}")


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    merchant = factory.SubFactory(MerchantFactory)
    number = factory.Sequence(lambda n: f"C{n:05}")
    kind = Customer.Kind.INDIVIDUAL
    name = factory.Sequence(lambda n: f"Client {n}")
    terms_days = 30


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    customer = factory.SubFactory(CustomerFactory, kind=Customer.Kind.MEMBER)
    role = Role.ADMINISTRATOR
    user = None
    email = factory.LazyAttribute(lambda member: member.user.email if member.user else "")
    linked_at = factory.LazyAttribute(lambda member: timezone.now() if member.user else None)


class CompanyLinkFactory(factory.django.DjangoModelFactory[CompanyLink]):
    """Confirmed, unless said otherwise."""

    class Meta:
        model = CompanyLink

    parent = factory.SubFactory(CustomerFactory, kind=Customer.Kind.MEMBER)
    subsidiary = factory.SubFactory(
        CustomerFactory, kind=Customer.Kind.MEMBER, merchant=factory.SelfAttribute("..parent.merchant")
    )
    customer_number = factory.SelfAttribute("subsidiary.number")
    asked_by = factory.SubFactory("tests.factories.UserFactory")
    decided_by = factory.SubFactory("tests.factories.UserFactory", is_staff=True)
    decided_at = factory.LazyFunction(timezone.now)
    is_accepted = True
    decision = "Vu au registre"


class RefusalFactory(factory.django.DjangoModelFactory[CounterDecision]):
    """Somebody unlisted, refused at a counter."""

    class Meta:
        model = CounterDecision

    customer = factory.SubFactory(CustomerFactory, kind=Customer.Kind.MEMBER)
    merchant = factory.SelfAttribute("customer.merchant")
    person = "Luc Morin"
    agent = factory.SubFactory("tests.factories.UserFactory", is_staff=True)
    answer = CounterDecision.Answer.NO
    reason = CounterDecision.Reason.UNLISTED
    act = CounterDecision.Act.REFUSED


class LetterheadFactory(factory.django.DjangoModelFactory[Letterhead]):
    class Meta:
        model = Letterhead

    merchant = factory.SubFactory(MerchantFactory)
    name = factory.SelfAttribute("merchant.name")
    legal_name = factory.SelfAttribute("merchant.legal_name")
    address = "1, rue du Quai\nLaval (QC)  H7A 0A1"
    gst_number = factory.SelfAttribute("merchant.gst_number")
    qst_number = factory.SelfAttribute("merchant.qst_number")


class InvoiceFactory(factory.django.DjangoModelFactory[Invoice]):
    """A document of one line of 100.00, taxed: 114.98 in all."""

    class Meta:
        model = Invoice
        skip_postgeneration_save = True

    customer = factory.SubFactory(CustomerFactory)
    merchant = factory.SelfAttribute("customer.merchant")
    letterhead = factory.SubFactory(LetterheadFactory, merchant=factory.SelfAttribute("..merchant"))
    kind = Invoice.Kind.INVOICE
    number = factory.Sequence(lambda n: f"F-{n:05}")
    issued_on = date(2026, 11, 1)
    due_on = date(2026, 12, 1)
    bill_to_name = factory.SelfAttribute("customer.name")
    line_count = 1
    subtotal = taxable_subtotal = Decimal("100.00")
    gst = Decimal("5.00")
    qst = Decimal("9.98")
    total = factory.LazyAttribute(lambda invoice: invoice.subtotal + invoice.gst + invoice.qst)

    @factory.post_generation
    def line(self, create: bool, extracted: bool | None, **fields: object) -> None:
        if extracted is False:
            return
        InvoiceLineFactory(invoice=self, unit_price=self.subtotal, amount=self.subtotal, **fields)


class InvoiceLineFactory(factory.django.DjangoModelFactory[InvoiceLine]):
    class Meta:
        model = InvoiceLine

    invoice = factory.SubFactory(InvoiceFactory, line=False)
    position = 1
    description = "Location d’une nacelle articulée de 60 pi"
    quantity = Decimal(1)
    unit = "day"
    unit_price = amount = Decimal("100.00")
    tax_code = InvoiceLine.TaxCode.STANDARD


class PaymentFactory(factory.django.DjangoModelFactory[Payment]):
    class Meta:
        model = Payment

    customer = factory.SubFactory(CustomerFactory)
    merchant = factory.SelfAttribute("customer.merchant")
    number = factory.Sequence(lambda n: f"P-{n:05}")
    received_on = date(2026, 11, 10)
    method = Payment.Method.TRANSFER
    amount = Decimal("114.98")


class AllocationFactory(factory.django.DjangoModelFactory[Allocation]):
    class Meta:
        model = Allocation

    payment = factory.SubFactory(PaymentFactory)
    invoice = factory.SubFactory(InvoiceFactory)
    amount = Decimal("10.00")


class OutgoingMessageFactory(factory.django.DjangoModelFactory[OutgoingMessage]):
    class Meta:
        model = OutgoingMessage

    template = "accounts/emails/test"
    language = "fr-ca"
    recipient = "quelquun@example.org"
    subject = "Sujet"
    text = "Texte"
    html = "<p>Texte</p>"


class EditionFactory(factory.django.DjangoModelFactory[Edition]):
    """The edition that is loaded."""

    class Meta:
        model = Edition

    published_on = date(2026, 11, 15)
    sha256 = factory.Sequence(lambda n: f"{n:064}")
    is_current = True


class EnterpriseFactory(factory.django.DjangoModelFactory[Enterprise]):
    """A registered enterprise with one legal name in force."""

    class Meta:
        model = Enterprise
        skip_postgeneration_save = True

    neq = "1170000005"
    status = Enterprise.Status.REGISTERED
    status_on = date(2001, 5, 17)

    @factory.post_generation
    def name(self, create: bool, extracted: str | None, **fields: object) -> None:
        """`name=None` for an enterprise that the open data do not name."""
        if extracted is not None:
            EnterpriseNameFactory(enterprise=self, text=extracted, **fields)


class EnterpriseNameFactory(factory.django.DjangoModelFactory[EnterpriseName]):
    class Meta:
        model = EnterpriseName

    enterprise = factory.SubFactory(EnterpriseFactory)
    text = "CONSTRUCTION ACME INC."
    state = EnterpriseName.State.IN_FORCE
    kind = EnterpriseName.Kind.LEGAL
    folded = factory.LazyAttribute(lambda name: fold(name.text))


class VerificationFactory(factory.django.DjangoModelFactory[Verification]):
    """A declaration that waits, compared with nothing."""

    class Meta:
        model = Verification

    customer = factory.SubFactory(CustomerFactory, kind=Customer.Kind.MEMBER)
    legal_name = "Construction Acme inc."
    neq = "1170000005"
    administrator_name = "Alice Tremblay"
    submitted_by = factory.SubFactory(UserFactory)


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    """Verified by hand, before any edition."""

    class Meta:
        model = Organization

    customer = factory.SubFactory(CustomerFactory, kind=Customer.Kind.MEMBER)
    legal_name = "Construction Acme inc."
    neq = "1170000005"
    administrator_name = "Alice Tremblay"
    verified_at = factory.LazyFunction(timezone.now)


class TopicFactory(factory.django.DjangoModelFactory[Topic]):
    class Meta:
        model = Topic

    merchant = factory.SubFactory(MerchantFactory)
    slug = factory.Sequence(lambda n: f"topic{n}")
    name_fr = factory.Sequence(lambda n: f"Nouveautés {n}")
    name_en = factory.Sequence(lambda n: f"News {n}")


class WordingFactory(factory.django.DjangoModelFactory[Wording]):
    class Meta:
        model = Wording

    merchant = factory.SubFactory(MerchantFactory)
    version = factory.Sequence(lambda n: n + 1)
    text_fr = "J’accepte de recevoir l’infolettre; je peux me désabonner en tout temps."
    text_en = "I agree to receive the newsletter; I may unsubscribe at any time."


class SubscriberFactory(factory.django.DjangoModelFactory[Subscriber]):
    class Meta:
        model = Subscriber

    merchant = factory.SubFactory(MerchantFactory)
    email = factory.Sequence(lambda n: f"abonne{n}@example.org")
    language = "fr-ca"


class ConsentFactory(factory.django.DjangoModelFactory[Consent]):
    """An express consent, which makes the subscription."""

    class Meta:
        model = Consent

    topic = factory.SubFactory(TopicFactory)
    subscriber = factory.SubFactory(SubscriberFactory, merchant=factory.SelfAttribute("..topic.merchant"))
    act = Consent.Act.GIVEN
    kind = Consent.Kind.EXPRESS
    channel = Consent.Channel.WEB_FORM
    wording = factory.SubFactory(WordingFactory, merchant=factory.SelfAttribute("..topic.merchant"))
    language = "fr-ca"


class CampaignFactory(factory.django.DjangoModelFactory[Campaign]):
    class Meta:
        model = Campaign

    topic = factory.SubFactory(TopicFactory)
    merchant = factory.SelfAttribute("topic.merchant")
    subject_fr = "Nacelles à moitié prix"
    subject_en = "Half-price lifts"
    body_fr = "Bonjour,\n\nTout novembre, **moitié prix** sur les [nacelles](https://boreal.example/nacelles)."
    body_en = "Hello,\n\nAll November, **half price** on [lifts](https://boreal.example/lifts)."
