"""Money received, and what it pays. Nothing here is ever rewritten: a mistake is corrected by a new row."""

from __future__ import annotations

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.invoices import Invoice
from organizations.models import Customer, Merchant


class Payment(models.Model):
    class Method(models.TextChoices):
        TRANSFER = "transfer", _("Transfer")
        CHEQUE = "cheque", _("Cheque")
        CARD = "card", _("Credit card")
        DEBIT = "debit", _("Debit card")
        CASH = "cash", _("Cash")
        PREAUTHORIZED = "preauthorized", _("Pre-authorized debit")
        OTHER = "other", _("Other")

    # Without an index of their own: others begin with them.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments", db_index=False)
    number = models.CharField(_("number"), max_length=40)
    received_on = models.DateField(_("received"))
    method = models.CharField(_("method"), max_length=13, choices=Method)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, help_text=_("CAD."))
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    allocated_amount = models.DecimalField(
        _("allocated"),
        max_digits=12,
        decimal_places=2,
        default=Decimal(0),
        help_text=_("CAD: the sum of its allocations, kept by the database; the rest is a credit on the account."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="payment_number_unique"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(allocated_amount__gte=0, allocated_amount__lte=F("amount")),
                name="payment_not_allocated_beyond_amount",
            ),
        ]
        indexes = [models.Index(fields=["customer", "-received_on", "-id"], name="payment_list")]
        triggers = [
            pgtrigger.ReadOnly(name="received_is_final", exclude=["allocated_amount"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            # Allocations that come before their payment, as an import sends them, are in its sum from the start.
            pgtrigger.Trigger(
                name="begins_with_its_sum",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF (
                        SELECT count(*)
                        FROM (SELECT id, max(allocated_amount) AS said FROM added GROUP BY id) AS p
                        CROSS JOIN LATERAL (
                            SELECT coalesce(sum(a.amount), 0) AS amount FROM billing_allocation a
                            WHERE a.payment_id = p.id
                        ) AS s
                        WHERE p.said <> s.amount
                    ) > 0 THEN
                        RAISE EXCEPTION 'the allocated amount is the sum of the allocations'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Allocation(models.Model):
    """A part of a payment, or of a credit note, that pays one invoice."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations")
    # Both documents are found by the trigger below, once a statement, or nothing enters; they are never deleted.
    credit_note = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations_made", db_constraint=False
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="allocations", db_constraint=False)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, help_text=_("CAD."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_amount_positive"),
            models.CheckConstraint(
                condition=Q(payment=None, credit_note__isnull=False) | Q(payment__isnull=False, credit_note=None),
                name="allocation_one_source",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="keeps_the_sums",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("found", "bigint"), ("wanted", "bigint")],
                func="""
                    UPDATE billing_invoice i SET settled_amount = i.settled_amount + s.amount
                    FROM (
                        SELECT document, sum(amount) AS amount
                        FROM (
                            SELECT invoice_id AS document, amount FROM added
                            UNION ALL
                            SELECT credit_note_id, amount FROM added WHERE credit_note_id IS NOT NULL
                        ) AS touched
                        GROUP BY document
                    ) AS s
                    WHERE i.id = s.document;
                    GET DIAGNOSTICS found = ROW_COUNT;
                    SELECT count(*) INTO wanted
                    FROM (SELECT invoice_id FROM added UNION SELECT credit_note_id FROM added) AS d
                    WHERE invoice_id IS NOT NULL;
                    IF found < wanted THEN
                        RAISE EXCEPTION 'an allocation is to a document' USING ERRCODE = 'foreign_key_violation';
                    END IF;
                    UPDATE billing_payment p SET allocated_amount = p.allocated_amount + s.amount
                    FROM (
                        SELECT payment_id, sum(amount) AS amount FROM added
                        WHERE payment_id IS NOT NULL GROUP BY payment_id
                    ) AS s
                    WHERE p.id = s.payment_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} → {self.invoice_id}"
