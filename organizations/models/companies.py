"""The legal identity of a business or member customer."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer


class Organization(models.Model):
    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="organization")
    legal_name = models.CharField(_("legal name"), max_length=200, help_text=_("As the company declares it."))
    neq = models.CharField("NEQ", max_length=10, blank=True)
    administrator_name = models.CharField(_("administrator"), max_length=160, blank=True)
    verified_at = models.DateTimeField(
        _("verified"), null=True, blank=True, help_text=_("From then on its legal name is what new invoices show.")
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")

    def __str__(self) -> str:
        return self.legal_name
