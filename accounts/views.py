"""Pages about oneself."""

from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.account.views import confirm_email
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.answers import see_other
from accounts.forms import ProfileForm
from accounts.requests import PersonRequest


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PersonRequest) -> HttpResponse:
    """My name, phone and language; the way to my e-mail, password and devices."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST":
        if form.is_valid():
            user = services.update_profile(by=request.user, **form.cleaned_data)
            translation.activate(user.language)
            messages.success(request, _("Your information is up to date."))
            return see_other(reverse("accounts:profile"))
        # The form has written on request.user what the database refused: the frame must not show it.
        request.user.refresh_from_db()
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@login_not_required
def email_confirm(request: HttpRequest, key: str) -> HttpResponse:
    """allauth's page of a confirmation link; a button pressed twice leads to the words that explain, not to a 404."""
    try:
        return confirm_email(request, key=key)
    except Http404:
        return see_other("/" if request.user.is_authenticated else request.path)


@require_POST
def session_end(request: PersonRequest, session_id: int) -> HttpResponse:
    """Sign out one of my other devices; allauth's own page ends them all at once."""
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    if session.is_current():
        return see_other(reverse("account_logout"))
    session.end()
    messages.success(request, _("That device is signed out."))
    return see_other(reverse("usersessions_list"))


@login_not_required
@require_POST
def confirmation_resend(request: HttpRequest) -> HttpResponse:
    """The link of the sign-up under way in this browser, once more; the same words whoever has the address."""
    stage = LoginStageController.enter(request, EmailVerificationStage.key)
    if stage is None:
        messages.info(
            request, _("Sign in with your address and password: if the address is to confirm, a link leaves.")
        )
        return see_other(reverse("account_login"))
    if not send_verification_email_at_login(request, stage.login):
        messages.warning(request, _("No new link has left: one leaves every three minutes at most. Try again shortly."))
    return see_other(reverse("account_email_verification_sent"))
