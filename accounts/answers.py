"""What pages of every app answer with: after a POST, to the holder of a link, and to who has just come in by one."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation

from accounts.models import User


def see_other(address: str) -> HttpResponseRedirect:
    """After a POST: a redirect that is always fetched with GET."""
    return HttpResponseRedirect(address, status=303)


def quiet(response: HttpResponse) -> HttpResponse:
    """Django would write the address of a refusal in its log, and the link of such a page lets its reader act."""
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001 - its only switch
    return response


def speak_as_written(*, request: HttpRequest, language: str) -> None:
    """In the language of the letter that brought a reader, unless they signed in or chose one."""
    if not request.user.is_authenticated and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(language)


def signed_in(*, request: HttpRequest, user: User, address: str) -> HttpResponse:
    """Through allauth's stages, so that a second factor and its signals are respected; then to the address."""
    login = Login(user=user, redirect_url=address, email=user.email)
    response = perform_password_login(request, {"email": user.email}, login)
    return see_other(response.headers["Location"]) if "Location" in response.headers else response
