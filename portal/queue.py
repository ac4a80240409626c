"""What waits for an agent: each kind of work with its oldest lines, one click from its decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.formats import iso_date, long_moment
from accounts.models import OutgoingMessage
from billing.models import InvoicePdf
from newsletter.models import Campaign
from organizations.comparison import outcome
from organizations.models import (
    AccessRequest,
    ActivationRequest,
    CompanyLink,
    CounterCase,
    Customer,
    Mandate,
    Merchant,
    RegisterAlert,
    TakeOver,
    Verification,
)
from signatures.models import Seal

SHOWN = 5
COUNTED = 100  # beyond, "100+": nobody decides otherwise at 101 than at 4 000


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to decide, and the page where it is decided."""

    title: str
    detail: str
    since: str
    url: str


@dataclass(frozen=True, slots=True)
class Pile:
    """One kind of work; without lines it is only a number that leads to a list."""

    title: object
    count: int
    lines: list[Line]
    url: str
    more: str = ""

    @property
    def counted(self) -> str:
        return f"{COUNTED}+" if self.count > COUNTED else str(self.count)


def waiting(*, merchants: list[Merchant], sees_all: bool) -> list[Pile]:
    """The piles of these merchants, empty ones left out. At most two queries each, none unbounded."""
    piles = [
        _pile(
            gettext_lazy("Unrecognised people"),
            AccessRequest.objects.open().filter(merchant__in=merchants).select_related("user").order_by("pk"),
            _person,
            "organizations_accessrequest_changelist",
            "?status=open",
        ),
        *_companies(merchants),
        *_teams(merchants),
        _pile(
            gettext_lazy("Messages that failed"),
            _failed(merchants, sees_all=sees_all),
            _message,
            "accounts_outgoingmessage_changelist",
            "?status=failed",
        ),
        _stopped(merchants),
        _unmade(merchants),
        _unsealed(merchants, sees_all=sees_all),
        _pile(
            gettext_lazy("Activation requests expired, never used"),
            _expired(merchants),
            _activation,
            "organizations_activationrequest_changelist",
            "?state=expired",
        ),
        _never_invited(merchants),
    ]
    return [pile for pile in piles if pile.count]


def _companies(merchants: list[Merchant]) -> list[Pile]:
    """Declarations nobody decided, and what the register now says of companies verified before."""
    declared = Verification.objects.open().filter(customer__merchant__in=merchants)
    changed = RegisterAlert.objects.waiting().filter(organization__customer__merchant__in=merchants)
    return [
        _pile(
            gettext_lazy("Companies to verify"),
            declared.select_related("customer").order_by("pk"),
            _verification,
            "organizations_verification_changelist",
            "?state=pending",
        ),
        _pile(
            gettext_lazy("Verified companies that changed in the register"),
            changed.select_related("organization", "change").order_by("pk"),
            _alert,
            "organizations_registeralert_changelist",
            "?state=open",
        ),
    ]


def _unmade(merchants: list[Merchant]) -> Pile:
    owed = InvoicePdf.objects.filter(invoice__merchant__in=merchants, rendered_at=None)
    failed = owed.exclude(last_error="").select_related("invoice__customer").order_by("pk")
    return _pile(gettext_lazy("PDFs that could not be made"), failed, _pdf, "billing_invoice_changelist", "?pdf=failed")


def _stopped(merchants: list[Merchant]) -> Pile:
    stopped = Campaign.objects.filter(merchant__in=merchants, status=Campaign.Status.STOPPED).order_by("pk")
    title = gettext_lazy("Campaigns that stopped by themselves")
    return _pile(title, stopped, _campaign, "newsletter_campaign_changelist", "?status=stopped")


def _teams(merchants: list[Merchant]) -> list[Pile]:
    """Proofs nobody looked at, take-overs nobody opposed in time, subsidiaries declared, questions about refusals."""
    asked = CounterCase.objects.open().filter(decision__merchant__in=merchants)
    proofs = Mandate.objects.proof_waiting().filter(customer__merchant__in=merchants)
    ripe = TakeOver.objects.ripe().filter(customer__merchant__in=merchants)
    return [
        _pile(
            gettext_lazy("Proofs of authority to look at"),
            proofs.select_related("customer").order_by("pk"),
            _proof,
            "organizations_mandate_changelist",
            "",
        ),
        _pile(
            gettext_lazy("Take-overs to decide"),
            ripe.select_related("customer", "asked_by").order_by("pk"),
            _take_over,
            "organizations_takeover_changelist",
            "",
        ),
        _pile(
            gettext_lazy("Subsidiaries to confirm"),
            CompanyLink.objects.waiting()
            .filter(parent__merchant__in=merchants)
            .select_related("parent")
            .order_by("pk"),
            _link,
            "organizations_companylink_changelist",
            "",
        ),
        _pile(
            gettext_lazy("Questions about refusals at the counters"),
            asked.select_related("decision__customer").order_by("pk"),
            _case,
            "organizations_countercase_changelist",
            "",
        ),
    ]


def _pile(title: object, rows: QuerySet, line: Callable[..., Line], changelist: str, query: str) -> Pile:
    shown = list(rows[: SHOWN + 1])
    count = len(shown) if len(shown) <= SHOWN else _capped(rows)
    return Pile(title, count, [line(row) for row in shown[:SHOWN]], reverse(f"admin:{changelist}") + query)


def _capped(rows: QuerySet) -> int:
    return rows.order_by()[: COUNTED + 1].count()


def _failed(merchants: list[Merchant], *, sees_all: bool) -> QuerySet[OutgoingMessage]:
    failed = OutgoingMessage.objects.failed().order_by("pk")
    return failed if sees_all else failed.filter(merchant_slug__in=[merchant.slug for merchant in merchants])


def _unsealed(merchants: list[Merchant], *, sees_all: bool) -> Pile:
    failed = Seal.objects.failed().select_related("request").order_by("pk")
    if not sees_all:
        failed = failed.filter(request__merchant_slug__in=[merchant.slug for merchant in merchants])
    title = gettext_lazy("Signatures that could not be sealed")
    return _pile(title, failed, _seal, "signatures_signaturerequest_changelist", "?seal=failed")


def _expired(merchants: list[Merchant]) -> QuerySet[ActivationRequest]:
    return (
        ActivationRequest.objects.filter(
            customer__merchant__in=merchants,
            customer__opened_at=None,
            customer__closed_at=None,
            used_at=None,
            revoked_at=None,
            expires_at__lte=timezone.now(),
        )
        .select_related("customer")
        .order_by("pk")
    )


def _never_invited(merchants: list[Merchant]) -> Pile:
    invited = ActivationRequest.objects.filter(customer=OuterRef("pk"))
    never = Customer.objects.open().filter(~Exists(invited), ~Q(email=""), merchant__in=merchants, opened_at=None)
    url = reverse("admin:organizations_customer_changelist") + "?space=never"
    return Pile(gettext_lazy("Customers never invited"), _capped(never), [], url, _("Choose whom to invite"))


def _person(request: AccessRequest) -> Line:
    clue = request.customer_number or request.invoice_number or request.user.email
    url = reverse("admin:organizations_accessrequest_change", args=[request.pk])
    return Line(request.name, clue, long_moment(request.created_at, get_language()), url)


def _proof(mandate: Mandate) -> Line:
    url = reverse("admin:organizations_mandate_change", args=[mandate.pk])
    return Line(mandate.name, mandate.customer.name, iso_date(mandate.signed_at), url)


def _take_over(take_over: TakeOver) -> Line:
    url = reverse("admin:organizations_takeover_change", args=[take_over.pk])
    return Line(str(take_over.asked_by), take_over.customer.name, iso_date(take_over.asked_at), url)


def _link(link: CompanyLink) -> Line:
    url = reverse("admin:organizations_companylink_change", args=[link.pk])
    return Line(link.parent.name, link.customer_number, iso_date(link.asked_at), url)


def _case(case: CounterCase) -> Line:
    url = reverse("admin:organizations_countercase_change", args=[case.pk])
    return Line(case.decision.person, case.customer.name, iso_date(case.asked_at), url)


def _verification(verification: Verification) -> Line:
    url = reverse("admin:organizations_verification_change", args=[verification.pk])
    verdict = Verification.Verdict(outcome(facts=verification.facts))
    since = long_moment(verification.submitted_at, get_language())
    names = dict.fromkeys([verification.legal_name, verification.customer.name])
    return Line(" · ".join(names), str(verdict.label), since, url)


def _alert(alert: RegisterAlert) -> Line:
    url = reverse("admin:organizations_registeralert_change", args=[alert.pk])
    since = iso_date(alert.noticed_at)
    return Line(alert.organization.legal_name, alert.change.get_kind_display(), since, url)


def _message(message: OutgoingMessage) -> Line:
    url = reverse("admin:accounts_outgoingmessage_again", args=[message.pk])
    return Line(message.subject or _("Text message"), message.recipient, iso_date(message.created_at), url)


def _campaign(campaign: Campaign) -> Line:
    url = reverse("admin:newsletter_campaign_change", args=[campaign.pk])
    return Line(campaign.subject, campaign.why_stopped, iso_date(campaign.started_at), url)


def _pdf(pdf: InvoicePdf) -> Line:
    words = ngettext("%(count)s attempt", "%(count)s attempts", pdf.attempts) % {"count": pdf.attempts}
    url = reverse("admin:billing_invoice_change", args=[pdf.invoice_id])
    return Line(f"{pdf.invoice.number} · {pdf.invoice.customer.name}", words, iso_date(pdf.requested_at), url)


def _seal(seal: Seal) -> Line:
    url = reverse("admin:signatures_signaturerequest_change", args=[seal.request_id])
    return Line(seal.request.title, seal.request.signer_name, iso_date(seal.request.signed_at), url)


def _activation(activation: ActivationRequest) -> Line:
    url = reverse("admin:organizations_activationrequest_again", args=[activation.pk])
    return Line(activation.customer.name, activation.email, iso_date(activation.expires_at), url)
