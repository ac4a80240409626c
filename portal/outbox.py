"""Pages of a demo alone, /outbox/: the messages sent, with their links, and as a mail program shows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from accounts.frames import FRAMED_POLICY, LETTER_POLICY
from accounts.models import OutgoingMessage
from portal import letterbox

View = Callable[..., HttpResponse]


def for_demo(view: View) -> View:
    """Not there at all elsewhere: these pages show every message to anybody."""

    @wraps(view)
    def shown(request: HttpRequest, **parts: str) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, **parts)

    return login_not_required(require_safe(shown))


@for_demo
def outbox_list(request: HttpRequest) -> HttpResponse:
    context = {"sent": OutgoingMessage.objects.order_by("-pk")[:100], "letters": letterbox.newest()}
    return render(request, "portal/outbox_list.html", context)


@csp_override(FRAMED_POLICY)
@for_demo
def outbox_detail(request: HttpRequest, key: str) -> HttpResponse:
    sent = get_object_or_404(OutgoingMessage, key=key)
    letter_url = reverse("portal:outbox-html", args=[key]) if sent.html else ""
    return render(request, "portal/outbox_detail.html", {"sent": sent, "letter_url": letter_url})


@csp_override(FRAMED_POLICY)
@for_demo
def letter_detail(request: HttpRequest, name: str) -> HttpResponse:
    """A message of a campaign."""
    letter_url = reverse("portal:letter-html", args=[name])
    return render(request, "portal/letter_detail.html", {"letter": _letter(name), "letter_url": letter_url})


@xframe_options_sameorigin
@csp_override(LETTER_POLICY)
@for_demo
def outbox_html(request: HttpRequest, key: str) -> HttpResponse:
    return HttpResponse(get_object_or_404(OutgoingMessage, key=key).html)


@xframe_options_sameorigin
@csp_override(LETTER_POLICY)
@for_demo
def letter_html(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(_letter(name).html)


def _letter(name: str) -> letterbox.Letter:
    letter = letterbox.find(name=name)
    if letter is None:
        raise Http404
    return letter


urlpatterns = [
    path("outbox/", outbox_list, name="outbox"),
    path("outbox/<uuid:key>/", outbox_detail, name="outbox-detail"),
    path("outbox/<uuid:key>/html/", outbox_html, name="outbox-html"),
    path("outbox/newsletter/<slug:name>/", letter_detail, name="letter-detail"),
    path("outbox/newsletter/<slug:name>/html/", letter_html, name="letter-html"),
]
