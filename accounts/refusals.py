"""What a rule answers when it says no. Each refusal is named beside the service that raises it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """A rule said no; `str()` is the sentence for the person, in the language of the moment it is read."""

    sentence: str | Promise = _("This cannot be done.")

    def __init__(self, **words: object) -> None:
        super().__init__()
        self.words = words

    def __str__(self) -> str:
        return str(self.sentence) % self.words if self.words else str(self.sentence)
