"""« This person has left »: asks once with all that ends, then the receipt to print."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.answers import see_other
from organizations.access import CustomerRequest, requires
from organizations.forms import DepartureForm
from organizations.models import Card, Membership
from organizations.permissions import Permission
from organizations.refusals import Refusal
from organizations.services import departures
from organizations.views.team import of_members, who_else_may


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def member_left(request: CustomerRequest, membership_id: int) -> HttpResponse:
    people = request.customer.memberships.select_related("user", "customer")
    membership = get_object_or_404(people, pk=membership_id)
    heirs = departures.heirs_of(membership=membership).select_related("user", "customer")
    form = DepartureForm(request.POST if request.method == "POST" else None, heirs=heirs, company=request.customer)
    others: list[Membership] = []
    if form.is_valid():
        try:
            heir = cast("Membership | None", form.cleaned_data["successor"])
            departures.declare_gone(membership=membership, successor=heir, by=request.user)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            others = who_else_may(request, refusal)
        else:
            return see_other(request.path)
    context = {
        "member": membership,
        "name": membership.user or membership.name,
        "form": form,
        "others": others,
        "receipt": departures.departure_of(membership=membership),
        "left": departures.open_of(membership=membership),
        "has_cards": Card.objects.live().filter(membership=membership).exists(),
        "signs_out": departures.ends_sessions(membership=membership),
    }
    return render(request, "organizations/member_left.html", context, status=422 if form.is_bound else 200)
