"""What administrators type of their team, and what people ask of a company: shapes only, nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from accounts.addresses import validate_address
from accounts.forms import INVALID_PHONE
from accounts.models import normalize_email
from organizations.forms.ways_in import AmountField
from organizations.models import Branch, Customer, Merchant, MerchantQuerySet
from organizations.permissions import NEEDING_PROOF, Permission, Role
from organizations.terms import Wish

PROOF_LARGEST = 10_000_000  # bytes
PROOF_BEGINNINGS = {b"%PDF-": ".pdf", b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}
INVITED_AT_ONCE = 100


class AccessForm(forms.Form):
    """What a person may do and within which edges; the permissions are drawn one by one by the page."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    granted = forms.MultipleChoiceField(
        label=_("Beyond the role"),
        required=False,
        choices=Permission.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    proof = forms.FileField(
        label=_("Proof of authority"),
        required=False,
        help_text=_("PDF, JPEG or PNG, 10 MB at most: a resolution, a power of attorney. We look at it."),
    )
    starts_on = forms.DateField(label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    ceiling = AmountField(
        label=_("Most for one transaction"),
        max_digits=12,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        help_text=_("In dollars, taxes included. Empty: no limit. 0: nothing can be rented nor ordered."),
        error_messages={"invalid": _("Write an amount such as 1 234,56 or 1,234.56.")},
    )
    requires_purchase_order = forms.BooleanField(label=_("A purchase order is compulsory"), required=False)
    branches = forms.ModelMultipleChoiceField(
        Branch.objects.none(),
        label=_("Branches"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them."),
    )

    def __init__(
        self,
        *args: Any,
        customer: Customer,
        roles: Collection[str] = Role.values,
        proved: frozenset[Permission] = frozenset(),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.customer, self.proved = customer, proved
        role = cast(forms.ChoiceField, self.fields["role"])
        role.choices = [(value, label) for value, label in Role.choices if value in roles]
        branches = cast(forms.ModelMultipleChoiceField, self.fields["branches"])
        branches.queryset = customer.merchant.branches.order_by("name", "pk")

    def clean_granted(self) -> frozenset[Permission]:
        chosen = frozenset(Permission(code) for code in self.cleaned_data["granted"])
        useless = [permission for permission in chosen if not permission.is_available(self.customer.features)]
        if useless:
            words = {"permission": useless[0].label, "needs": useless[0].needs}
            raise forms.ValidationError(_("“%(permission)s” needs %(needs)s, which you do not have."), params=words)
        return chosen

    def clean_proof(self) -> UploadedFile | None:
        proof: UploadedFile | None = self.cleaned_data["proof"]
        if proof is None:
            return None
        if (proof.size or 0) > PROOF_LARGEST:
            raise forms.ValidationError(_("This file is larger than 10 MB."))
        beginning = proof.read(8)
        proof.seek(0)
        kind = next((suffix for start, suffix in PROOF_BEGINNINGS.items() if beginning.startswith(start)), None)
        if kind is None:
            raise forms.ValidationError(_("This file is neither a PDF, nor a JPEG, nor a PNG."))
        proof.name = f"proof{kind}"
        return proof

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", _("The last day comes before the first."))
        elif ends_on and ends_on < timezone.localdate():
            self.add_error("ends_on", _("The last day is past already."))
        needing = sorted(cleaned.get("granted", frozenset()) & NEEDING_PROOF - self.proved)
        if needing and not cleaned.get("proof") and "proof" not in self.errors:
            self.add_error("proof", _("“%(permission)s” needs it.") % {"permission": needing[0].label})
        return cleaned

    @property
    def wish(self) -> Wish:
        """What was asked for; of a valid form."""
        given = self.cleaned_data
        return Wish(
            role=given["role"],
            granted=given["granted"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            ceiling=given["ceiling"],
            requires_purchase_order=given["requires_purchase_order"],
            branches=frozenset(branch.pk for branch in given["branches"]),
        )


class InviteForm(AccessForm):
    """Whom to invite: addresses, one a line, with or without a name; or somebody known at the counter only."""

    people = forms.CharField(
        label=_("E-mail addresses"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text=_("One a line, the name before it if you wish: Luc Roy luc@company.example"),
    )
    counter_name = forms.CharField(label=_("Name"), required=False, max_length=80)
    counter_phone = PhoneNumberField(label=_("Phone"), required=False, error_messages={"invalid": INVALID_PHONE})
    field_order = ("people", "counter_name", "counter_phone", "role")

    def clean_people(self) -> list[tuple[str, str, str]]:
        """First name, last name and address of each line."""
        lines = [line.strip(" ,;\t") for line in self.cleaned_data["people"].splitlines() if line.strip(" ,;\t")]
        if len(lines) > INVITED_AT_ONCE:
            raise forms.ValidationError(_("100 people at a time: invite the others afterwards, or import a file."))
        found = [_person(line) for line in lines]
        wrong = [line for line, person in zip(lines, found, strict=True) if person is None]
        if wrong:
            raise forms.ValidationError(_("“%(line)s” holds no e-mail address."), params={"line": wrong[0]})
        people = [person for person in found if person is not None]
        addresses = [address for _first, _last, address in people]
        twice = [address for address in addresses if addresses.count(address) > 1]
        if twice:
            raise forms.ValidationError(_("%(email)s is there twice."), params={"email": twice[0]})
        return people

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        has_name, has_phone = bool(cleaned.get("counter_name")), bool(cleaned.get("counter_phone"))
        if has_name != has_phone and "counter_phone" not in self.errors:
            self.add_error("counter_name", _("At the counter a person needs both a name and a phone number."))
        elif not cleaned.get("people") and not has_name and "people" not in self.errors:
            self.add_error("people", _("Say whom to invite."))
        return cleaned


def _person(line: str) -> tuple[str, str, str] | None:
    """« Luc Roy <luc@company.example> », with or without the signs, the name or capitals."""
    words = re.split(r"[\s,;<>()\"]+", line.strip('<>" '))
    address = next((normalize_email(word) for word in words if "@" in word), "")
    try:
        validate_address(address)
    except forms.ValidationError:
        return None
    first, _space, last = " ".join(word for word in words if word and "@" not in word).partition(" ")
    return first[:80], last[:80], address


class AddressForm(forms.Form):
    """The right address of somebody invited at a wrong one."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, validators=[validate_address])


class JoinForm(forms.Form):
    """The number of the company one asks to join."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), label=_("Whose customer is it?"), empty_label=None, widget=forms.RadioSelect
    )
    customer_number = forms.CharField(
        label=_("Customer number of the company"), max_length=40, help_text=_("It is at the top of each invoice.")
    )
    message = forms.CharField(
        label=_("A word for its administrators"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, merchants: MerchantQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ModelChoiceField, self.fields["merchant"])
        field.queryset, field.initial = merchants, merchants[0].pk if merchants else None


class TakeOverForm(forms.Form):
    """Why one asks to administer a company."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=1000,
        help_text=_("Who left, since when, and who can confirm it. Everybody in the company reads it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
