"""The billing app: invoices, payments, PDF."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from billing import copies  # noqa: PLC0415 - models need the apps to be loaded
        from signatures import verify  # noqa: PLC0415 - same

        verify.register(copies.stored_pdf)
