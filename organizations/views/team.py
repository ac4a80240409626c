"""The people of a company, for those who may invite or manage them: the list, one person, ending an access."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import see_other
from accounts.refusals import Refusal
from organizations import spreadsheets, team
from organizations.access import CustomerRequest, View, permissions_by, requires, who_may_be_asked
from organizations.forms import AccessForm
from organizations.models import Customer, Membership
from organizations.papers import edges_of
from organizations.permissions import OPENING_ROLES, ROLE_PERMISSIONS, Permission, Role
from organizations.services import mandates, members, proofs
from organizations.services.departures import departure_of
from organizations.services.reach import EDGES
from organizations.terms import terms_of
from signatures.links import path_of
from signatures.parties import origin_of

FRAGMENTS = {"results": "#results", "more": "#rows", "more-waiting": "#waiting_rows"}


def key_in(text: str) -> int:
    """The row a form names; zero, which no row has, when it names none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 - a bigint


def of_members(view: View) -> Callable[..., HttpResponseBase]:
    """Only member companies have a team: the others are told why, and how to become one."""

    @wraps(view)
    def page(request: CustomerRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.customer.kind != Customer.Kind.MEMBER:
            return render(request, "organizations/team_of_members.html")
        return view(request, *args, **kwargs)

    return page


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@require_safe
def team_list(request: CustomerRequest) -> HttpResponse:
    """Who may do what, and what waits. The same queries for ten people and for ten thousand."""
    customer, target = request.customer, request.htmx.target or ""
    filters = team.filters_from(data=request.GET)
    after = request.GET.get("after", "")
    context: dict[str, Any] = {
        "filters": filters,
        "after": after,
        "fragment": target,
        "roles": Role.choices,
        "states": [
            ("active", _("In force")),
            ("counter", _("Have not come, or at the counter only")),
            ("later", _("Begin later")),
            ("ended", _("Ended")),
        ],
        "export_url": f"{reverse('organizations:team-export', args=[customer.public_id])}?{filters.query}",
        "manages": Permission.MANAGE_TEAM in request.permissions,
        "through": request.through,
    }
    if target != "more-waiting":
        context |= _people(customer, filters=filters, after=after)
    if target != "more":
        context |= _waiting(request, filters=filters)
    if target not in FRAGMENTS:
        context["desk"] = team.desk_of(customer=customer, by=request.user)
    return render(request, f"organizations/team_list.html{FRAGMENTS.get(target, '')}", context)


def _people(customer: Customer, *, filters: team.Filters, after: str) -> dict[str, Any]:
    found = team.page_after(customer=customer, filters=filters, after=after)
    shown, has_more = found[: team.PAGE], len(found) > team.PAGE
    return {
        "people": [team.described(membership=row, customer=customer) for row in shown],
        "more_url": _list_url(customer, filters, after=team.place_of(membership=shown[-1])) if has_more else "",
    }


def _waiting(request: CustomerRequest, *, filters: team.Filters) -> dict[str, Any]:
    """What waits, each with whether this person may open it: anything for who manages the team, else their own."""
    customer, before = request.customer, key_in(request.GET.get("waiting", ""))
    manages = Permission.MANAGE_TEAM in request.permissions
    found = team.waiting_mandates(customer=customer, filters=filters, before=before)
    shown, has_more = found[: team.PAGE], len(found) > team.PAGE
    return {
        "waiting": [
            (row, team.state_of(mandate=row, by=request.user), manages or row.prepared_by_id == request.user.pk)
            for row in shown
        ],
        "waiting_before": before,
        "more_waiting_url": _list_url(customer, filters, waiting=str(shown[-1].pk)) if has_more else "",
    }


def _list_url(customer: Customer, filters: team.Filters, **place: str) -> str:
    """The list with the same filters, from another place."""
    address = reverse("organizations:team", args=[customer.public_id])
    return f"{address}?{'&'.join(filter(None, [filters.query, urlencode(place)]))}"


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_safe
def team_export(request: CustomerRequest) -> StreamingHttpResponse:
    filters = team.filters_from(data=request.GET)
    name = f"{slugify(_('Team'))}-{slugify(request.customer.number)}-{timezone.localdate().isoformat()}.csv"
    return StreamingHttpResponse(
        spreadsheets.written(customer=request.customer, filters=filters),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def member_detail(request: CustomerRequest, membership_id: int) -> HttpResponse:
    """One person: what they may do, within which edges, by which mandates; and the form that changes it."""
    membership = _member(request, membership_id)
    others: list[Membership] = []
    waits = proofs.waiting_of(membership=membership)
    form = AccessForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        customer=request.customer,
        roles=roles_given_by(request),
        proved=proofs.proved_of(membership=membership).rights | waits.rights,
        initial=_as_initial(membership, waits=waits.rights),
    )
    if form.is_valid():
        try:
            with proofs.keeping_proof(proof=form.cleaned_data["proof"]) as proof:
                batch = members.change_member(membership=membership, wish=form.wish, by=request.user, proof=proof)
            if batch is not None:
                return signed_from(request, batch)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            others = who_else_may(request, refusal)
        else:
            return see_other(f"{request.path}?changed=1")
    return render(
        request,
        "organizations/member_detail.html",
        {
            "form": form,
            "rights": rights_of(request.customer, chosen=chosen_in(form)),
            "role_table": role_table(),
            "others": others,
            "waits": sorted(waits.rights),
            "has_changed": "changed" in request.GET,
            **_facts(request.customer, membership),
        },
        status=422 if form.is_bound else 200,
    )


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def member_remove(request: CustomerRequest, membership_id: int) -> HttpResponse:
    """Asks once, naming the person and what ends; then the receipt."""
    membership = _member(request, membership_id)
    refusal = None
    if request.method == "POST":
        try:
            members.remove_member(membership=membership, by=request.user)
        except Refusal as caught:
            refusal = caught
        else:
            return see_other(request.path)
    context = {"member": membership, "person": team.described(membership=membership, customer=request.customer),
               "refusal": refusal, "others": who_else_may(request, refusal)}  # fmt: skip
    return render(request, "organizations/member_remove.html", context, status=422 if refusal else 200)


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@require_POST
def mandate_sign(request: CustomerRequest, mandate_id: int) -> HttpResponse:
    """To the page that signs what was prepared and not signed yet."""
    mandate = get_object_or_404(request.customer.mandates, pk=mandate_id, prepared_by=request.user)
    try:
        asked = mandates.ask_to_sign(
            customer=request.customer, batch=mandate.batch, by=request.user, origin=origin_of(request=request)
        )
    except Refusal as refusal:
        messages.warning(request, str(refusal))
        return see_other(reverse("organizations:team", args=[request.customer.public_id]))
    return see_other(path_of(request=asked))


def signed_from(request: CustomerRequest, batch: UUID) -> HttpResponse:
    """To the signature of what was prepared on this page, which it leads back to. Raises what keeps from signing."""
    asked = mandates.ask_to_sign(
        customer=request.customer, batch=batch, by=request.user, origin=origin_of(request=request), back=request.path
    )
    return see_other(path_of(request=asked))


def who_else_may(request: CustomerRequest, refusal: Refusal | None) -> list[Membership]:
    """Whom the page names when a rule answers that this person may not: nobody else can say yes."""
    if not isinstance(refusal, (mandates.BeyondReach, mandates.GivenToOneself)):
        return []
    return [one for one in who_may_be_asked(customer=request.customer) if one.user != request.user]


def whom_to_ask(request: CustomerRequest) -> dict[str, Any]:
    """What an editor reads instead of the other roles: the permission they lack, and who can give it."""
    if Permission.MANAGE_TEAM in request.permissions:
        return {"manages": True}
    wanted = Permission.MANAGE_TEAM
    return {
        "manages": False,
        "permission": wanted,
        "granters": who_may_be_asked(customer=request.customer),
        "asked": members.permission_asked(customer=request.customer, permission=wanted, by=request.user),
    }


def roles_given_by(request: CustomerRequest) -> list[str]:
    """The roles this person may give."""
    if Permission.MANAGE_TEAM not in request.permissions:
        return [Role.VISITOR.value]
    return [role for role in Role.values if role not in OPENING_ROLES or request.membership.role in OPENING_ROLES]


def edges_given_by(request: CustomerRequest) -> dict[str, Any]:
    """The widest edges this person may give, to begin with; whoever administers gives any."""
    if request.membership.role in OPENING_ROLES:
        return {}
    own = _as_initial(request.membership)
    return {name: own[name] for name in EDGES}


def rights_of(customer: Customer, *, chosen: frozenset[str]) -> list[tuple[Permission, bool, bool]]:
    """Each permission, whether it is ticked, and whether the customer's contracts let it be used."""
    return [(right, right.value in chosen, right.is_available(customer.features)) for right in Permission]


def role_table() -> list[tuple[str, list[str]]]:
    """Each role, and in words what comes with it."""
    return [
        (str(role.label), [str(right.label) for right in Permission if right in ROLE_PERMISSIONS[role]])
        for role in Role
    ]


def chosen_in(form: AccessForm) -> frozenset[str]:
    return frozenset(str(value) for value in form["granted"].value() or [])


def _member(request: CustomerRequest, membership_id: int) -> Membership:
    rows = request.customer.memberships.select_related("user").with_granted().prefetch_related("branches")
    membership = get_object_or_404(rows, pk=membership_id)
    membership.customer = request.customer
    return membership


def _as_initial(membership: Membership, *, waits: frozenset[Permission] = frozenset()) -> dict[str, Any]:
    """What they have, and what waits for an agent to look at its document: not ticked again, it would be lost."""
    had = terms_of(membership=membership)
    return {
        "role": had.role,
        "granted": [permission.value for permission in had.beyond_role | waits],
        "starts_on": had.starts_on,
        "ends_on": had.ends_on,
        "ceiling": had.ceiling,
        "requires_purchase_order": had.requires_purchase_order,
        "branches": list(had.branches),
    }


def _facts(customer: Customer, membership: Membership) -> dict[str, Any]:
    """What the page says of the person beside the form."""
    rows = membership.mandates.select_related("prepared_by", "signature", "invitation__message")
    held = permissions_by(membership=membership, customer=customer)
    return {
        "member": membership,
        "person": team.described(membership=membership, customer=customer),
        "held": [permission for permission in Permission if permission in held],
        "edges": edges_of(mandate=membership, language=get_language() or "fr-ca"),
        "mandates": list(rows.order_by("-pk")[:20]),
        "is_over": members.is_over(membership=membership),
        "has_left": departure_of(membership=membership) is not None,
    }
