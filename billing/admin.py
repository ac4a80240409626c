"""Documents, payments and files for agents: everything is read, nothing issued is ever edited."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import file_size, iso_date, money, percent
from accounts.models import Language
from billing.files import request_pdf
from billing.models import Allocation, Invoice, InvoiceLine, InvoicePdf, Payment
from billing.units import unit_name
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, ScopedTabular, customer_address, first_found


def customer_link(row: Invoice | Payment) -> str:
    return format_html('<a href="{}">{}</a>', customer_address(row.customer_id), row.customer)


class KindFilter(ChoiceFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"
    options = Invoice.Kind.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind=self.value()) if self.value() in Invoice.Kind.values else queryset


class StatusFilter(ChoiceFilter):
    title = gettext_lazy("status")
    parameter_name = "status"
    options = Invoice.Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        bills = queryset.filter(kind=Invoice.Kind.INVOICE)
        open_bills = bills.filter(settled_amount__lt=F("total"))
        match self.value():
            case Invoice.Status.DUE:
                return open_bills.filter(due_on__gte=today, settled_amount=0)
            case Invoice.Status.PART:
                return open_bills.filter(due_on__gte=today, settled_amount__gt=0)
            case Invoice.Status.OVERDUE:
                return open_bills.filter(due_on__lt=today)
            case Invoice.Status.PAID:
                return bills.filter(settled_amount__gte=F("total"))
            case Invoice.Status.CREDIT:
                return queryset.filter(kind=Invoice.Kind.CREDIT_NOTE)
        return queryset


class PdfFilter(ChoiceFilter):
    title = gettext_lazy("PDF")
    parameter_name = "pdf"
    options = [
        ("made", gettext_lazy("Made")),
        ("owed", gettext_lazy("Being made")),
        ("failed", gettext_lazy("Could not be made")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        pdfs = InvoicePdf.objects.filter(invoice=OuterRef("pk"))
        match self.value():
            case "made":
                return queryset.filter(Exists(pdfs.filter(rendered_at__isnull=False)))
            case "owed":
                return queryset.filter(Exists(pdfs.filter(rendered_at=None, last_error="")))
            case "failed":
                failed = InvoicePdf.objects.filter(rendered_at=None).exclude(last_error="")
                return queryset.filter(pk__in=failed.values("invoice_id"))
        return queryset


class LineInline(ScopedTabular):
    model = InvoiceLine
    ordering = ("position",)
    fields = ("sku", "description", "amount_of", "price", "discount", "tax_code", "worth")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("quantity"))
    def amount_of(self, line: InvoiceLine) -> str:
        return f"{line.quantity.normalize():f} {unit_name(unit=line.unit, quantity=line.quantity)}"

    @admin.display(description=gettext_lazy("unit price"))
    def price(self, line: InvoiceLine) -> str:
        return money(line.unit_price, get_language())

    @admin.display(description=gettext_lazy("discount"))
    def discount(self, line: InvoiceLine) -> str:
        return percent(line.discount_percent, get_language()) if line.discount_percent else "–"

    @admin.display(description=gettext_lazy("amount"))
    def worth(self, line: InvoiceLine) -> str:
        return money(line.amount, get_language())


class AllocationInline(ScopedTabular):
    """What a payment pays."""

    model = Allocation
    fk_name = "payment"
    ordering = ("pk",)
    fields = ("paid", "worth")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("invoice")

    @admin.display(description=gettext_lazy("invoice"))
    def paid(self, allocation: Allocation) -> str:
        url = reverse("admin:billing_invoice_change", args=[allocation.invoice_id])
        return format_html('<a href="{}">{}</a>', url, allocation.invoice.number)

    @admin.display(description=gettext_lazy("amount"))
    def worth(self, allocation: Allocation) -> str:
        return money(allocation.amount, get_language())


@admin.register(Invoice)
class InvoiceAdmin(MerchantScopedAdmin):
    list_display = ("number", "kind", "of", "issued_on_iso", "due_on_iso", "worth", "due", "state")
    list_filter = (KindFilter, StatusFilter, PdfFilter, ("issued_on", PeriodFilter))
    followed = MerchantScopedAdmin.followed | {"customer__id__exact"}
    ordering = ("-pk",)  # the order of entry: the primary key serves any page of a million documents
    sortable_by = ()
    search_fields = ("number",)
    search_help_text = gettext_lazy("Invoice, order or customer number")
    inlines = (LineInline,)
    fieldsets = (
        (None, {"fields": ("number", "kind", "of", "state", "corrects", "issued_on_iso", "due_on_iso", "pdfs")}),
        (gettext_lazy("Billed to"), {"fields": ("bill_to_name", "bill_to_address")}),
        (
            gettext_lazy("Work"),
            {
                "fields": (
                    "counter",
                    "adviser",
                    "po_number",
                    "project",
                    "requisition_number",
                    "site_address",
                    "requested_by",
                )
            },
        ),
        (
            gettext_lazy("Amounts"),
            {"fields": ("before_taxes", "gst_amount", "qst_amount", "worth", "settled", "due")},
        ),
    )
    readonly_fields = (
        *("number", "kind", "of", "state", "corrects", "issued_on_iso", "due_on_iso", "pdfs", "bill_to_name"),
        *("bill_to_address", "counter", "adviser", "po_number", "project", "requisition_number", "site_address"),
        *("requested_by", "before_taxes", "gst_amount", "qst_amount", "worth", "settled", "due"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "branch", "corrects")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        number = Q(number__startswith=term) | Q(number__startswith=term.upper())
        return first_found(queryset, number, Q(customer__number=term), Q(po_number=term)), False

    of = admin.display(description=gettext_lazy("customer"))(lambda self, invoice: customer_link(invoice))

    @admin.display(description=gettext_lazy("date"))
    def issued_on_iso(self, invoice: Invoice) -> str:
        return iso_date(invoice.issued_on)

    @admin.display(description=gettext_lazy("branch"))
    def counter(self, invoice: Invoice) -> str:
        return str(invoice.branch or "–")

    @admin.display(description=gettext_lazy("due date"))
    def due_on_iso(self, invoice: Invoice) -> str:
        return iso_date(invoice.due_on)

    @admin.display(description=gettext_lazy("total"))
    def worth(self, invoice: Invoice) -> str:
        return money(invoice.signed_total, get_language())

    @admin.display(description=gettext_lazy("balance"))
    def due(self, invoice: Invoice) -> str:
        return money(invoice.balance, get_language())

    @admin.display(description=gettext_lazy("status"))
    def state(self, invoice: Invoice) -> str:
        return format_html('<span class="status" data-is="{}">{}</span>', invoice.status.value, invoice.status.label)

    @admin.display(description=gettext_lazy("subtotal"))
    def before_taxes(self, invoice: Invoice) -> str:
        return money(invoice.subtotal, get_language())

    @admin.display(description=gettext_lazy("GST"))
    def gst_amount(self, invoice: Invoice) -> str:
        return money(invoice.gst, get_language())

    @admin.display(description=gettext_lazy("QST"))
    def qst_amount(self, invoice: Invoice) -> str:
        return money(invoice.qst, get_language())

    @admin.display(description=gettext_lazy("settled"))
    def settled(self, invoice: Invoice) -> str:
        return money(invoice.settled_amount, get_language())

    @admin.display(description=gettext_lazy("PDF"))
    def pdfs(self, invoice: Invoice) -> str:
        """For each language: the file, or what keeps it from being made, and making it."""
        made = {pdf.language: pdf for pdf in invoice.pdfs.all()}
        lines = [self._pdf_line(invoice, language, made.get(language.value)) for language in Language]
        return format_html(
            '<ul class="plain">{}</ul>', format_html_join("", "<li>{}</li>", ((line,) for line in lines))
        )

    def _pdf_line(self, invoice: Invoice, language: Language, pdf: InvoicePdf | None) -> str:
        url = self.address("pdf", invoice.pk, language.value)
        if pdf is not None and pdf.rendered_at:
            size = file_size(pdf.size, get_language())
            return format_html('<a href="{}">{}</a> · {} · {}', url, language.label, size, iso_date(pdf.rendered_at))
        make = format_html('<a href="{}">{}</a>', self.address("make", invoice.pk, language.value), _("Make it now…"))
        if pdf is None:
            return format_html("{} · {} · {}", language.label, _("not asked for yet"), make)
        if pdf.last_error:
            failed = ngettext(
                "could not be made, %(count)s attempt: %(error)s",
                "could not be made, %(count)s attempts: %(error)s",
                pdf.attempts,
            ) % {
                "count": pdf.attempts,
                "error": pdf.last_error.strip().splitlines()[-1][:200],
            }
            return format_html('{} · <span class="bad">{}</span> · {}', language.label, failed, make)
        return format_html("{} · {} · {}", language.label, _("being made"), make)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<path:object_id>/pdf/<slug:language>/", view(self.pdf), name=f"{name}_pdf"),
            path("<path:object_id>/pdf/<slug:language>/make/", view(self.make), name=f"{name}_make"),
            *super().get_urls(),
        ]

    def pdf(self, request: HttpRequest, object_id: str, language: str) -> FileResponse:
        """The stored file, to an agent of the merchant."""
        invoice = self.find(request, object_id)
        made = invoice.pdfs.filter(language=language, rendered_at__isnull=False).first()
        if made is None:
            raise Http404
        return FileResponse(made.file.open("rb"), filename=f"{invoice.number}.pdf", content_type="application/pdf")

    def make(self, request: HttpRequest, object_id: str, language: str) -> HttpResponse:
        """Ask for the file, or for another try; a file that is made is never made again."""
        invoice = self.find(request, object_id)
        if language not in Language:
            raise Http404
        back = self.address("change", invoice.pk)
        if request.method == "POST":
            request_pdf(invoice=invoice, language=language)
            self.message_user(request, _("The PDF is being made: it is here within a minute."), messages.SUCCESS)
            return see_other(back)
        return self.act_page(
            request,
            title=_("Make the PDF of %(number)s") % {"number": invoice.number},
            lead=[_("The file is made once, then kept; a file that could not be made is tried again now.")],
            facts=[(_("Language"), str(Language(language).label))],
            submit=_("Make the PDF"),
            back=back,
        )


@admin.register(Payment)
class PaymentAdmin(MerchantScopedAdmin):
    list_display = ("number", "of", "received", "method", "worth", "rest", "reference")
    list_filter = (("received_on", PeriodFilter),)
    followed = MerchantScopedAdmin.followed | {"customer__id__exact"}
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("number",)
    search_help_text = gettext_lazy("Payment, reference or customer number")
    inlines = (AllocationInline,)
    fields = ("number", "of", "received", "method", "reference", "worth", "rest")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        clues = (Q(number__startswith=term), Q(customer__number=term), Q(reference=term))
        return first_found(queryset, *clues), False

    of = admin.display(description=gettext_lazy("customer"))(lambda self, payment: customer_link(payment))

    @admin.display(description=gettext_lazy("received"))
    def received(self, payment: Payment) -> str:
        return iso_date(payment.received_on)

    @admin.display(description=gettext_lazy("amount"))
    def worth(self, payment: Payment) -> str:
        return money(payment.amount, get_language())

    @admin.display(description=gettext_lazy("left on account"))
    def rest(self, payment: Payment) -> str:
        return money(payment.amount - payment.allocated_amount, get_language())
