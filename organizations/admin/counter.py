"""What was decided at the counters, for agents; and putting a customer on hold there."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import iso_moment, long_date, money
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import CounterDecision, Customer
from organizations.refusals import Refusal
from organizations.services.holds import hold_customer, release_customer


class ActFilter(ChoiceFilter):
    title = gettext_lazy("decision")
    parameter_name = "act"
    options = CounterDecision.Act.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(act=self.value()) if self.value() in CounterDecision.Act.values else queryset


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Agents read it at the counters."),
    )


@admin.register(CounterDecision)
class CounterDecisionAdmin(MerchantScopedAdmin):
    list_display = ("moment", "person", "of", "act", "reason", "branch", "agent")
    list_display_links = ("moment",)
    list_filter = (ActFilter, ("at", PeriodFilter))
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("customer__number",)
    search_help_text = gettext_lazy("Customer number")
    fields = ("moment", "person", "of", "answer", "reason", "act", "shown", "sum", "purchase_order", "branch", "agent")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "branch", "agent")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        return (queryset.filter(customer__number=term) if term else queryset), False

    @admin.display(description=gettext_lazy("moment"))
    def moment(self, decision: CounterDecision) -> str:
        return iso_moment(decision.at)

    @admin.display(description=gettext_lazy("customer"))
    def of(self, decision: CounterDecision) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(decision.customer_id), decision.customer)

    @admin.display(description=gettext_lazy("amount"))
    def sum(self, decision: CounterDecision) -> str:
        return money(decision.amount, get_language() or "") if decision.amount is not None else "–"


def hold_view(pages: MerchantScopedAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Put a customer on hold with a reason, or lift the hold."""
    customer: Customer = pages.find(request, object_id)
    back = pages.address("change", customer.pk)
    words = {"customer": customer.name}
    if customer.held_at is not None:
        if request.method == "POST":
            release_customer(customer=customer, by=agent(request))
            pages.message_user(request, _("The hold is lifted."), messages.SUCCESS)
            return see_other(back)
        since = long_date(customer.held_at, get_language() or "")
        return pages.act_page(
            request,
            title=_("Lift the hold of %(customer)s") % words,
            lead=[_("Its people may rent and pick up again at once, as far as their access goes.")],
            facts=[(_("Since"), since), (_("Reason"), customer.hold_reason)],
            submit=_("Lift the hold"),
            back=back,
        )
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            hold_customer(customer=customer, by=agent(request), **form.cleaned_data)
        except Refusal as refusal:
            form.add_error("reason", str(refusal))
        else:
            pages.message_user(request, _("The customer is on hold at every counter."), messages.SUCCESS)
            return see_other(back)
    return pages.act_page(
        request,
        title=_("Put %(customer)s on hold") % words,
        lead=[_("From now on every counter refuses all its people. The portal stays open to them.")],
        form=form,
        submit=_("Put on hold"),
        back=back,
        is_binding=True,
    )
