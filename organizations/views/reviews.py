"""The quarterly review: everybody who has access, each confirmed or removed with one press."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.answers import see_other
from accounts.refusals import Refusal
from organizations import team
from organizations.access import CustomerRequest, requires
from organizations.models import Review
from organizations.permissions import Permission
from organizations.services import reviews
from organizations.views.team import key_in, of_members, who_else_may

ANSWERED = 25  # people the page names of those looked at already


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def team_review(request: CustomerRequest) -> HttpResponse:
    """The latest review: who is left, by name, and what was answered. The same queries for ten and ten thousand."""
    refusal = None
    if request.method == "POST":
        try:
            _answer(request)
        except Refusal as caught:
            refusal = caught
        else:
            return see_other(request.get_full_path())
    review = request.customer.reviews.order_by("-pk").first()
    others = who_else_may(request, refusal)
    context = {"review": review, "refusal": refusal, "others": others, **(_facts(request, review) if review else {})}
    return render(request, "organizations/team_review.html", context, status=422 if refusal else 200)


def _answer(request: CustomerRequest) -> None:
    """The button that was pressed, for the review it was read in."""
    review = request.customer.reviews.filter(pk=key_in(request.POST.get("review", ""))).first()
    if review is None:
        raise reviews.ReviewOver
    if "rest" in request.POST:
        reviews.confirm_rest(review=review, by=request.user)
        return
    answer = reviews.remove_reviewed if "remove" in request.POST else reviews.confirm_member
    chosen = request.POST.get("remove") or request.POST.get("confirm") or ""
    membership = request.customer.memberships.filter(pk=key_in(chosen)).first()
    if membership is None:
        raise reviews.NothingToConfirm
    answer(review=review, membership=membership, by=request.user)


def _facts(request: CustomerRequest, review: Review) -> dict[str, object]:
    customer = request.customer
    waiting = review.waiting() if review.closed_at is None else review.waiting().none()
    rows = team.after_place(rows=waiting.select_related("user").with_granted(), place=request.GET.get("after", ""))
    found = list(rows[: team.PAGE + 1])
    confirmed = review.confirmations.select_related("membership__user", "confirmed_by").order_by("-pk")
    removed = customer.memberships.filter(removed_at__gte=review.opened_at).select_related("user", "removed_by")
    if review.closed_at is not None:
        removed = removed.filter(removed_at__lte=review.closed_at)
    return {
        "people": [team.described(membership=row, customer=customer) for row in found[: team.PAGE]],
        "more": team.place_of(membership=found[team.PAGE - 1]) if len(found) > team.PAGE else "",
        "is_further": "after" in request.GET,
        "confirmed": confirmed[:ANSWERED],
        "removed": removed.order_by("-removed_at", "-pk")[:ANSWERED],
        "me": request.membership.pk,
    }
