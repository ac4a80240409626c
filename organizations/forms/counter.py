"""What an agent types at a counter: whom they mean, what they do about them. Shapes only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from organizations.forms.ways_in import INVALID_AMOUNT, AmountField
from organizations.models import CounterDecision, Customer, Membership


class AskedForm(forms.Form):
    """What an agent types at the counter: whom they mean, and for how much."""

    q = forms.CharField(label=_("Name, company, phone, number or card"), max_length=100, required=False)
    amount = AmountField(
        label=_("Amount"),
        max_digits=12,
        decimal_places=2,
        required=False,
        min_value=Decimal(0),
        error_messages={"invalid": INVALID_AMOUNT},
    )
    company = forms.SlugField(max_length=12, required=False)
    person = forms.IntegerField(min_value=1, max_value=2**62, required=False)


class DecisionForm(forms.Form):
    """What an agent does about one person."""

    person = forms.IntegerField(min_value=1, max_value=2**62)
    act = forms.ChoiceField(choices=CounterDecision.Act)
    amount = AmountField(
        label=_("Amount of the transaction"),
        help_text=_("Taxes included."),
        max_digits=12,
        decimal_places=2,
        required=False,
        min_value=Decimal(0),
        error_messages={"invalid": INVALID_AMOUNT},
    )
    purchase_order = forms.CharField(label=_("Purchase order"), max_length=60, required=False)
    seen = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)


class UnlistedForm(forms.Form):
    company = forms.SlugField(max_length=12)
    name = forms.CharField(label=_("Name of the person"), max_length=200)


class PinForm(forms.Form):
    code = forms.CharField(max_length=60)
    pin = forms.RegexField(
        r"^\d{6}$",
        label=_("PIN of the card"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 6}),
        error_messages={"invalid": _("The PIN has six digits.")},
    )


class HeirField(forms.ModelChoiceField):
    company: Customer

    def label_from_instance(self, obj: Membership) -> str:
        """Of the parent company, with its name."""
        return str(obj.user) if obj.customer_id == self.company.pk else f"{obj.user} · {obj.customer.name}"


class DepartureForm(forms.Form):
    """Who takes over what somebody leaves open."""

    successor = HeirField(
        Membership.objects.none(),
        label=_("Who takes over"),
        required=False,
        empty_label=_("Nobody: nothing is open"),
        help_text=_("Somebody who manages access today; we write to them."),
    )

    def __init__(self, *args: Any, heirs: QuerySet[Membership], company: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        successor = cast(HeirField, self.fields["successor"])
        successor.company, successor.queryset = company, heirs.order_by("pk")


class ListForm(forms.Form):
    """An offline list to check: the file as it was downloaded."""

    file = forms.FileField(label=_("The list, as downloaded"), max_length=200)
