"""The signatures app: a document, a person who signs it, the evidence and the sealed file."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignaturesConfig(AppConfig):
    name = "signatures"
    verbose_name = _("Signatures")

    def ready(self) -> None:
        from signatures import verify  # noqa: PLC0415 - models need the apps to be loaded

        verify.register(verify.sealed_file)
        verify.register(verify.unsigned_document)
