"""Pages of subscribing, choosing and leaving. A GET shows, a POST acts: scanners follow every link of a message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.answers import see_other
from accounts.models import normalize_email
from accounts.requests import PersonRequest
from newsletter.forms import LeaveForm, PreferencesForm, SubscribeForm
from newsletter.links import Link, link_of, token_of
from newsletter.models import Consent, Subscriber, Subscription
from newsletter.services import measures, sign_ups, subscriptions
from newsletter.services.sign_ups import SignUpExpired, SignUpOutlived, SignUpUnknown, SignUpWithdrawn, TooManySignUps
from newsletter.services.subscriptions import Trace
from organizations.models import Customer, Merchant

Channel = Consent.Channel
# Of one address on the internet, and in the name of one e-mail: a robot is stopped, an office is not.
RATES = {"subscribe": "20/h/ip,5/d/key"}
SHOWN = 50
PLACE = re.compile(r"\d{1,18}", re.ASCII)


def trace_of(request: HttpRequest, channel: Consent.Channel) -> Trace:
    """What the ledger keeps of how an act reached us."""
    return Trace(
        channel=channel,
        ip=get_adapter(request).get_client_ip(request),
        user_agent=request.headers.get("User-Agent", "")[:300],
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form of every public page, on a page of its own; the same answer whoever has the address."""
    merchant = Merchant.objects.default()
    if merchant is None:
        raise Http404
    form = SubscribeForm(request.POST or None, merchant=merchant)
    if form.is_valid():
        email = form.cleaned_data["email"]
        if form.is_robot:
            return _sent(request, email)
        if not ratelimit.consume(request, app="newsletter", action="subscribe", config=RATES, key=email):
            return render(request, "429.html", status=429)
        data = {name: form.cleaned_data[name] for name in ("language", "topics", "wording")}
        trace = trace_of(request, Channel.WEB_FORM)
        try:
            sign_ups.ask_to_subscribe(merchant=merchant, email=email, trace=trace, **data)
        except TooManySignUps as refusal:
            form.add_error(None, str(refusal))
        else:
            return _sent(request, email)
    form.ask_anew()
    context = {"form": form, "has_topics": form.has_topics}
    return render(request, "newsletter/subscribe.html", context, status=422 if form.is_bound else 200)


def _sent(request: HttpRequest, email: str) -> HttpResponse:
    """The same for all, with what was typed: a letter too few is seen there."""
    messages.info(request, _("Address typed: %(email)s") % {"email": email})
    return see_other(reverse("newsletter:subscribe-sent"))


@login_not_required
@require_safe
def subscribe_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "newsletter/subscribe_sent.html")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a sign-up: GET shows what will be agreed to, POST agrees; then the receipt."""
    try:
        sign_up = sign_ups.sign_up_of(token=token)
        speak(request, sign_up.language)
        if request.method == "POST":
            sign_ups.confirm_sign_up(token=token, trace=trace_of(request, Channel.WEB_FORM))
            return see_other(request.path)
    except SignUpUnknown as refusal:
        return render(request, "newsletter/confirm_refused.html", {"refusal": refusal}, status=404)
    except (SignUpExpired, SignUpOutlived, SignUpWithdrawn) as refusal:
        return render(request, "newsletter/confirm_refused.html", {"refusal": refusal}, status=410)
    standing = sign_ups.standing_of(sign_up=sign_up)
    context = {
        "sign_up": sign_up,
        "merchant": sign_up.merchant,
        "standing": standing,
        "token": token_of(key=standing.subscriber.key) if standing.subscriber else "",
        "words": sign_up.wording.text_in(language=sign_up.language),
    }
    return render(request, "newsletter/confirm.html", context)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Topics and history of whoever holds the link of a message."""
    link = _link(request, token)
    subscriber = link.subscriber
    form = _form_for(request, merchant=subscriber.merchant, subscriber=subscriber, language=subscriber.language)
    if form.is_valid():
        _choose(request, form, subscriber=subscriber, channel=Channel.PREFERENCES, campaign_id=link.campaign_id)
        return see_other(request.path)
    form.ask_anew()
    history, more = history_of(request, [subscriber])
    context = {
        "token": token,
        "subscriber": subscriber,
        "merchant": subscriber.merchant,
        "form": form,
        "history": history,
        "more": more,
        "can_leave": Subscriber.objects.filter(pk=subscriber.pk).without_refusal().exists(),
    }
    return render(request, "newsletter/preferences.html", context, status=422 if form.is_bound else 200)


@csrf_exempt  # the link is the proof, and a mail program holds no cookie (RFC 8058)
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The link of each message: GET shows one button, POST leaves; the mail program's own POST is answered plainly."""
    link = _link(request, token)
    posted = _posted(request)
    is_one_click = posted is None or posted.get("List-Unsubscribe") == "One-Click"
    form = LeaveForm(posted or None)
    if request.method == "POST":
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        trace = trace_of(request, Channel.ONE_CLICK if is_one_click else Channel.LINK)
        subscriptions.leave(subscriber=link.subscriber, trace=trace, reason=reason, campaign_id=link.campaign_id)
        if is_one_click:
            return HttpResponse(_("You are unsubscribed."), content_type="text/plain; charset=utf-8")
        return see_other(request.path)
    context = {
        "token": token,
        "subscriber": link.subscriber,
        "merchant": link.subscriber.merchant,
        "form": form,
        "receives": link.subscriber.subscriptions.active().exists(),
        "can_leave": Subscriber.objects.filter(pk=link.subscriber.pk).without_refusal().exists(),
    }
    return render(request, "newsletter/unsubscribe.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PersonRequest) -> HttpResponse:
    """My topics, merchant by merchant, and my history; my address was confirmed when I signed up."""
    email = normalize_email(request.user.email)
    parts: list[tuple[Merchant, PreferencesForm]] = []
    for merchant in _merchants_of(request):
        subscriber = Subscriber.objects.filter(merchant=merchant, email=email).first()
        is_asked = request.method == "POST" and request.POST.get("merchant") == str(merchant.pk)
        language = subscriber.language if subscriber else request.user.language
        form = _form_for(request, merchant=merchant, subscriber=subscriber, language=language, is_asked=is_asked)
        if form.is_valid():
            subscriber = subscriptions.subscriber_for(merchant=merchant, email=email, language=request.user.language)
            _choose(request, form, subscriber=subscriber, channel=Channel.PROFILE)
            return see_other(request.path)
        form.ask_anew()
        parts.append((merchant, form))
    mine = Subscriber.objects.filter(email=email)
    history, more = history_of(request, mine)
    context = {
        "parts": [(merchant, form) for merchant, form in parts if form.has_topics],
        "history": history,
        "more": more,
        "can_leave": mine.without_refusal().exists(),
    }
    is_refused = any(form.is_bound for _merchant, form in parts)
    return render(request, "newsletter/profile.html", context, status=422 if is_refused else 200)


@require_POST
def profile_leave(request: PersonRequest) -> HttpResponse:
    """« Veuillez me désabonner »: every topic of every merchant, at once."""
    for subscriber in Subscriber.objects.filter(email=normalize_email(request.user.email)).order_by("pk"):
        subscriptions.leave(subscriber=subscriber, trace=trace_of(request, Channel.PROFILE))
    messages.success(request, _("You are unsubscribed from every newsletter."))
    return see_other(reverse("newsletter:profile"))


def history_of(
    request: HttpRequest, subscribers: Sequence[Subscriber] | QuerySet[Subscriber]
) -> tuple[list[Consent], int | None]:
    """What these people agreed to and withdrew, newest first, after the line that `after` names; and the last shown,
    when others follow.
    """
    lines = Consent.objects.filter(subscriber__in=subscribers)
    lines = lines.select_related("subscriber__merchant", "topic", "wording")
    if PLACE.fullmatch(place := request.GET.get("after", "")):
        lines = lines.filter(pk__lt=int(place))
    rows = list(lines.order_by("-pk")[: SHOWN + 1])
    return rows[:SHOWN], rows[SHOWN - 1].pk if len(rows) > SHOWN else None


def _posted(request: HttpRequest) -> QueryDict | None:
    """What a POST says; None when it cannot be read. The link is the proof: nobody stays for how their mail program
    writes.
    """
    try:
        return request.POST
    except (BadRequest, SuspiciousOperation, MultiPartParserError):
        return None


def _link(request: HttpRequest, token: str) -> Link:
    link = link_of(token=token)
    if link is None:
        raise Http404
    speak(request, link.subscriber.language)
    return link


def speak(request: HttpRequest, language: str) -> None:
    """In the language of the message, unless the reader chose one."""
    if not request.user.is_authenticated and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(language)


def _form_for(
    request: HttpRequest,
    *,
    merchant: Merchant,
    subscriber: Subscriber | None,
    language: str,
    is_asked: bool = True,
) -> PreferencesForm:
    held: list[Subscription] = []
    if subscriber is not None:
        held = list(subscriber.subscriptions.active().order_by("topic_id"))
    data = request.POST if request.method == "POST" and is_asked else None
    return PreferencesForm(
        data,
        merchant=merchant,
        held=held,
        language=language,
        measuring=measures.words_shown(merchant=merchant, subscriber=subscriber),
        is_measured=subscriber is not None and subscriber.measured_at is not None,
    )


def _choose(
    request: HttpRequest,
    form: PreferencesForm,
    *,
    subscriber: Subscriber,
    channel: Consent.Channel,
    campaign_id: int | None = None,
) -> None:
    data, trace, spoken = form.cleaned_data, trace_of(request, channel), get_language() or subscriber.language
    subscriptions.choose_topics(
        subscriber=subscriber,
        begun=data["begun"],
        ended=data["ended"],
        wording=data["wording"],
        language=spoken,
        trace=trace,
        campaign_id=campaign_id,
    )
    if data["changes_measuring"]:
        subscriptions.choose_measuring(
            subscriber=subscriber, agrees=data["measured"], wording=data["measuring"], language=spoken, trace=trace
        )
    subscriptions.choose_language(subscriber=subscriber, language=data["language"])
    speak(request, data["language"])
    words = {"merchant": subscriber.merchant.name}
    messages.success(request, _("Your choices at %(merchant)s are saved and in effect.") % words)


def _merchants_of(request: PersonRequest) -> QuerySet[Merchant]:
    """The merchants this person is a customer of, those who write to them, and that of the public pages."""
    default = Merchant.objects.default()
    mine = Q(customers__in=Customer.objects.for_user(request.user))
    known = Q(subscribers__email=normalize_email(request.user.email))
    found = Merchant.objects.filter(mine | known | Q(pk=default.pk if default else None))
    return Merchant.objects.filter(pk__in=found.values("pk")).order_by("-is_default", "name", "pk")
