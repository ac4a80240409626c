"""What people type on the ways in, and of their company: shapes only, nothing is written here."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from accounts.forms import INVALID_PHONE
from accounts.models import User
from accounts.spelling import plain_amount, with_extension_apart
from organizations.loader.shapes import PROVINCE_CODES
from organizations.models import Merchant, MerchantQuerySet
from registry import neq

NEQ_ERRORS = {
    neq.Reason.BUSINESS_NUMBER: _(
        "This is a federal business number (BN). The NEQ is another number, of ten digits, given by the Registraire "
        "des entreprises du Québec."
    ),
    neq.Reason.NOT_DIGITS: _("An NEQ holds digits only: take out “%(stray)s”."),
    neq.Reason.LENGTH: _("An NEQ has ten digits, and this one has %(count)s."),
    neq.Reason.PREFIX: _("An NEQ begins with 11, 22, 33 or 88, and this one begins with %(prefix)s."),
    neq.Reason.CHECK_DIGIT: _(
        "A digit is mistyped: the last one does not agree with the others. Read it again on a document of the "
        "Registraire."
    ),
}
# The letters Canada Post uses: never D, F, I, O, Q nor U, and neither W nor Z first.
CANADIAN_POSTAL_CODE = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)", re.ASCII)

INVALID_AMOUNT = _("Write an amount as on the invoice, such as 1 234,56 or 1,234.56.")


class AmountField(forms.DecimalField):
    """Dollars as people write them in either language: 1 234,56 $ or $1,234.56."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_amount(str(value or "")))


class AccessRequestForm(forms.Form):
    """What a person says to be found by the desk."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), label=_("Whose customer are you?"), empty_label=None, widget=forms.RadioSelect
    )
    name = forms.CharField(
        label=_("Your name, or your company’s"), max_length=200, help_text=_("As it appears on an invoice.")
    )
    phone = PhoneNumberField(label=_("Phone"), required=False, error_messages={"invalid": INVALID_PHONE})
    phone_extension = forms.CharField(label=_("Extension"), max_length=10, required=False)
    customer_number = forms.CharField(
        label=_("Customer number"), max_length=40, required=False, help_text=_("It is at the top of each invoice.")
    )
    invoice_number = forms.CharField(label=_("Number of an invoice"), max_length=40, required=False)
    invoice_total = AmountField(
        label=_("Total of that invoice"),
        max_digits=12,
        decimal_places=2,
        required=False,
        min_value=Decimal(0),
        error_messages={"invalid": INVALID_AMOUNT},
    )
    message = forms.CharField(
        label=_("Anything else that helps us find you"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, merchants: MerchantQuerySet, **kwargs: Any) -> None:
        data = kwargs.get("data")
        if data is not None:
            kwargs["data"] = with_extension_apart(data)
        super().__init__(*args, **kwargs)
        self.merchants = merchants
        field = cast(forms.ModelChoiceField, self.fields["merchant"])
        field.queryset = merchants
        if len(merchants) == 1:
            # One merchant is no question.
            field.required, field.widget, field.initial = False, forms.HiddenInput(), merchants[0].pk
        self.fields["phone"].widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel-national"})
        self.fields["phone_extension"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "tel-extension"}
        self.fields["name"].widget.attrs["autocomplete"] = "name"

    def clean_merchant(self) -> Merchant:
        return self.cleaned_data["merchant"] or self.merchants[0]

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        return phone.as_e164 if phone else ""


class ActivationForm(forms.Form):
    """Name and password of the person an activation link was sent to."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["password"].help_text = password_validators_help_text_html()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned:
            person = User(
                email=self.email,
                first_name=cleaned.get("first_name", ""),
                last_name=cleaned.get("last_name", ""),
            )
            try:
                validate_password(cleaned["password"], person)
            except forms.ValidationError as invalid:
                self.add_error("password", invalid)
        return cleaned


class OneLineField(forms.CharField):
    """A text of one line, each space single; nothing that could not be printed on an invoice."""

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())

    def validate(self, value: str) -> None:
        super().validate(value)
        if not value.isprintable():
            raise forms.ValidationError(_("It holds a character that cannot be printed: type it again."))


class NeqField(forms.CharField):
    """Ten digits, typed with or without spaces and dashes; when wrong, says which way."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value) or ""
        if not typed:
            return typed
        try:
            return neq.parse(typed)
        except neq.InvalidNeq as invalid:
            digits = re.sub(r"\D", "", typed, flags=re.ASCII)
            stray = re.sub(r"[\d\s.-]", "", typed, flags=re.ASCII)
            words = {"stray": stray, "count": len(digits), "prefix": digits[:2]}
            raise forms.ValidationError(NEQ_ERRORS[invalid.reason], code=invalid.reason, params=words) from None


class IdentityForm(forms.Form):
    """Who a company is, as its administrator declares it."""

    neq = NeqField(
        label=_("NEQ, the Québec enterprise number"),
        max_length=40,
        help_text=_("Ten digits, such as 1170 0000 05. It is on each letter of the Registraire des entreprises."),
    )
    legal_name = OneLineField(
        label=_("Legal name"), max_length=200, help_text=_("In full, as registered. Invoices will bear it.")
    )
    administrator_name = OneLineField(
        label=_("Name of an administrator"),
        max_length=160,
        help_text=_("A person the register lists as administrator, partner or owner."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    address_line1 = OneLineField(
        label=_("Address"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    address_line2 = OneLineField(
        label=_("Address, continued"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    city = OneLineField(label=_("City"), max_length=100, required=False)
    province = OneLineField(label=_("Province"), max_length=50, required=False)
    postal_code = OneLineField(label=_("Postal code"), max_length=20, required=False)
    note = forms.CharField(
        label=_("What the agent should know"),
        max_length=1000,
        required=False,
        help_text=_("A recent change, the answer to a question: what the register does not say yet."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_postal_code(self) -> str:
        """With its space where it is a Canadian one; elsewhere, which the province says, as it is written there."""
        typed = self.cleaned_data["postal_code"].upper()
        if (match := CANADIAN_POSTAL_CODE.fullmatch(typed)) is not None:
            return f"{match[1]} {match[2]}"
        province = self.cleaned_data.get("province", "").lower()
        if typed and (not province or province in PROVINCE_CODES):
            raise forms.ValidationError(
                _("“%(code)s” is not a Canadian postal code: write it as H2L 2R5."), params={"code": typed}
            )
        return typed
