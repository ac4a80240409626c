"""What is typed about other companies and about a refusal: the number of a subsidiary, a question. Shapes only."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from organizations.forms.ways_in import OneLineField


class SubsidiaryForm(forms.Form):
    """The number of a company one says is a subsidiary."""

    customer_number = OneLineField(
        label=_("Customer number of the subsidiary"),
        max_length=40,
        help_text=_("It is at the top of each of its invoices."),
    )
    message = forms.CharField(
        label=_("What the agent should know"),
        max_length=500,
        required=False,
        help_text=_("Since when it is yours, for instance, and who can confirm it there."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class CaseForm(forms.Form):
    """What one adds to the question."""

    message = forms.CharField(
        label=_("What we should know"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
