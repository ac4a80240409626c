"""The forms of the page to sign, and of the page that recognises a file: shape only."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from signatures.wordings import CURRENT

SIX_DIGITS = re.compile(r"\d{6}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")


class CodeForm(forms.Form):
    """In which of the languages received the document is to be signed."""

    language = forms.ChoiceField(
        label=_("I sign the document"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the language in which you sign.")},
    )

    def __init__(self, data: Any = None, *, received: set[str], chosen: str) -> None:
        super().__init__(data, initial={"language": chosen})
        labels = [
            (Language.FRENCH.value, _("in French")),
            (Language.ENGLISH.value, _("in English: I have seen the French one, and expressly choose English")),
        ]
        choices = [choice for choice in labels if choice[0] in received] or labels[:1]
        language = cast("forms.ChoiceField", self.fields["language"])
        language.choices = choices
        if len(choices) == 1:
            language.widget = forms.HiddenInput()
            self.initial["language"] = choices[0][0]


class SignForm(forms.Form):
    """The express act: what is agreed to, and the code."""

    agreed = forms.BooleanField(
        label=_("My agreement"), error_messages={"required": _("Tick the box to say that you agree.")}
    )
    code = forms.CharField(
        label=_("Six-digit code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    consent = forms.CharField(widget=forms.HiddenInput, max_length=20, initial=CURRENT)

    def clean_code(self) -> str:
        """The six digits, whatever stands between them: a slip of the finger costs no try."""
        digits = re.sub(r"[\s\u00a0-]", "", self.cleaned_data["code"])
        if not SIX_DIGITS.fullmatch(digits):
            raise forms.ValidationError(_("The code is made of six digits."))
        return digits


class DeclineForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Whoever asks for the signature reads it."),
    )


class FileForm(forms.Form):
    """The fingerprint of a file. The file itself is never sent: it has no field here."""

    sha256 = forms.CharField(
        label=_("Fingerprint (SHA-256)"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_sha256(self) -> str:
        """Sixty-four hexadecimal digits, as any tool writes them: in capitals, in groups, or before the file's name."""
        typed = self.cleaned_data["sha256"].strip().lower()
        for candidate in (re.sub(r"[\s\u00a0:]", "", typed), *typed.split()[:1]):
            if SHA256.fullmatch(candidate):
                return candidate
        raise forms.ValidationError(_("A SHA-256 fingerprint is made of 64 characters, from 0 to 9 and a to f."))
