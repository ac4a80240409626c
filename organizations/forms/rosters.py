"""A file of people, and the same file confirmed: shapes only, nothing is written here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import spreadsheets
from organizations.loader.reading import Unusable
from organizations.models import Customer
from organizations.spreadsheets import AT_ONCE, Entry

LARGEST = 1_000_000  # bytes
# The file travels in the page between reading and confirming: ours to trust, and nothing is kept here.
SALT = "organizations.team-file"
KEPT_FOR = 24 * 60 * 60  # seconds


class TeamFileForm(forms.Form):
    """A file of the columns of the export."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("UTF-8, comma or semicolon, 500 lines and 1 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"empty": _("This file is empty.")},
    )

    def clean_file(self) -> bytes:
        """Its bytes, once they are known to be a file of people."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(_("This file is larger than 1 MB."))
        content: bytes = file.read()
        self.entries = _entries(content)
        return content


class ConfirmedFileForm(forms.Form):
    """What was read on the page before, and whether the lines that cannot be taken are left out."""

    content = forms.CharField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    leaves_out = forms.BooleanField(required=False)

    def __init__(self, *args: Any, customer: Customer, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holder = [customer.public_id, user.pk]

    def clean_content(self) -> bytes:
        """The file's bytes; of somebody else's page, or of yesterday's, none."""
        try:
            *holder, text = signing.loads(self.cleaned_data["content"], salt=SALT, max_age=KEPT_FOR)
        except signing.BadSignature:
            holder, text = [], ""
        if holder != self.holder:
            raise forms.ValidationError(_("This page is too old, or is not whole: send the file again."))
        content: bytes = text.encode()
        self.entries = _entries(content)
        return content


def carried(*, content: bytes, customer: Customer, user: User) -> str:
    """The file as the page holds it until it is confirmed."""
    return signing.dumps([customer.public_id, user.pk, content.decode("utf-8-sig")], salt=SALT, compress=True)


def _entries(content: bytes) -> list[Entry]:
    try:
        entries = spreadsheets.read(content=content)
    except Unusable as reason:
        raise forms.ValidationError(str(reason)) from reason
    if not entries:
        raise forms.ValidationError(_("This file has a header and nobody below it."))
    if len(entries) > AT_ONCE:
        raise forms.ValidationError(_("This file has more than 500 lines: cut it in several files."))
    return entries
