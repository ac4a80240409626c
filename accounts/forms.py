"""Forms about oneself: signing up, one's profile. They check shape and never write, except as allauth requires."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.validators import RegexValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, User
from accounts.spelling import with_extension_apart

INVALID_PHONE = _("Write the number with its area code, such as 514 555-0123.")
extension_digits = RegexValidator(r"^\d{1,6}$", _("An extension is made of one to six digits."))


class SignupForm(AllauthSignupForm):
    """Name, language, e-mail, password: what a profile needs to begin."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    language = forms.ChoiceField(label=_("Language of our messages"), choices=Language.choices)
    field_order = ("first_name", "last_name", "email", "password1", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("language", get_language())
        self.fields["email"].label = _("E-mail")
        self.fields["password1"].label = _("Password")

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Of two clicks at the same moment the second adds nothing, and reads that the link was sent."""
        if self.account_already_exists:
            # Making a person hashes a password, which takes long enough to tell known addresses from others.
            make_password(self.cleaned_data["password1"])
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            return None, get_adapter(request).respond_email_verification_sent(request, None)

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once it has made the person: keep what its own form does not know."""
        user.language = self.cleaned_data["language"]
        user.save(update_fields=["language"])


class PasskeyForm(AddWebAuthnForm):
    """A key replaces the password unless the person says otherwise: that is what the page promises."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("passwordless", True)


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "phone", "phone_extension", "language")
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
            "phone": forms.TextInput(attrs={"autocomplete": "tel-national", "type": "tel"}),
            "phone_extension": forms.TextInput(attrs={"autocomplete": "tel-extension", "inputmode": "numeric"}),
        }
        labels = {
            "first_name": _("First name"),
            "last_name": _("Last name"),
            "language": _("Language of the site and of our messages"),
        }
        error_messages = {"phone": {"invalid": INVALID_PHONE}}

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(None if data is None else with_extension_apart(data), **kwargs)
        self.fields["first_name"].required = self.fields["last_name"].required = True
        self.fields["phone_extension"].validators.append(extension_digits)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("phone_extension") and not cleaned.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("Enter the number this extension belongs to."))
        return cleaned
