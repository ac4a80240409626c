"""Asking to join a company, answering who asks, and the timeline of a take-over."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.answers import see_other
from accounts.refusals import Refusal
from accounts.requests import PersonRequest
from organizations.access import CustomerRequest, requires
from organizations.forms import JoinForm, TakeOverForm
from organizations.models import JoinRequest, Merchant, TakeOver
from organizations.permissions import OPENING_ROLES, Permission
from organizations.services import petitions
from organizations.views.team import key_in, of_members


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join_ask(request: PersonRequest) -> HttpResponse:
    """The same page and the same answer whether or not there is such a company."""
    merchants = Merchant.objects.order_by("-is_default", "name", "pk")
    form = JoinForm(request.POST if request.method == "POST" else None, merchants=merchants)
    if form.is_valid():
        try:
            petitions.ask_to_join(by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            return see_other(request.path)
    asked = JoinRequest.objects.asked_by(request.user).select_related("merchant")[:10]
    return render(
        request, "organizations/join_ask.html", {"form": form, "asked": asked}, status=422 if form.is_bound else 200
    )


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def join_requests(request: CustomerRequest) -> HttpResponse:
    """Who asks to join: accepted, the invitation is filled in and signed; refused, nobody is written to."""
    waiting = request.customer.join_requests.filter(decided_at=None).select_related("user").order_by("pk")
    refusal = None
    if request.method == "POST":
        chosen = request.POST.get("accept") or request.POST.get("refuse") or ""
        asked = request.customer.join_requests.filter(pk=key_in(chosen)).first()
        try:
            if asked is None:
                raise petitions.JoinDecided
            petitions.decide_join(join_request=asked, is_accepted="accept" in request.POST, by=request.user)
        except Refusal as caught:
            refusal = caught
        else:
            if "accept" in request.POST:
                invite = reverse("organizations:team-invite", args=[request.customer.public_id])
                return see_other(f"{invite}?{urlencode({'email': asked.user.email})}")
            return see_other(request.path)
    context = {"waiting": waiting[:50], "refusal": refusal}
    return render(request, "organizations/join_requests.html", context, status=422 if refusal else 200)


@requires()
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def take_over(request: CustomerRequest) -> HttpResponse:
    """One timeline for all: asked, announced, opposed or not, decided; and the form of who asks."""
    rows = TakeOver.objects.filter(customer=request.customer)
    latest = rows.select_related("asked_by", "opposed_by", "decided_by").order_by("-pk").first()
    form = TakeOverForm(request.POST if "ask" in request.POST else None)
    refusal = None
    if request.method == "POST":
        try:
            if "oppose" in request.POST and latest is not None:
                petitions.oppose_take_over(take_over=latest, by=request.user)
                return see_other(request.path)
            if form.is_valid():
                petitions.ask_take_over(customer=request.customer, by=request.user, **form.cleaned_data)
                return see_other(request.path)
        except Refusal as caught:
            refusal = caught
    is_open = latest is not None and latest.is_open
    context = {
        "take_over": latest,
        "is_open": is_open,
        "form": form,
        "refusal": refusal,
        "cooling_days": petitions.COOLING_OFF.days,
        "may_oppose": is_open and request.membership.role in OPENING_ROLES,
        "may_ask": not is_open and request.membership.role not in OPENING_ROLES,
    }
    return render(request, "organizations/take_over.html", context, status=422 if request.method == "POST" else 200)
