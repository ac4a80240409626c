"""The PDF of a document in one language: owed from the moment somebody needs it, made once, then kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from billing.models.invoices import Invoice


class InvoicePdfQuerySet(models.QuerySet["InvoicePdf"]):
    def owed(self) -> InvoicePdfQuerySet:
        """Asked for, not made yet, and due for a (new) try."""
        return self.filter(rendered_at=None, due_at__lte=timezone.now())


class InvoicePdf(models.Model):
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="pdfs")
    language = models.CharField(_("language"), max_length=5, choices=Language)
    file = models.FileField(_("file"), max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("Of the file, in hexadecimal."))
    size = models.PositiveIntegerField(_("size"), default=0, help_text=_("Bytes."))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    requested_at = models.DateTimeField(_("asked for"), default=timezone.now, editable=False)
    rendered_at = models.DateTimeField(_("made"), null=True, blank=True)

    objects = InvoicePdfQuerySet.as_manager()

    class Meta:
        verbose_name = _("PDF")
        verbose_name_plural = _("PDF")
        constraints = [
            models.UniqueConstraint(fields=["invoice", "language"], name="invoice_pdf_once_a_language"),
            models.CheckConstraint(
                condition=Q(rendered_at=None, file="", sha256="")
                | (Q(rendered_at__isnull=False) & ~Q(file="") & ~Q(sha256="")),
                name="invoice_pdf_made_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(rendered_at=None), name="invoice_pdf_owed"),
            models.Index(fields=["sha256"], condition=~Q(sha256=""), name="invoice_pdf_recognised"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} ({self.language})"
