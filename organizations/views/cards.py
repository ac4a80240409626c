"""The card a person shows at a counter: on their phone, or printed by somebody who manages the team."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import see_other
from accounts.refusals import Refusal
from organizations import cards
from organizations.access import CustomerRequest, permissions_by, requires
from organizations.lookup import named
from organizations.models import Card, Membership
from organizations.permissions import Permission
from organizations.services.cards import make_card, revoke_cards
from organizations.views.team import of_members

AT_COUNTERS = frozenset({Permission.RENT, Permission.PICK_UP})


@requires()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: CustomerRequest) -> HttpResponse:
    """The person's own card: a code that turns, made or made anew in one press."""
    is_useful = bool(AT_COUNTERS & request.permissions)
    if request.method == "POST" and is_useful:
        with suppress(Refusal):  # ended since: the page is not theirs any more
            make_card(membership=request.membership, kind=Card.Kind.PHONE, by=request.user)
        return see_other(request.path)
    found = Card.objects.live().filter(membership=request.membership, kind=Card.Kind.PHONE).first()
    context: dict[str, object] = {"card": found, "is_useful": is_useful, "person": request.user}
    if found is not None:
        side, path = cards.qr_path(cards.code_of(card=found))
        context |= {"side": side, "path": path, "code": cards.code_of(card=found), "shown_at": timezone.now()}
        context["until"] = timezone.now() + timedelta(seconds=cards.STEP)
    page = "organizations/card.html"
    return render(request, f"{page}#code" if request.htmx and found else page, context)


@requires()
@require_POST
def card_revoke(request: CustomerRequest) -> HttpResponse:
    """A phone was lost: the card on it stops at once."""
    revoke_cards(membership=request.membership, kind=Card.Kind.PHONE)
    return see_other(reverse("organizations:card", args=[request.customer.public_id]))


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def card_print(request: CustomerRequest, membership_id: int) -> HttpResponse:
    """Make a card to print for one member; its PIN shows on this answer alone. A new one replaces the old."""
    member = _member(request, membership_id)
    is_useful = bool(AT_COUNTERS & permissions_by(membership=member))
    old = Card.objects.live().filter(membership=member, kind=Card.Kind.PRINTED).first()
    context: dict[str, object] = {
        "member": member,
        "old": old,
        "name": named(membership=member),
        "is_useful": is_useful,
        "pin": "",
        "refusal": None,
    }
    if request.method == "POST" and is_useful:
        if "revoke" in request.POST:
            revoke_cards(membership=member, kind=Card.Kind.PRINTED)
            return see_other(request.path)
        try:
            made, pin = make_card(membership=member, kind=Card.Kind.PRINTED, by=request.user)
        except Refusal as refusal:
            context["refusal"] = refusal
            return render(request, "organizations/card_print.html", context, status=422)
        side, path = cards.qr_path(cards.code_of(card=made))
        context |= {"card": made, "pin": pin, "side": side, "path": path}
    return render(request, "organizations/card_print.html", context)


def _member(request: CustomerRequest, membership_id: int) -> Membership:
    people = Membership.objects.active().filter(customer=request.customer).select_related("user", "customer")
    return get_object_or_404(people, pk=membership_id)
