"""Unrecognised people, for agents: what they said, who they probably are, and the decision. It crosses apps."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import long_moment, money, phone
from accounts.models import normalize_email
from organizations.admin.filters import ChoiceFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import AccessRequest, Customer
from organizations.refusals import Refusal
from organizations.services.requests import link_access_request, refuse_access_request
from portal.candidates import rank


class StatusFilter(ChoiceFilter):
    title = gettext_lazy("status")
    parameter_name = "status"
    options = AccessRequest.Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(status=self.value()) if self.value() in AccessRequest.Status.values else queryset


class NumberForm(forms.Form):
    number = forms.CharField(label=gettext_lazy("Customer number"), max_length=40)


class RefusalForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The person reads it, by e-mail and on their page."),
    )


@admin.register(AccessRequest)
class AccessRequestAdmin(MerchantScopedAdmin):
    list_display = ("name", "email", "customer_number", "invoice_number", "status", "received")
    list_filter = (StatusFilter,)
    sortable_by = ()
    search_fields = ("name",)
    search_help_text = gettext_lazy("Name, e-mail, or customer number")
    fields = (
        "name",
        "email",
        "shown_phone",
        "customer_number",
        "proof",
        "message",
        "received",
        "status",
        "linked_to",
        "reason",
        "decision",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user", "customer", "decided_by", "merchant")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The oldest of those who wait; else the newest."""
        return ("pk",) if request.GET.get("status") == AccessRequest.Status.OPEN else ("-pk",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if "@" in term:
            return queryset.filter(user__email__startswith=normalize_email(term)), False
        if term.isdigit():
            return queryset.filter(customer_number=term), False
        return (queryset.filter(name__icontains=term) if term else queryset), False

    @admin.display(description=gettext_lazy("confirmed e-mail"))
    def email(self, access_request: AccessRequest) -> str:
        return access_request.user.email

    @admin.display(description=gettext_lazy("phone"))
    def shown_phone(self, access_request: AccessRequest) -> str:
        return phone(access_request.phone, access_request.phone_extension, get_language())

    @admin.display(description=gettext_lazy("invoice"))
    def proof(self, access_request: AccessRequest) -> str:
        if not access_request.invoice_number or access_request.invoice_total is None:
            return access_request.invoice_number or "–"
        return _("%(number)s, for %(total)s") % {
            "number": access_request.invoice_number,
            "total": money(access_request.invoice_total, get_language()),
        }

    @admin.display(description=gettext_lazy("received"))
    def received(self, access_request: AccessRequest) -> str:
        return long_moment(access_request.created_at, get_language())

    @admin.display(description=gettext_lazy("linked to"))
    def linked_to(self, access_request: AccessRequest) -> str:
        if access_request.customer is None:
            return "–"
        url = customer_address(access_request.customer_id)
        return format_html('<a href="{}">{}</a>', url, access_request.customer)

    @admin.display(description=gettext_lazy("decided"))
    def decision(self, access_request: AccessRequest) -> str:
        if access_request.decided_at is None:
            return "–"
        return _("%(moment)s by %(person)s") % {
            "moment": long_moment(access_request.decided_at, get_language()),
            "person": access_request.decided_by,
        }

    def get_fields(self, request: HttpRequest, obj: AccessRequest | None = None) -> list[str]:
        """Of the decision, only what there is."""
        outcome = {
            AccessRequest.Status.OPEN: {"linked_to", "reason", "decision", "status"},
            AccessRequest.Status.LINKED: {"reason"},
            AccessRequest.Status.REFUSED: {"linked_to"},
        }
        hidden = outcome[AccessRequest.Status(obj.status)] if obj else set()
        return [field for field in self.fields if field not in hidden]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<path:object_id>/link/", view(self.link), name=f"{name}_link"),
            path("<path:object_id>/refuse/", view(self.refuse), name=f"{name}_refuse"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        access_request = self.get_object(request, object_id)
        is_open = access_request is not None and access_request.status == AccessRequest.Status.OPEN
        extra_context = {
            "is_open": is_open,
            "candidates": rank(access_request=access_request) if is_open else [],
            "number_form": NumberForm(),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, extra_context)

    def link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """POST: link the person to a customer of the agent's merchants, by key or by number; one click."""
        access_request = self.find(request, object_id)
        if request.method == "POST":
            customer = self._chosen(request, access_request)
            if customer is None:
                self.message_user(request, _("No customer has this number. Check it and try again."), messages.ERROR)
                return see_other(self.address("change", access_request.pk))
            try:
                link_access_request(access_request=access_request, customer=customer, by=agent(request))
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                words = {"person": access_request.name, "customer": customer}
                done = _("%(person)s is linked to %(customer)s and told so by e-mail.") % words
                self.message_user(request, done, messages.SUCCESS)
        return see_other(self.address("change", access_request.pk))

    def _chosen(self, request: HttpRequest, access_request: AccessRequest) -> Customer | None:
        mine = Customer.objects.for_agent(agent(request)).filter(merchant=access_request.merchant)
        if (key := request.POST.get("customer", "")).isascii() and key.isdigit():
            return mine.filter(pk=key).first()
        form = NumberForm(request.POST)
        return mine.filter(number=form.cleaned_data["number"]).first() if form.is_valid() else None

    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        access_request = self.find(request, object_id)
        form = RefusalForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                refuse_access_request(access_request=access_request, by=agent(request), **form.cleaned_data)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, _("The refusal is sent with its reason."), messages.SUCCESS)
                return see_other(reverse("admin:index"))
        return self.act_page(
            request,
            title=_("Refuse access to %(person)s") % {"person": access_request.name},
            lead=[_("Nothing is opened to this person, who may write again.")],
            form=form,
            submit=_("Refuse"),
            back=self.address("change", access_request.pk),
            is_binding=True,
        )
