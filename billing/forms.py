"""What a person may ask of the list of documents: shape only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models import Invoice
from billing.queries import OPEN, Filters

LONGEST = 100  # characters
STATUSES = [
    (OPEN, _("Unpaid")),
    (Invoice.Status.OVERDUE.value, _("Overdue")),
    (Invoice.Status.DUE.value, _("Due")),
    (Invoice.Status.PART.value, _("Partly paid")),
    (Invoice.Status.PAID.value, _("Paid")),
    (Invoice.Status.CREDIT.value, _("Credit")),
]


class InvoiceFilterForm(forms.Form):
    q = forms.CharField(required=False, max_length=LONGEST, label=pgettext_lazy("filter", "Search"))
    status = forms.ChoiceField(required=False, choices=[("", ""), *STATUSES], label=_("Status"))
    since = forms.DateField(
        label=pgettext_lazy("dates", "From"),
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("This is not a date. Write it as 2026-11-22.")},
    )
    until = forms.DateField(
        label=pgettext_lazy("dates", "To"),
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("This is not a date. Write it as 2026-11-22.")},
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day comes before the first."))
        return given

    @property
    def typed(self) -> str:
        """The search as typed, to be shown again even where it was not understood."""
        return str(self.data.get("q", "")).replace("\0", "").strip()

    @property
    def mistakes(self) -> list[tuple[str, str, str]]:
        """Each field that was not understood: its name, its label, what is wrong."""
        return [(name, str(self.fields[name].label), str(errors[0])) for name, errors in self.errors.items()]

    @property
    def filters(self) -> Filters:
        """What was understood; a field with an error filters nothing."""
        given = self.cleaned_data if self.is_bound and (self.is_valid() or self.errors) else {}
        return Filters(
            text=given.get("q", ""),
            status=given.get("status", ""),
            since=given.get("since"),
            until=given.get("until"),
        )
