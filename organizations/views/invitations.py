"""The link of an invitation: GET says who invites whom to what, and changes nothing; POST accepts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import quiet, see_other, signed_in, speak_as_written
from accounts.formats import masked_email
from accounts.models import User
from accounts.refusals import Refusal
from organizations.forms import ActivationForm
from organizations.models import Customer, Invitation
from organizations.papers import edges_of
from organizations.permissions import NEEDING_PROOF, Permission
from organizations.services import invitations
from organizations.services.profiles import ProfileInUse
from organizations.terms import terms_signed

WHY: dict[type[Refusal], str] = {
    invitations.InvitationAccepted: "accepted",
    invitations.InvitationExpired: "expired",
    invitations.InvitationRevoked: "revoked",
}


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """One link for all cases: a new person, a known one to sign in, the right one signed in, or somebody else."""
    try:
        invitation = invitations.invitation_of(token=token)
    except Refusal as refusal:
        return quiet(_refused(request, refusal=refusal))
    speak_as_written(request=request, language=invitation.mandate.language)
    if isinstance(request.user, User):
        return quiet(_signed_in_person(request, invitation, token=token, person=request.user))
    if invitations.known_person(invitation=invitation) is not None:
        # By the address it was sent to: whoever holds the link learns no other.
        return quiet(_page(request, invitation, case="known"))
    return quiet(_new_person(request, invitation, token=token))


@login_not_required
@require_POST
def invitation_opened(request: HttpRequest, token: str) -> HttpResponse:
    """The page says by itself that a browser shows it: a mail scanner that follows links does not."""
    invitations.mark_opened(token=token)
    return HttpResponse(status=204)


def _signed_in_person(request: HttpRequest, invitation: Invitation, *, token: str, person: User) -> HttpResponse:
    if not invitations.is_theirs(invitation=invitation, user=person):
        return _page(request, invitation, case="other", mine=person.email)
    if request.method != "POST":
        return _page(request, invitation, case="theirs")
    try:
        page = invitations.accept_invitation(token=token, by=person)
    except invitations.InvitationOver:
        return see_other(request.path)
    except Refusal as refusal:
        return _page(request, invitation, case="theirs", refusal=refusal)
    return see_other(page)


def _new_person(request: HttpRequest, invitation: Invitation, *, token: str) -> HttpResponse:
    mandate = invitation.mandate
    form = ActivationForm(
        data=request.POST if request.method == "POST" else None,
        email=mandate.email,
        initial={"first_name": mandate.first_name, "last_name": mandate.last_name},
    )
    if form.is_valid():
        try:
            user = invitations.accept_as_new(token=token, language=get_language() or "", **form.cleaned_data)
        except (invitations.InvitationOver, ProfileInUse):  # since the page was read: it says which
            return see_other(request.path)
        return signed_in(request=request, user=user, address=mandate.customer.get_absolute_url())
    return _page(request, invitation, case="new", form=form)


def _page(request: HttpRequest, invitation: Invitation, *, case: str, **others: object) -> HttpResponse:
    mandate = invitation.mandate
    held = terms_signed(mandate=mandate).permissions
    context = {
        "case": case,
        "form": None,
        "refusal": None,
        "mine": "",
        "address": mandate.email,
        "invitation": invitation,
        "mandate": mandate,
        "merchant": mandate.customer.merchant,
        "rights": [(right, right in NEEDING_PROOF) for right in Permission if right in held],
        "edges": edges_of(mandate=mandate, language=get_language() or "fr-ca"),
        "opened_url": f"{request.path}opened/",
        **others,
    }
    is_refused = others.get("refusal") is not None or (case == "new" and request.method == "POST")
    return render(request, "organizations/invitation.html", context, status=422 if is_refused else 200)


def _refused(request: HttpRequest, *, refusal: Refusal) -> HttpResponse:
    """Why it opens nothing, and whom to ask; a member who accepted it goes to their space."""
    if not isinstance(refusal, invitations.InvitationOver):
        return render(
            request, "organizations/invitation_refused.html", {"refusal": refusal, "why": "unknown"}, status=404
        )
    invitation = refusal.invitation
    mandate = invitation.mandate
    speak_as_written(request=request, language=invitation.mandate.language)
    if isinstance(request.user, User) and isinstance(refusal, invitations.InvitationAccepted):
        is_in = Customer.objects.for_user(request.user).filter(pk=mandate.customer_id).exists()
        if is_in:
            return see_other(mandate.customer.get_absolute_url())
    context = {
        "refusal": refusal,
        "why": WHY[type(refusal)],
        "invitation": invitation,
        "inviter": mandate.prepared_by,
        "company": mandate.customer.name,
        "address": masked_email(mandate.email),
        "merchant": mandate.customer.merchant,
    }
    return render(request, "organizations/invitation_refused.html", context, status=410)
