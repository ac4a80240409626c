"""What an agent types to decide on a company: reasons, words, and what the public register shows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models import Verification

LARGEST = 5_000_000  # bytes of a capture
# How each kind of file begins, and what it is served as.
BEGINNINGS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"%PDF-": ".pdf"}


class WordsForm(forms.Form):
    """A question to the company, or why it stays verified."""

    words = forms.CharField(
        label=_("In your words"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The company reads it, by e-mail and on its page."),
    )


class KeepForm(WordsForm):
    words = forms.CharField(
        label=_("Why it stays verified"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the history, with your name."),
    )


class WithdrawalForm(WordsForm):
    """Why what was verified no longer is: at least one reason, and words."""

    field_order = ("reasons", "words")
    reasons = forms.MultipleChoiceField(
        label=_("Reasons"),
        choices=Verification.Reason.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class RefusalForm(WithdrawalForm):
    """A refusal, where the reasons may say it all, and whether what was verified before goes too."""

    withdraws = forms.BooleanField(
        label=_("Also withdraw the identity verified before"),
        required=False,
        help_text=_("Invoices then bear the name of a person. Unticked, that identity stays in force."),
    )

    def __init__(self, *args: Any, has_verified: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].required = False
        if not has_verified:
            del self.fields["withdraws"]


class ObservationForm(forms.Form):
    """What the public register shows of one fact, on which day, with a capture if there is one."""

    fact = forms.ChoiceField(label=_("About"), choices=Verification.Fact.choices)
    seen = forms.CharField(
        label=_("What the public register shows"), max_length=500, help_text=_("The company reads it on its page.")
    )
    verdict = forms.ChoiceField(
        label=_("Compared with what is declared"),
        choices=[choice for choice in Verification.Verdict.choices if choice[0] in {"matches", "differs"}],
        widget=forms.RadioSelect,
    )
    seen_on = forms.DateField(label=_("Seen on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    capture = forms.FileField(
        label=_("Capture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,.pdf"}),
        help_text=_("PNG, JPEG or PDF, 5 MB at most."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_on"].initial = timezone.localdate

    def clean_capture(self) -> UploadedFile | None:
        """Named by what it is: the name on the agent's machine says nothing sure."""
        capture: UploadedFile | None = self.cleaned_data["capture"]
        if capture is None:
            return None
        if (capture.size or 0) > LARGEST:
            raise forms.ValidationError(_("This file is over 5 MB: crop it, or save it smaller."))
        beginning = capture.read(8)
        capture.seek(0)
        suffix = next((suffix for start, suffix in BEGINNINGS.items() if beginning.startswith(start)), None)
        if suffix is None:
            raise forms.ValidationError(_("This file is no PNG, JPEG or PDF."))
        capture.name = f"capture{suffix}"
        return capture
