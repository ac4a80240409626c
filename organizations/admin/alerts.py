"""Changes in the register of verified companies, for agents: before and after, and what to make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from accounts.formats import iso_date
from organizations.admin.decisions import KeepForm, WithdrawalForm, WordsForm
from organizations.admin.filters import ChoiceFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import RegisterAlert, Verification
from organizations.refusals import Refusal
from organizations.services.verification import AlreadyDecided
from organizations.services.watch import ask_again, keep_verified, withdraw_verification
from organizations.verdicts import both_sides
from registry import neq
from registry.models import Change

Reason = Verification.Reason
# The reason that a change suggests.
SUGGESTED = {
    Change.Kind.STRUCK_OFF: Reason.STATUS,
    Change.Kind.LAPSED: Reason.STATUS,
    Change.Kind.MERGED: Reason.NEQ,
    Change.Kind.RENAMED: Reason.NAME,
}
BADGES = {RegisterAlert.State.OPEN: "warning", RegisterAlert.State.DISMISSED: "good"}


def state_badge(alert: RegisterAlert) -> str:
    state = RegisterAlert.State(alert.state)
    return format_html('<span class="badge" data-is="{}">{}</span>', BADGES.get(state, ""), state.label)


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    options = RegisterAlert.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == RegisterAlert.State.OPEN:
            return queryset.filter(pk__in=RegisterAlert.objects.waiting().values("pk"))
        return queryset.filter(state=self.value()) if self.value() in RegisterAlert.State.values else queryset


class ChangeFilter(ChoiceFilter):
    title = gettext_lazy("change")
    parameter_name = "change"
    options = [(kind.value, kind.label) for kind in SUGGESTED]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(change__kind=self.value()) if self.value() in Change.Kind.values else queryset


@admin.register(RegisterAlert)
class RegisterAlertAdmin(MerchantScopedAdmin):
    scope = "organization__customer__merchant_id"
    list_display = ("company", "shown_neq", "of", "what", "edition", "shown_state", "noticed")
    list_filter = (StateFilter, ChangeFilter)
    sortable_by = ()
    search_fields = ("organization__neq",)
    search_help_text = gettext_lazy("NEQ, or customer number")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = ("organization__customer__merchant", "organization__verification", "change__edition", "decided_by")
        return super().get_queryset(request).select_related(*related)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The oldest of those who wait; else the newest."""
        return ("pk",) if request.GET.get("state") == RegisterAlert.State.OPEN else ("-pk",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if neq.is_valid(term):
            return queryset.filter(organization__neq=neq.parse(term)), False
        return queryset.filter(organization__customer__number__iexact=term), False

    @admin.display(description=gettext_lazy("company"))
    def company(self, alert: RegisterAlert) -> str:
        return alert.organization.legal_name

    @admin.display(description=gettext_lazy("NEQ"))
    def shown_neq(self, alert: RegisterAlert) -> str:
        return neq.shown(alert.change.neq)

    @admin.display(description=gettext_lazy("customer"))
    def of(self, alert: RegisterAlert) -> str:
        customer = alert.organization.customer
        return format_html('<a href="{}">{}</a>', customer_address(customer.pk), customer)

    @admin.display(description=gettext_lazy("change"))
    def what(self, alert: RegisterAlert) -> str:
        return alert.change.get_kind_display()

    @admin.display(description=gettext_lazy("edition"))
    def edition(self, alert: RegisterAlert) -> str:
        return iso_date(alert.change.edition.published_on)

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, alert: RegisterAlert) -> str:
        return state_badge(alert)

    @admin.display(description=gettext_lazy("noticed"))
    def noticed(self, alert: RegisterAlert) -> str:
        return iso_date(alert.noticed_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        acts = {"keep": self.keep, "ask": self.ask, "withdraw": self.withdraw}
        pages = [path(f"<path:object_id>/{act}/", view(does), name=f"{name}_{act}") for act, does in acts.items()]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Read here, decided by the acts under it; what is not theirs goes where Django sends it."""
        alert = self.get_object(request, object_id)
        if alert is None or request.method not in {"GET", "HEAD"}:
            return super().change_view(request, object_id, form_url, extra_context)
        return self._page(request, alert)

    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, act=keep_verified, name="keep", done=_("The company stays verified."))

    def ask(self, request: HttpRequest, object_id: str) -> HttpResponse:
        done = _("The company is asked to declare itself again; it stays verified until then.")
        return self._act(request, object_id, act=ask_again, name="question", done=done)

    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        done = _("The verification is withdrawn, and the company written to.")
        return self._act(request, object_id, act=withdraw_verification, name="withdrawal", done=done)

    def _act(
        self, request: HttpRequest, object_id: str, *, act: Callable[..., object], name: str, done: str
    ) -> HttpResponse:
        """POST: one service call; refused, the page again with what was typed, or who was faster."""
        alert = self.find(request, object_id)
        here = self.address("change", alert.pk)
        if request.method != "POST":
            return see_other(here)
        forms_of = self._forms(alert, data=request.POST, bound=name)
        form = forms_of[name]
        if not form.is_valid():
            return self._page(request, alert, forms_of=forms_of)
        try:
            act(alert=alert, by=agent(request), **form.cleaned_data)
        except AlreadyDecided as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._page(request, alert, forms_of=forms_of)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return see_other(here)

    def _forms(self, alert: RegisterAlert, *, data: Any = None, bound: str = "") -> dict[str, forms.Form]:
        """The forms of the page, one of them with what was posted."""
        of = {name: data if name == bound else None for name in ("keep", "question", "withdrawal")}
        suggested = [SUGGESTED[Change.Kind(alert.change.kind)].value]
        return {
            "keep": KeepForm(of["keep"], prefix="keep"),
            "question": WordsForm(of["question"], prefix="question"),
            "withdrawal": WithdrawalForm(of["withdrawal"], prefix="withdrawal", initial={"reasons": suggested}),
        }

    def _page(
        self, request: HttpRequest, alert: RegisterAlert, *, forms_of: dict[str, forms.Form] | None = None
    ) -> HttpResponse:
        verification = alert.organization.verification
        is_waiting = RegisterAlert.objects.waiting().filter(pk=alert.pk).exists()
        context = {
            **self.admin_site.each_context(request),
            "title": str(alert),
            "opts": self.opts,
            "alert": alert,
            "badge": state_badge(alert),
            "sides": both_sides(change=alert.change),
            "is_waiting": is_waiting,
            "forms": (forms_of or self._forms(alert)) if is_waiting else {},
            "customer_url": customer_address(alert.organization.customer_id),
            "verification_url": reverse("admin:organizations_verification_change", args=[verification.pk])
            if verification
            else "",
        }
        status = 422 if forms_of else 200
        return TemplateResponse(request, "admin/organizations/registeralert/change_form.html", context, status=status)
