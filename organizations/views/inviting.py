"""Inviting: one or many addresses, or a file; what was sent, sent again, corrected or revoked; the register."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.answers import see_other
from accounts.refusals import Refusal
from organizations import team
from organizations.access import CustomerRequest, requires
from organizations.forms import AddressForm, InviteForm
from organizations.models import Customer, Mandate, Membership
from organizations.permissions import Permission, Role
from organizations.remains import left_of
from organizations.services import invitations, mandates
from organizations.services.mandates import Invitee
from organizations.views.team import (
    chosen_in,
    edges_given_by,
    key_in,
    of_members,
    rights_of,
    role_table,
    roles_given_by,
    who_else_may,
    whom_to_ask,
)
from signatures.links import path_of
from signatures.parties import origin_of

REGISTER_PAGE = 100


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def team_invite(request: CustomerRequest) -> HttpResponse:
    """Whom, to what; then straight to the signature, without which nothing leaves."""
    form = InviteForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        customer=request.customer,
        roles=roles_given_by(request),
        initial={"role": Role.VISITOR, "people": request.GET.get("email", "")[:254], **edges_given_by(request)},
    )
    waiting_url, others = "", list[Membership]()
    if form.is_valid():
        try:
            batch = mandates.prepare_invitations(
                customer=request.customer,
                people=[(invitee, form.wish) for invitee in _invitees(form, request.customer)],
                by=request.user,
                proof=form.cleaned_data["proof"],
            )
            asked = mandates.ask_to_sign(
                customer=request.customer, batch=batch, by=request.user, origin=origin_of(request=request)
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            others = who_else_may(request, refusal)
            if isinstance(refusal, mandates.AlreadyWaiting):
                waiting_url = _found_at(request.customer, email=str(refusal.words["email"]))
        else:
            return see_other(path_of(request=asked))
    context = {
        "form": form,
        "waiting_url": waiting_url,
        "others": others,
        "rights": rights_of(request.customer, chosen=chosen_in(form)),
        "role_table": role_table(),
        **whom_to_ask(request),
    }
    return render(request, "organizations/team_invite.html", context, status=422 if form.is_bound else 200)


def _found_at(customer: Customer, *, email: str) -> str:
    """The team, with what waits for this address alone."""
    return f"{reverse('organizations:team', args=[customer.public_id])}?{urlencode({'q': email})}"


def _invitees(form: InviteForm, customer: Customer) -> list[Invitee]:
    people = [
        Invitee(first_name=first, last_name=last, email=email, language=customer.language)
        for first, last, email in form.cleaned_data["people"]
    ]
    if form.cleaned_data["counter_name"]:
        first, _space, last = form.cleaned_data["counter_name"].partition(" ")
        phone = form.cleaned_data["counter_phone"].as_e164
        people.append(Invitee(first_name=first, last_name=last, email="", phone=phone, language=customer.language))
    return people


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def mandate_detail(request: CustomerRequest, mandate_id: int) -> HttpResponse:
    """One authorisation: where it stands, and what can be done: sign, send again, correct the address, give up."""
    mandate = _mandate(request, mandate_id)
    form = AddressForm(request.POST if "correct" in request.POST else None, initial={"email": mandate.email})
    refusal, language = None, get_language() or "fr-ca"
    if request.method == "POST":
        try:
            if (answer := _act(request, mandate, form)) is not None:
                return answer
        except Refusal as caught:
            refusal = caught
    context = {
        "mandate": mandate,
        "invitation": getattr(mandate, "invitation", None),
        "state": team.state_of(mandate=mandate, by=request.user),
        "left": left_of(mandates=[mandate], on=timezone.localdate(), language=language).get(mandate.pk),
        "is_mine": mandate.prepared_by_id == request.user.pk,
        "form": form,
        "refusal": refusal,
        "others": who_else_may(request, refusal),
    }
    return render(
        request, "organizations/mandate_detail.html", context, status=422 if request.method == "POST" else 200
    )


def _act(request: CustomerRequest, mandate: Mandate, form: AddressForm) -> HttpResponse | None:
    """The button that was pressed; nothing when the form says what is wrong."""
    if "resend" in request.POST:
        invitations.resend_invitation(mandate=mandate, by=request.user)
    elif "cancel" in request.POST:
        mandates.cancel_mandate(mandate=mandate, by=request.user)
    elif "correct" in request.POST:
        if not form.is_valid():
            return None
        batch = mandates.correct_address(mandate=mandate, email=form.cleaned_data["email"], by=request.user)
        asked = mandates.ask_to_sign(
            customer=request.customer, batch=batch, by=request.user, origin=origin_of(request=request)
        )
        return see_other(path_of(request=asked))
    else:
        raise Http404
    return see_other(request.path)


def _mandate(request: CustomerRequest, mandate_id: int) -> Mandate:
    """Any of the company's for who manages the team; else those one prepared oneself."""
    rows = request.customer.mandates.select_related(
        "prepared_by", "signature__seal", "invitation__message", "membership", "through__parent"
    )
    if Permission.MANAGE_TEAM not in request.permissions:
        rows = rows.filter(prepared_by=request.user)
    return get_object_or_404(rows, pk=mandate_id)


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_safe
def mandate_register(request: CustomerRequest) -> HttpResponse:
    """The mandates in force on a day, today by default, with the signed file of each."""
    mandates_of, typed, mistake = request.customer.mandates, request.GET.get("on", ""), ""
    try:
        day = date.fromisoformat(typed) if typed else timezone.localdate()
        rows = mandates_of.in_force(on=day)
    except (ValueError, OverflowError):  # the last day there is has no end
        day, mistake = timezone.localdate(), _("This is not a date. Write it as 2026-11-22.")
        rows = mandates_of.in_force(on=day)
    after = mandates_of.filter(pk=key_in(request.GET.get("after", ""))).first()
    rows = (
        rows.after(place=after)
        .select_related("prepared_by", "signature__seal", "through__parent")
        .prefetch_related("branches")
    )
    found = list(rows[: REGISTER_PAGE + 1])
    shown, has_more = found[:REGISTER_PAGE], len(found) > REGISTER_PAGE
    left = left_of(mandates=shown, on=day, language=get_language() or "fr-ca")
    context = {
        "day": day,
        "typed": typed,
        "mistake": mistake,
        "mandates": shown,
        "rows": [(mandate, left.get(mandate.pk)) for mandate in shown],
        "after": after,
        "more": urlencode({"on": day.isoformat(), "after": str(shown[-1].pk)}) if has_more else "",
    }
    return render(request, "organizations/mandate_register.html", context, status=422 if mistake else 200)


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_safe
def mandate_pdf(request: CustomerRequest, mandate_id: int) -> HttpResponse:
    """The sealed file of one mandate."""
    mandate = get_object_or_404(request.customer.mandates.select_related("signature__seal"), pk=mandate_id)
    if mandate.file_state != Mandate.FileState.READY or mandate.signature is None:
        raise Http404
    with mandate.signature.seal.file.open("rb") as file:
        content = file.read()
    name = f"{slugify(_('Mandate'))}-{slugify(mandate.name)}.pdf"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "",
            "X-Content-Type-Options": "nosniff",
        },
    )
