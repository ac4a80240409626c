"""A refusal at a counter, for those who manage access: who, where, when, why; and asking the credit desk about it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import see_other
from organizations.access import CustomerRequest, requires
from organizations.forms import CaseForm
from organizations.models import CounterDecision
from organizations.permissions import Permission
from organizations.services.cases import open_case, why_refused
from organizations.views.team import key_in, of_members

PAGE = 25


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_safe
def refusal_list(request: CustomerRequest) -> HttpResponse:
    """Who was refused at a counter, the latest first; each leads to its page, as the letter does."""
    rows = request.customer.counter_decisions.filter(act=CounterDecision.Act.REFUSED)
    before = key_in(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("branch", "case").order_by("-pk")[: PAGE + 1])
    shown = found[:PAGE]
    for decision in shown:
        decision.customer = request.customer
    context = {
        "refusals": [(row, _why(request, row), getattr(row, "case", None)) for row in shown],
        "more": shown[-1].pk if len(found) > PAGE else None,
    }
    return render(request, "organizations/refusal_list.html", context)


@requires(Permission.MANAGE_TEAM, or_parent=True)
@require_http_methods(["GET", "HEAD", "POST"])
def refusal(request: CustomerRequest, decision_id: int) -> HttpResponse:
    """Where the letter leads. One press asks; pressed again, the page says it is open."""
    rows = request.customer.counter_decisions.filter(act=CounterDecision.Act.REFUSED)
    rows = rows.select_related("branch", "membership", "case__asked_by")
    decision = get_object_or_404(rows, pk=decision_id)
    decision.customer = request.customer
    form = CaseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        open_case(decision=decision, by=request.user, **form.cleaned_data)
        return see_other(request.path)
    context = {
        "decision": decision,
        "shows_amount": decision.amount is not None and Permission.VIEW_PRICES in request.permissions,
        "why": _why(request, decision),
        "case": getattr(decision, "case", None),
        "form": form,
    }
    return render(request, "organizations/refusal.html", context, status=422 if form.is_bound else 200)


def _why(request: CustomerRequest, decision: CounterDecision) -> str:
    sees_prices = Permission.VIEW_PRICES in request.permissions
    return why_refused(decision=decision, language=get_language() or "fr-ca", sees_prices=sees_prices)
