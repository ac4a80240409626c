"""The newsletter app: topics, consents, campaigns."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NewsletterConfig(AppConfig):
    name = "newsletter"
    verbose_name = _("Newsletter")

    def ready(self) -> None:
        from anymail.signals import inbound, tracking  # noqa: PLC0415 - what listens needs the models to be loaded

        from newsletter import hooks  # noqa: PLC0415 - same

        tracking.connect(hooks.event_told)
        inbound.connect(hooks.answer_received)
