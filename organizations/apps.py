"""The organizations app: merchants, customers, members."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from allauth.account import signals  # noqa: PLC0415 - allauth's models need the apps to be loaded

        from accounts.signals import profile_closing  # noqa: PLC0415 - same
        from organizations import listeners  # noqa: PLC0415 - same
        from signatures import signals as signed  # noqa: PLC0415 - same

        signals.email_confirmed.connect(listeners.address_confirmed)
        signals.email_changed.connect(listeners.address_changed)
        signals.user_logged_in.connect(listeners.signed_in)
        profile_closing.connect(listeners.profile_closing)
        signed.signed.connect(listeners.mandate_signed)
        signed.declined.connect(listeners.mandate_declined)
