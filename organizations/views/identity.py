"""The legal identity of a company, for its people: what is verified, what waits, what to do next, and declaring it."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import see_other
from organizations.access import CustomerRequest, View, requires
from organizations.forms import IdentityForm
from organizations.models import Customer, Organization, RegisterAlert, Verification
from organizations.permissions import Permission
from organizations.proposals import Proposals, filled_from, propose
from organizations.refusals import Refusal
from organizations.services.verification import IDENTITY, submit_identity
from organizations.verdicts import Explained, explain
from registry import neq
from registry.models import Edition

HISTORY = 20


def of_companies(view: View) -> View:
    """An individual has no company: nothing is there."""

    @wraps(view)
    def page(request: CustomerRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.customer.kind == Customer.Kind.INDIVIDUAL:
            raise Http404
        return view(request, *args, **kwargs)

    return page


@requires(Permission.VIEW_ORGANIZATION)
@of_companies
@require_safe
def organization_detail(request: CustomerRequest) -> HttpResponse:
    """Where the identity stands, what the register says of it and of when, and what was decided before."""
    may_declare = Permission.MANAGE_ORGANIZATION in request.permissions
    rows = request.customer.verifications.select_related("edition", "submitted_by").prefetch_related("observations")
    verifications = list(rows.order_by("-pk")[: HISTORY if may_declare else 1])
    latest = verifications[0] if verifications else None
    verified = Organization.objects.filter(customer=request.customer).first()
    context = {
        "organization": verified,
        "latest": latest,
        "facts": _explained(latest) if latest else [],
        "withdrawal": _withdrawal(verified, latest),
        "asked_again": RegisterAlert.objects.asking(organization=verified).first() if verified else None,
        "name_on_documents": (verified.name_on_documents if verified else "") or request.customer.name,
        "history": [(row, _explained(row)) for row in verifications] if may_declare else [],
        "edition": Edition.objects.current(),
        "may_declare": may_declare,
    }
    return render(request, "organizations/organization_detail.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@of_companies
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def organization_declare(request: CustomerRequest) -> HttpResponse:
    """The form; its other buttons ask the register for entries and fill the form from one, and declare nothing."""
    if request.method == "POST" and ("look" in request.POST or "choose" in request.POST):
        return _filled(request)
    form = IdentityForm(request.POST if request.method == "POST" else None, initial=_known(request.customer))
    if form.is_valid():
        try:
            submit_identity(customer=request.customer, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            address = reverse("organizations:organization-detail", args=[request.customer.public_id])
            return see_other(address)
    return _form_page(request, form, status=422 if form.is_bound else 200)


@requires(Permission.MANAGE_ORGANIZATION)
@of_companies
@never_cache
@require_safe
def organization_entries(request: CustomerRequest) -> HttpResponse:
    """The entries of the register for what is being typed: a fragment of the form."""
    typed = {"typed_neq": request.GET.get("neq", ""), "typed_name": request.GET.get("legal_name", "")}
    proposals = propose(request=request, **typed)
    status = 429 if proposals.is_tired else 200
    return render(request, "organizations/organization_declare.html#entries", {"proposals": proposals}, status=status)


def _filled(request: CustomerRequest) -> HttpResponse:
    """The form as typed, with entries of the register, or with the one that was chosen put in it."""
    typed = {name: request.POST.get(name, "") for name in IdentityForm.base_fields}
    proposals = None
    if "choose" in request.POST:
        typed = filled_from(chosen=request.POST["choose"], typed=typed)
    else:
        proposals = propose(request=request, typed_neq=typed["neq"], typed_name=typed["legal_name"])
    return _form_page(request, IdentityForm(initial=typed), proposals=proposals)


def _form_page(
    request: CustomerRequest, form: IdentityForm, *, proposals: Proposals | None = None, status: int = 200
) -> HttpResponse:
    verified = Organization.objects.filter(customer=request.customer, verified_at__isnull=False).first()
    latest = request.customer.verifications.order_by("-pk").first()
    context = {
        "form": form,
        "verified": verified,
        "waiting": latest is not None and latest.is_open,
        "latest": latest,
        "edition": Edition.objects.current(),
        "proposals": proposals,
    }
    return render(request, "organizations/organization_declare.html", context, status=status)


def _known(customer: Customer) -> dict[str, str]:
    """What was declared last, else what the books hold."""
    latest: Verification | Organization | None = customer.verifications.order_by("-pk").first()
    source = latest or Organization.objects.filter(customer=customer).first()
    known = {name: getattr(source or customer, name, "") for name in IDENTITY}
    if source is None:
        known["legal_name"] = customer.name
    return known | {"neq": neq.shown(known["neq"]).strip()}


def _explained(verification: Verification) -> list[Explained]:
    return explain(verification=verification, observations=verification.observations.all())


def _withdrawal(organization: Organization | None, latest: Verification | None) -> RegisterAlert | None:
    """The change in the register that ended the verification, as long as nothing was declared since."""
    if organization is None or organization.refused_at is None:
        return None
    if latest is not None and latest.submitted_at > organization.refused_at:
        return None
    withdrawn = organization.alerts.filter(state=RegisterAlert.State.WITHDRAWN)
    return withdrawn.filter(decided_at=organization.refused_at).first()
