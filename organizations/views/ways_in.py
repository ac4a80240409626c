"""Ways in: the person nobody recognised, the activation link, and asking for a permission or giving it."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import quiet, see_other, signed_in, speak_as_written
from accounts.models import User
from accounts.requests import PersonRequest
from organizations.access import CustomerRequest, permissions_by, requires, who_may_be_asked
from organizations.forms import AccessRequestForm, ActivationForm
from organizations.models import AccessRequest, ActivationRequest, Customer, Mandate, Merchant
from organizations.permissions import OPENING_ROLES, Permission
from organizations.refusals import Refusal
from organizations.services import activation, members, recognition, requests
from organizations.views.team import of_members, signed_from, who_else_may

LONGEST_PATH = 500
# The links that no longer work, as their page names them.
WHY: dict[type[Refusal], str] = {
    activation.ActivationUsed: "used",
    activation.ActivationExpired: "expired",
    activation.ActivationReplaced: "replaced",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unrecognized(request: PersonRequest) -> HttpResponse:
    """Why no space shows, who can help, and the request to be found; its answer shows here too."""
    latest = AccessRequest.objects.filter(user=request.user).select_related("merchant").order_by("merchant", "-pk")
    asked = list(latest.distinct("merchant"))
    waiting = [row.merchant_id for row in asked if row.status == AccessRequest.Status.OPEN]
    merchants = Merchant.objects.order_by("-is_default", "name", "pk")
    form = None
    if request.method == "POST":
        form = AccessRequestForm(data=request.POST, merchants=merchants)
        if form.is_valid():
            try:
                requests.request_access(by=request.user, **form.cleaned_data)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                return see_other(reverse("organizations:unrecognized"))
    elif merchants.exclude(pk__in=waiting).exists():
        initial = {"name": request.user.get_full_name(), "phone": request.user.phone}
        form = AccessRequestForm(initial=initial, merchants=merchants.exclude(pk__in=waiting))
    context = {
        "form": form,
        "asked": [row for row in asked if row.status != AccessRequest.Status.LINKED],
        "merchants": merchants,
        "companies": recognition.waiting_for_opening(user=request.user),
        "ended": recognition.ended_customers(user=request.user),
        "opening_roles": [role.label for role in sorted(OPENING_ROLES, reverse=True)],
        "has_customers": Customer.objects.for_user(request.user).exists(),
    }
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "organizations/unrecognized.html", context, status=status)


@require_POST
def recognition_retry(request: PersonRequest) -> HttpResponse:
    """Look at the files again, after a call to the desk for instance."""
    found = recognition.recognize(user=request.user)
    return see_other(reverse("portal:landing") if found else f"{reverse('organizations:unrecognized')}?looked=1")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def activation_use(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an activation request: GET says who invites whom to what, POST opens the space."""
    try:
        invitation = activation.activation_of(token=token)
    except activation.AccountExists as refusal:
        return _activation_of_known(request, token=token, invitation=refusal.request)
    except Refusal as refusal:
        return _activation_refused(request, refusal=refusal, token=token)
    speak_as_written(request=request, language=invitation.customer.language)
    if request.user.is_authenticated:
        return render(request, "organizations/activation_known.html", _words_of(invitation, is_theirs=False))
    form = ActivationForm(
        data=request.POST if request.method == "POST" else None,
        email=invitation.email,
        initial=_name_on_file(invitation),
    )
    if form.is_valid():
        try:
            user = activation.activate(token=token, language=get_language() or "", **form.cleaned_data)
        except Refusal as refusal:  # used or replaced since the page was read
            return _activation_refused(request, refusal=refusal, token=token)
        return signed_in(request=request, user=user, address=invitation.customer.get_absolute_url())
    context = _words_of(invitation, form=form)
    return quiet(render(request, "organizations/activation.html", context, status=422 if form.is_bound else 200))


@login_not_required
@require_POST
def activation_ask_again(request: HttpRequest, token: str) -> HttpResponse:
    """The holder of an expired link asks the desk for another."""
    try:
        activation.ask_for_new_link(token=token)
    except Refusal as refusal:
        return _activation_refused(request, refusal=refusal, token=token)
    return see_other(reverse("organizations:activate", args=[token]))


@requires()
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def permission_ask(request: CustomerRequest, permission: str) -> HttpResponse:
    """Ask whoever can give it for a permission; then the receipt."""
    if permission not in Permission:
        raise Http404
    wanted = Permission(permission)
    is_refused = False
    back = _page_of(request.customer, request.POST.get("back", ""))
    if request.method == "POST":
        try:
            members.ask_for_permission(customer=request.customer, permission=wanted, by=request.user, back=back)
        except Refusal:  # the page says which: given already, or nobody to ask
            is_refused = True
        else:
            return see_other(request.path)
    asked = members.permission_asked(customer=request.customer, permission=wanted, by=request.user)
    context = {
        "permission": wanted,
        "granters": who_may_be_asked(customer=request.customer),
        "asked": asked,
        "is_given": wanted in request.permissions,
        "is_available": wanted.is_available(request.customer.features),
        "back": back or (asked.data.get("back") if asked else "") or request.customer.get_absolute_url(),
    }
    return render(request, "organizations/permission_ask.html", context, status=422 if is_refused else 200)


def _page_of(customer: Customer, path: str) -> str:
    """A page of this very customer, to come back to; anything else is no page."""
    is_ours = path.startswith(customer.get_absolute_url()) and len(path) <= LONGEST_PATH and "//" not in path
    return path if is_ours and path.isprintable() else ""


@requires(Permission.MANAGE_TEAM, or_parent=True)
@of_members
@require_http_methods(["GET", "HEAD", "POST"])
def permission_grant(request: CustomerRequest, membership_id: int, permission: str) -> HttpResponse:
    """Where the letter of somebody who asks leads: who asks, for what, and one button, which leads to the signature."""
    people = request.customer.memberships.filter(user__isnull=False).select_related("user")
    membership = get_object_or_404(people, pk=membership_id)
    if permission not in Permission:
        raise Http404
    wanted = Permission(permission)
    refusal = None
    if request.method == "POST":
        try:
            batch = members.grant(membership=membership, permission=wanted, by=request.user)
            if batch is None:
                return see_other(request.path)
            return signed_from(request, batch)
        except Refusal as caught:
            refusal = caught
    membership.customer = request.customer
    context = {
        "permission": wanted,
        "member": membership,
        "begins_later": members.begins_later(membership=membership),
        "may_receive": members.may_receive(membership=membership),
        "is_given": wanted in permissions_by(membership=membership),
        "is_available": wanted.is_available(request.customer.features),
        "mandate": Mandate.objects.live().filter(membership=membership, effective_at__isnull=False).first(),
        "refusal": refusal,
        "others": who_else_may(request, refusal),
    }
    return render(request, "organizations/permission_grant.html", context, status=422 if refusal else 200)


def _activation_of_known(request: HttpRequest, *, token: str, invitation: ActivationRequest) -> HttpResponse:
    """The address already has a profile: its password is never changed by a link, its owner signs in."""
    speak_as_written(request=request, language=invitation.customer.language)
    person = request.user if isinstance(request.user, User) else None
    is_theirs = person is not None and invitation.email in recognition.confirmed_addresses(user=person)
    if request.method == "POST" and person is not None and is_theirs:
        try:
            customer = activation.accept_activation(token=token, by=person)
        except Refusal as refusal:
            return _activation_refused(request, refusal=refusal, token=token)
        return see_other(customer.get_absolute_url())
    return render(request, "organizations/activation_known.html", _words_of(invitation, is_theirs=is_theirs))


def _activation_refused(request: HttpRequest, *, refusal: Refusal, token: str) -> HttpResponse:
    """A link that no longer works says why, and offers the way on."""
    if isinstance(refusal, activation.ActivationUnknown):
        return render(
            request, "organizations/activation_refused.html", {"refusal": refusal, "why": "unknown"}, status=404
        )
    if not isinstance(refusal, activation.LinkRefused) or type(refusal) not in WHY:
        return see_other(request.path)  # the page says who may use it
    invitation = refusal.request
    speak_as_written(request=request, language=invitation.customer.language)
    if isinstance(refusal, activation.ActivationUsed):
        is_member = request.user.is_authenticated and Customer.objects.for_user(request.user).filter(
            pk=invitation.customer_id
        )
        if is_member:
            return see_other(invitation.customer.get_absolute_url())
        if user := _who_just_activated(request, invitation=invitation):
            return signed_in(request=request, user=user, address=invitation.customer.get_absolute_url())
    asked = activation.new_link_asked(request=invitation)
    context = _words_of(invitation, refusal=refusal, why=WHY[type(refusal)], token=token, asked=asked)
    return render(request, "organizations/activation_refused.html", context, status=410)


def _who_just_activated(request: HttpRequest, *, invitation: ActivationRequest) -> User | None:
    """A second click on the form: the password just chosen signs in, under allauth's limits of attempts."""
    password = request.POST.get("password", "")
    if not password or request.user.is_authenticated:
        return None
    try:
        return get_adapter(request).authenticate(request, email=invitation.email, password=password)
    except ValidationError:
        return None


def _name_on_file(invitation: ActivationRequest) -> dict[str, str]:
    member = invitation.membership
    return {"first_name": member.first_name, "last_name": member.last_name} if member else {}


def _words_of(invitation: ActivationRequest, **others: object) -> dict[str, object]:
    """What a page of a link says, in the name of the merchant who sent it."""
    return {"invitation": invitation, "merchant": invitation.customer.merchant, **others}
