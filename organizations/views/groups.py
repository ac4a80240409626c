"""The subsidiaries of a company: those confirmed, naming another, ending a link."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.answers import see_other
from organizations.access import CustomerRequest, requires
from organizations.forms import SubsidiaryForm
from organizations.permissions import OPENING_ROLES, Permission
from organizations.refusals import Refusal
from organizations.services import groups
from organizations.services.reach import BeyondReach
from organizations.views.team import of_members, who_else_may


@requires(Permission.MANAGE_TEAM)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def subsidiaries(request: CustomerRequest) -> HttpResponse:
    """The same page and the same answer whether or not the number is anybody's."""
    may_ask = request.membership.role in OPENING_ROLES
    form = SubsidiaryForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            groups.ask_link(parent=request.customer, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            return see_other(request.path)
    links = request.customer.subsidiary_links.select_related("subsidiary")
    context = {
        "form": form,
        "may_ask": may_ask,
        "links": links.in_force().order_by("subsidiary__name", "pk")[:200],
        "asked": links.exclude(is_accepted=True).order_by("-pk")[:20],
        "ended": links.filter(ended_at__isnull=False).order_by("-ended_at", "-pk")[:20],
    }
    return render(request, "organizations/subsidiaries.html", context, status=422 if form.is_bound else 200)


@requires(Permission.MANAGE_TEAM)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def subsidiary_end(request: CustomerRequest, link_id: int) -> HttpResponse:
    """Asks once, naming the company and what ends. As naming one, it is for an administrator."""
    links = request.customer.subsidiary_links.filter(is_accepted=True).select_related("subsidiary")
    link = get_object_or_404(links, pk=link_id)
    refusal = None
    if request.method == "POST":
        if request.membership.role in OPENING_ROLES:
            groups.end_link(link=link, by=request.user)
            return see_other(reverse("organizations:subsidiaries", args=[request.customer.public_id]))
        refusal = BeyondReach()
    context = {
        "link": link,
        "subsidiary": link.subsidiary,
        "refusal": refusal,
        "others": who_else_may(request, refusal),
    }
    return render(request, "organizations/subsidiary_end.html", context, status=422 if refusal else 200)
