"""Invoices and credit notes. Every row here is issued: the database refuses to change it afterwards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models import Branch, Customer, Merchant


class Letterhead(models.Model):
    """The supplier as printed on documents; a change of address or tax number makes a new one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="letterheads")
    name = models.CharField(max_length=120)
    legal_name = models.CharField(max_length=200)
    address = models.TextField(help_text=_("One line of the envelope a line."))
    phone = models.CharField(max_length=40, blank=True)
    phone_extension = models.CharField(max_length=10, blank=True)
    email = models.EmailField(blank=True)
    website = models.URLField(blank=True)
    gst_number = models.CharField(max_length=20)
    qst_number = models.CharField(max_length=20)

    class Meta:
        verbose_name = _("letterhead")
        verbose_name_plural = _("letterheads")
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.legal_name


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def newest_first(self) -> InvoiceQuerySet:
        return self.order_by("-issued_on", "-pk")

    def open(self) -> InvoiceQuerySet:
        """Not settled: an invoice still to pay, a credit still to use."""
        return self.filter(settled_amount__lt=F("total"))

    def receivable(self) -> InvoiceQuerySet:
        return self.open().filter(kind=Invoice.Kind.INVOICE)

    def overdue(self, *, on: date | None = None) -> InvoiceQuerySet:
        return self.receivable().filter(due_on__lt=on or timezone.localdate())


class Invoice(models.Model):
    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    class Status(models.TextChoices):
        """Never stored: follows from the kind, the amounts and today's date."""

        DUE = "due", _("Due")
        OVERDUE = "overdue", _("Overdue")
        PART = "part", _("Partly paid")
        PAID = "paid", _("Paid")
        CREDIT = "credit", _("Credit")

    # Keys without an index of their own: another index begins with them, or nothing is ever looked up by them.
    # The trigger below asks once a statement for the letterhead, which is never deleted, nor its merchant then.
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices", db_index=False)
    letterhead = models.ForeignKey(
        Letterhead, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(_("kind"), max_length=11, choices=Kind)
    number = models.CharField(_("number"), max_length=40)
    corrects = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_notes",
        verbose_name=_("corrects"),
        db_index=False,
    )
    issued_on = models.DateField(_("date"))
    due_on = models.DateField(_("due date"))
    bill_to_name = models.CharField(_("billed to"), max_length=200, help_text=_("Fixed at issue."))
    bill_to_address = models.TextField(_("address"), blank=True, help_text=_("Fixed at issue."))
    branch = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    adviser = models.CharField(_("adviser"), max_length=120, blank=True)
    po_number = models.CharField(_("purchase order"), max_length=60, blank=True)
    project = models.CharField(_("project"), max_length=120, blank=True)
    requisition_number = models.CharField(_("requisition"), max_length=60, blank=True)
    site_address = models.CharField(_("site"), max_length=300, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=160, blank=True)
    line_count = models.PositiveIntegerField(help_text=_("No line can be added beyond it."))
    # Every amount is positive, in CAD, fixed at issue; the kind says which way it goes.
    subtotal = models.DecimalField(_("subtotal"), max_digits=12, decimal_places=2, help_text=_("CAD, before taxes."))
    taxable_subtotal = models.DecimalField(max_digits=12, decimal_places=2, help_text=_("CAD, what is taxed."))
    gst = models.DecimalField(_("GST"), max_digits=12, decimal_places=2, help_text=_("CAD."))
    qst = models.DecimalField(_("QST"), max_digits=12, decimal_places=2, help_text=_("CAD."))
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2, help_text=_("CAD, taxes included."))
    settled_amount = models.DecimalField(
        _("settled"),
        max_digits=12,
        decimal_places=2,
        default=Decimal(0),
        help_text=_("CAD, paid or used: the sum of its allocations, kept by the database."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices and credit notes")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="invoice_number_unique"),
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, gst__gte=0, qst__gte=0, total__gte=0, taxable_subtotal__gte=0),
                name="invoice_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") + F("gst") + F("qst")), name="invoice_total_is_the_sum"
            ),
            models.CheckConstraint(
                condition=Q(settled_amount__gte=0, settled_amount__lte=F("total")),
                name="invoice_not_settled_beyond_total",
            ),
            models.CheckConstraint(condition=Q(due_on__gte=F("issued_on")), name="invoice_due_after_issue"),
            models.CheckConstraint(
                condition=Q(corrects=None) | Q(kind="credit_note"), name="invoice_only_credit_notes_correct"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-issued_on", "-id"], name="invoice_list"),
            models.Index(
                fields=["customer", "due_on", "id"], condition=Q(settled_amount__lt=F("total")), name="invoice_open"
            ),
            models.Index(fields=["corrects"], condition=Q(corrects__isnull=False), name="invoice_corrected"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="issued_is_final", exclude=["settled_amount"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="of_one_merchant",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF (
                        SELECT count(*)
                        FROM (SELECT DISTINCT merchant_id, customer_id, letterhead_id FROM added) AS a
                        LEFT JOIN organizations_customer c ON c.id = a.customer_id
                        LEFT JOIN billing_letterhead l ON l.id = a.letterhead_id
                        WHERE c.merchant_id <> a.merchant_id OR l.merchant_id IS DISTINCT FROM a.merchant_id
                    ) > 0 THEN
                        RAISE EXCEPTION 'a document, its customer and its letterhead are of one merchant'
                            USING ERRCODE = 'foreign_key_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:invoice-detail", args=[self.customer.public_id, self.number])

    @property
    def sign(self) -> int:
        return -1 if self.kind == self.Kind.CREDIT_NOTE else 1

    @property
    def balance(self) -> Decimal:
        """CAD still to pay, negative for a credit still to use."""
        return self.sign * (self.total - self.settled_amount)

    @property
    def signed_total(self) -> Decimal:
        return self.sign * self.total

    @property
    def status(self) -> Invoice.Status:
        return status_of(
            kind=self.kind,
            total=self.total,
            settled_amount=self.settled_amount,
            due_on=self.due_on,
            today=timezone.localdate(),
        )


def status_of(*, kind: str, total: Decimal, settled_amount: Decimal, due_on: date, today: date) -> Invoice.Status:
    """What follows, on a day, from the kind and the amounts of a document."""
    if kind == Invoice.Kind.CREDIT_NOTE:
        return Invoice.Status.CREDIT
    if settled_amount >= total:
        return Invoice.Status.PAID
    if due_on < today:
        return Invoice.Status.OVERDUE
    return Invoice.Status.PART if settled_amount else Invoice.Status.DUE


class InvoiceLine(models.Model):
    class TaxCode(models.TextChoices):
        STANDARD = "standard", _("Taxable")
        EXEMPT = "exempt", _("Exempt")
        ZERO = "zero", _("Zero-rated")

    # The trigger below asks once a statement, not once a line, whether the document is there; it is never deleted.
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField(help_text=_("1 for the first; unbroken."))
    sku = models.CharField(_("item"), max_length=60, blank=True)
    description = models.CharField(_("description"), max_length=300)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=20)
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=4, help_text=_("CAD."))
    discount_percent = models.DecimalField(_("discount"), max_digits=5, decimal_places=2, default=Decimal(0))
    tax_code = models.CharField(_("tax"), max_length=8, choices=TaxCode)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, help_text=_("CAD, before taxes."))

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position_unique"),
            models.CheckConstraint(condition=Q(position__gte=1), name="invoice_line_position_from_one"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, unit_price__gte=0, amount__gte=0), name="invoice_line_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100), name="invoice_line_discount_a_share"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="none_after_issue",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("orphans", "bigint"), ("beyond", "bigint")],
                func="""
                    -- Grouped, so that the planner looks each document up by its key.
                    SELECT count(*) FILTER (WHERE i.id IS NULL), count(*) FILTER (WHERE a.last > i.line_count)
                    INTO orphans, beyond
                    FROM (SELECT invoice_id, max(position) AS last FROM added GROUP BY invoice_id) AS a
                    LEFT JOIN billing_invoice i ON i.id = a.invoice_id;
                    IF orphans > 0 THEN
                        RAISE EXCEPTION 'a line belongs to a document' USING ERRCODE = 'foreign_key_violation';
                    END IF;
                    IF beyond > 0 THEN
                        RAISE EXCEPTION 'an issued document takes no more lines' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.description}"
