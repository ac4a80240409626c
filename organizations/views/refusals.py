"""A refusal at a counter, for those who manage access: who, where, when, why; and asking the credit desk about it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from organizations.access import CustomerRequest, requires
from organizations.forms import CaseForm
from organizations.models import CounterDecision
from organizations.permissions import Permission
from organizations.services.cases import open_case, why_refused
from organizations.views.team import see_other


@requires(Permission.MANAGE_TEAM)
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
        "why": why_refused(decision=decision, language=get_language() or "fr-ca"),
        "case": getattr(decision, "case", None),
        "form": form,
    }
    return render(request, "organizations/refusal.html", context, status=422 if form.is_bound else 200)
