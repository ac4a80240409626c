"""The legal identity of a business or member customer, as last decided."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer
from organizations.models.merchants import Address


class Identity(Address):
    """Who a company says it is; its address is for information, never a reason to refuse."""

    legal_name = models.CharField(_("legal name"), max_length=200, help_text=_("As the company declares it."))
    neq = models.CharField("NEQ", max_length=10, blank=True, help_text=_("Ten digits."))
    administrator_name = models.CharField(_("administrator"), max_length=160, blank=True)

    class Meta:
        abstract = True


class Organization(Identity):
    """What the last decision left: verified, its name is on new invoices; refused, a person's is."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="organization")
    verification = models.ForeignKey(
        "organizations.Verification", on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    verified_at = models.DateTimeField(
        _("verified"), null=True, blank=True, help_text=_("From then on its legal name is what new invoices show.")
    )
    refused_at = models.DateTimeField(
        _("refused"), null=True, blank=True, help_text=_("From then on new invoices show the name of a person.")
    )
    person_name = models.CharField(
        _("person on invoices"), max_length=200, blank=True, help_text=_("Set when it is refused; empty before.")
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_at=None) | Q(refused_at=None), name="organization_verified_or_refused"
            ),
            models.CheckConstraint(
                condition=Q(refused_at=None, person_name="") | (Q(refused_at__isnull=False) & ~Q(person_name="")),
                name="organization_refusal_names_a_person",
            ),
        ]
        indexes = [
            models.Index(fields=["neq"], condition=Q(verified_at__isnull=False), name="organization_watched"),
        ]

    def __str__(self) -> str:
        return self.legal_name

    @property
    def name_on_documents(self) -> str:
        """The name that new invoices bear; empty: nothing was decided, they bear the one in the books."""
        return self.legal_name if self.verified_at is not None else self.person_name
