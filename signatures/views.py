"""The page to sign, reached by its link: GET shows, POST acts. And the page that recognises a file of ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import quiet, see_other, speak_as_written
from accounts.formats import masked_email, masked_phone
from accounts.models import Language, User
from accounts.refusals import Refusal
from signatures import otp
from signatures.forms import CodeForm, DeclineForm, FileForm, SignForm
from signatures.models import SignatureRequest
from signatures.parties import origin_of
from signatures.refusals import LinkUnknown, NothingToSign, SignerAbsent, SignerOther
from signatures.services import requests, signing
from signatures.states import State, refuse_others
from signatures.verify import find
from signatures.wordings import CURRENT, consent_text

View = Callable[..., HttpResponse]


def by_link(view: View) -> View:
    """Give the view the request of its link; answer for links that are none, and for people who are not the signer."""

    @functools.wraps(view)
    def door(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            asked = requests.request_of(token=token)
        except LinkUnknown as refusal:
            return quiet(render(request, "signatures/unknown.html", {"refusal": refusal}, status=404))
        speak_as_written(request=request, language=asked.signer_language)
        try:
            refuse_others(request=asked, by=person(request))
            return quiet(view(request, asked, *args, **kwargs))
        except (SignerAbsent, SignerOther):
            context = {
                "asked": asked,
                "merchant": asked.sender,
                "expected": masked_email(asked.signer.email if asked.signer else ""),
            }
            return quiet(render(request, "signatures/other.html", context))
        except NothingToSign:  # decided, or out of time, since the page was read: it says which
            return see_other(_path(request))

    return login_not_required(never_cache(door))


def person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


@by_link
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, asked: SignatureRequest) -> HttpResponse:
    """What is asked, the document, the code, the signature; once over, how it ended."""
    if asked.is_over:
        return _over(request, asked)
    form = SignForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = {"code": form.cleaned_data["code"], "consent": form.cleaned_data["consent"]}
        try:
            signing.sign(request=asked, **given, by=person(request), origin=origin_of(request=request))
        except NothingToSign:
            raise
        except Refusal as refusal:
            form.add_error("code" if isinstance(refusal, otp.CodeRefused) else None, str(refusal))
        else:
            return see_other(_path(request))
    return _page(request, asked, sign_form=form)


@by_link
@require_POST
def document_read(request: HttpRequest, asked: SignatureRequest, language: str) -> HttpResponse:
    """Hand the document over, and lead to it."""
    try:
        signing.hand_over(request=asked, language=language, by=person(request), origin=origin_of(request=request))
    except signing.LanguageMissing as missing:
        raise Http404 from missing
    except signing.FrenchFirst as refusal:
        return _page(request, asked, read_error=str(refusal))
    return see_other(reverse("signatures:document", args=[_token(request), language]))


@by_link
@require_safe
def document_pdf(request: HttpRequest, asked: SignatureRequest, language: str) -> HttpResponse:
    """The document in a language, once handed over in it: reading it without that would prove nothing."""
    if asked.is_over or language not in signing.received_languages(request=asked):
        return see_other(_path(request))
    document = asked.document_in(language)
    if document is None:
        raise Http404
    return _pdf(bytes(document.content), name=asked.title_in(language))


@by_link
@require_POST
def code_send(request: HttpRequest, asked: SignatureRequest) -> HttpResponse:
    """Send a code for the language chosen."""
    if asked.is_over:
        return see_other(_path(request))
    form = _code_form(asked, data=request.POST)
    if form.is_valid():
        language = form.cleaned_data["language"]
        try:
            signing.send_code(request=asked, language=language, by=person(request), origin=origin_of(request=request))
        except NothingToSign:
            raise
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            return see_other(f"{_path(request)}#sign")
    return _page(request, asked, code_form=form)


@by_link
@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: HttpRequest, asked: SignatureRequest) -> HttpResponse:
    """Say no, and why."""
    if asked.is_over:
        return see_other(_path(request))
    form = DeclineForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            requests.decline(
                request=asked, reason=form.cleaned_data["reason"], by=person(request), origin=origin_of(request=request)
            )
        except NothingToSign:
            raise
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            return see_other(_path(request))
    return render(
        request, "signatures/decline.html", _words(request, asked, form=form), status=422 if form.is_bound else 200
    )


@by_link
@require_safe
def signed_pdf(request: HttpRequest, asked: SignatureRequest) -> HttpResponse:
    """The signer's sealed copy, while the link shows it."""
    if asked.state != State.SEALED or not _shows_copy(asked):
        return see_other(_path(request))
    with asked.seal.file.open("rb") as file:
        return _pdf(file.read(), name=f"{asked.title} {_('signed')}")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Is this PDF one of ours, unchanged, and what is true of it now. Only its fingerprint comes here."""
    form = FileForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "is_asked": form.is_valid(), "finding": None}
    if context["is_asked"]:
        context["sha256"] = form.cleaned_data["sha256"]
        context["finding"] = find(sha256=context["sha256"])
    return render(request, "signatures/verify.html", context, status=422 if form.errors else 200)


def _page(
    request: HttpRequest,
    asked: SignatureRequest,
    *,
    code_form: CodeForm | None = None,
    sign_form: SignForm | None = None,
    read_error: str = "",
) -> HttpResponse:
    """The one page of the signer; 422 when it answers a refusal."""
    received = signing.received_languages(request=asked)
    why_email = signing.why_by_email(request=asked)
    context = _words(
        request,
        asked,
        received=received,
        is_in_french=Language.FRENCH in received,
        is_in_english=Language.ENGLISH in received,
        code=otp.live_code(request=asked),
        why_email=why_email,
        address=masked_email(asked.signer_email) if why_email else masked_phone(asked.signer_phone),
        code_form=code_form or _code_form(asked, received=received),
        sign_form=sign_form or SignForm(),
        consent=consent_text(version=CURRENT, request=asked, language=asked.language),
        read_error=read_error,
    )
    is_refused = bool(read_error) or any(form is not None and form.is_bound for form in (code_form, sign_form))
    return render(request, "signatures/sign.html", context, status=422 if is_refused else 200)


def _code_form(asked: SignatureRequest, *, data: Any = None, received: set[str] | None = None) -> CodeForm:
    known = signing.received_languages(request=asked) if received is None else received
    return CodeForm(data, received=known, chosen=asked.language)


def _over(request: HttpRequest, asked: SignatureRequest) -> HttpResponse:
    """How it ended: signed, with the copy; declined; no longer asked for; out of time."""
    if asked.state in {State.SIGNED, State.SEALED}:
        seal = asked.seal
        context = _words(request, asked, seal=seal, shows_copy=_shows_copy(asked))
        return render(request, "signatures/signed.html", context)
    why = State.EXPIRED if asked.state == State.WAITING else State(asked.state)
    status = 200 if why == State.DECLINED else 410
    return render(request, "signatures/over.html", _words(request, asked, why=why), status=status)


def _shows_copy(asked: SignatureRequest) -> bool:
    return asked.copy_until is not None and timezone.now() < asked.copy_until


def _words(request: HttpRequest, asked: SignatureRequest, **others: object) -> dict[str, object]:
    """What every page of a link says, in the name of who asks and the reader's language."""
    language = asked.language if asked.state in {State.SIGNED, State.SEALED} else translation.get_language() or ""
    return {
        "asked": asked,
        "title": asked.title_in(language),
        "merchant": asked.sender,
        "links": _links(request),
        **others,
    }


def _token(request: HttpRequest) -> str:
    """The one of this very address: it works even where SECRET_KEY has changed since it was made."""
    match = request.resolver_match
    return match.kwargs["token"] if match else ""


def _path(request: HttpRequest) -> str:
    return reverse("signatures:sign", args=[_token(request)])


def _links(request: HttpRequest) -> dict[str, str]:
    root = _path(request)
    names = {"sign": "", "code": "code/", "decline": "decline/", "signed": "signed.pdf"}
    names |= {"read_french": f"read/{Language.FRENCH.value}/", "read_english": f"read/{Language.ENGLISH.value}/"}
    return {name: root + rest for name, rest in names.items()}


def _pdf(content: bytes, *, name: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=False, filename=f"{slugify(name)[:80] or 'document'}.pdf")
    headers = {"Content-Disposition": disposition or "", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
