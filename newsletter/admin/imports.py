"""The page where agents import subscribers: a file, what it would do, then the receipt."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from newsletter.loader.subscribers import BASES, NAMES
from newsletter.models import Topic
from newsletter.services import imports
from newsletter.services.imports import Foreseen
from organizations.agents import MerchantScopedAdmin, agent, served_merchants
from organizations.loader import reasons
from organizations.loader.reading import Unusable
from organizations.models import Merchant
from organizations.refusals import Refusal

LARGEST = 1_000_000  # bytes
SHOWN = 500  # refused lines
# The file travels in the page between reading and confirming: ours to trust, and nothing is kept here.
SALT = "newsletter.subscribers-file"
KEPT_FOR = 24 * 60 * 60  # seconds


class SubscribersFileForm(forms.Form):
    """A file of consents, and whose."""

    merchant = forms.ModelChoiceField(Merchant.objects.none(), label=gettext_lazy("Merchant"), empty_label=None)
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        help_text=gettext_lazy("UTF-8, comma or semicolon, 1 MB at most; a longer one by the command."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"empty": gettext_lazy("This file is empty.")},
    )

    def __init__(self, *args: Any, request: HttpRequest) -> None:
        super().__init__(*args)
        field: Any = self.fields["merchant"]
        field.queryset = Merchant.objects.filter(pk__in=[merchant.pk for merchant in served_merchants(request)])

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(_("This file is larger than 1 MB."))
        content: bytes = file.read()
        return content


class ConfirmedFileForm(forms.Form):
    """What was read on the page before, and whether the lines that cannot be taken are left out."""

    content = forms.CharField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    leaves_out = forms.BooleanField(required=False)

    def __init__(self, *args: Any, request: HttpRequest) -> None:
        super().__init__(*args)
        self.holder = agent(request).pk
        self.served = {merchant.pk: merchant for merchant in served_merchants(request)}

    def clean_content(self) -> bytes:
        """The file's bytes; of somebody else's page, of a merchant no longer served, or of yesterday's, none."""
        try:
            holder, merchant, text = signing.loads(self.cleaned_data["content"], salt=SALT, max_age=KEPT_FOR)
        except signing.BadSignature:
            holder, merchant, text = None, None, ""
        if holder != self.holder or merchant not in self.served:
            raise forms.ValidationError(_("This page is too old, or is not whole: send the file again."))
        self.merchant = self.served[merchant]
        content: bytes = text.encode()
        return content


def import_page(page: MerchantScopedAdmin, request: HttpRequest) -> HttpResponse:
    """A file, then what it would do; nothing is written before that is confirmed."""
    refusal: object = None
    if "content" in request.POST:
        confirmed = ConfirmedFileForm(request.POST, request=request)
        if confirmed.is_valid():
            return _confirmed(page, request, confirmed)
        refusal = next(iter(confirmed.errors.values()))[0]
    is_sent = request.method == "POST" and refusal is None
    form = SubscribersFileForm(*((request.POST, request.FILES) if is_sent else ()), request=request)
    if form.is_valid():
        merchant, content = form.cleaned_data["merchant"], form.cleaned_data["file"]
        try:
            foreseen = imports.foresee(merchant=merchant, content=content)
        except (Unusable, Refusal) as caught:
            form.add_error("file", str(caught))
        else:
            return _read(page, request, merchant=merchant, content=content, foreseen=foreseen)
    context = {
        "form": form,
        "refusal": refusal,
        "names": NAMES,
        "bases": ", ".join(BASES),
        "topics": Topic.objects.offered()
        .filter(merchant__in=served_merchants(request))
        .order_by("merchant__name", "pk"),
    }
    return _page(page, request, "admin/newsletter/import.html", context, is_refused=request.method == "POST")


def _confirmed(page: MerchantScopedAdmin, request: HttpRequest, form: ConfirmedFileForm) -> HttpResponse:
    content = form.cleaned_data["content"]
    given = {"merchant": form.merchant, "content": content}
    try:
        done = imports.import_consents(
            **given, seen=form.cleaned_data["seen"], leaves_out=form.cleaned_data["leaves_out"], by=agent(request)
        )
    except Refusal as refusal:
        try:
            foreseen = imports.foresee(**given)
        except Refusal as caught:
            page.message_user(request, str(caught), messages.ERROR)
            return see_other(request.path)
        return _read(page, request, foreseen=foreseen, refusal=refusal, **given)
    words = {"new": done.new, "unchanged": done.counts.unchanged, "rejected": done.counts.rejected}
    told = _("Consents written: %(new)s. Already so: %(unchanged)s. Left out: %(rejected)s. Nobody was written to.")
    page.message_user(request, told % words, messages.SUCCESS)
    return see_other(page.address("changelist"))


def _read(
    page: MerchantScopedAdmin,
    request: HttpRequest,
    *,
    merchant: Merchant,
    content: bytes,
    foreseen: Foreseen,
    refusal: object = None,
) -> HttpResponse:
    """The page that says what the file would do, and carries it until that is confirmed."""
    carried = [agent(request).pk, merchant.pk, content.decode("utf-8-sig")]
    refused = [
        (
            flaw,
            "" if flaw.column == "email" else foreseen.whose.get(flaw.line, ""),
            reasons.sentence(code=flaw.code, known=flaw.known),
        )
        for flaw in foreseen.flaws[:SHOWN]
    ]
    context = {
        "whose": merchant,
        "foreseen": foreseen,
        "refused": refused,
        "more": len(foreseen.flaws) - len(refused),
        "content": signing.dumps(carried, salt=SALT, compress=True),
        "refusal": refusal,
    }
    return _page(page, request, "admin/newsletter/import_read.html", context, is_refused=refusal is not None)


def _page(
    page: MerchantScopedAdmin, request: HttpRequest, template: str, context: dict[str, Any], *, is_refused: bool
) -> HttpResponse:
    shared = {
        **page.admin_site.each_context(request),
        "title": _("Import subscribers"),
        "back": reverse("admin:newsletter_subscriber_changelist"),
    }
    return TemplateResponse(request, template, shared | context, status=422 if is_refused else 200)
