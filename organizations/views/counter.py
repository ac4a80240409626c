"""The counter: an agent finds a person, reads the answer, and records what they do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.answers import see_other
from organizations import cards, lookup
from organizations.branches import CounterRequest, Place, at_counter
from organizations.counter import Act, Decision
from organizations.forms import AskedForm, DecisionForm, PinForm, UnlistedForm
from organizations.lookup import Found
from organizations.models import Card, Customer
from organizations.refusals import Refusal
from organizations.services.cards import check_pin
from organizations.services.counter import record_decision, refuse_unlisted

COOKIE = "counter"
COOKIE_AGE = 60 * 60 * 24 * 365


@dataclass(frozen=True, slots=True)
class Line:
    """A person found, with their answer in the reader's words."""

    found: Found
    decision: Decision
    sentence: str
    url: str


def address(place: Place, **asked: object) -> str:
    """A page of the counter; the branch and everything asked are in its address."""
    given = {name: value for name, value in asked.items() if value not in {"", None}}
    return f"{reverse('organizations:counter')}?{urlencode({'at': place.code, **given})}"


@at_counter
@never_cache
@require_safe
def counter(request: CounterRequest) -> HttpResponse:
    """One field; the people it finds, or the one it means, each with the answer."""
    if request.place is None:
        return _branch_choice(request)
    form = AskedForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    text = asked.get("q", "")
    scan, refusal = None, None
    if cards.is_code(text):
        try:
            scan = cards.read(text=text, merchant_id=request.place.merchant.pk)
        except cards.CardRefused as why:
            refusal = why
        if scan is not None and scan.card.kind == Card.Kind.PRINTED:
            return _page(request, form=form, pin_form=PinForm(initial={"code": text}), text="")
        if scan is None:
            return _page(request, form=form, refusal=refusal, text="")
    found = _found(request.place, asked=asked, scan=scan)
    response = _page(request, form=form, found=found, seen=cards.seal(scan) if scan else "", text="" if scan else text)
    response.set_cookie(COOKIE, request.place.code, max_age=COOKIE_AGE, samesite="Lax", httponly=True)
    return response


@at_counter
@require_POST
def counter_decide(request: CounterRequest) -> HttpResponse:
    """Let go or refuse; what was typed stays when a rule says no."""
    if request.place is None:
        return _branch_choice(request)
    form = DecisionForm(request.POST)
    if form.is_valid():
        typed = form.cleaned_data
        try:
            row = record_decision(
                membership_id=typed["person"],
                place=request.place,
                act=Act(typed["act"]),
                by=request.user,
                language=get_language() or "",
                amount=typed["amount"],
                purchase_order=typed["purchase_order"],
                seen=typed["seen"],
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            words = {"person": row.person, "act": row.get_act_display()}
            messages.success(request, _("Recorded for %(person)s: %(act)s.") % words)
            return see_other(address(request.place))
    person = form.cleaned_data.get("person") or 0
    one = lookup.person(merchant_id=request.place.merchant.pk, pk=person)
    asked = AskedForm(request.POST)
    asked.is_valid()
    seen = form.data.get("seen", "")
    return _page(request, form=asked, found=[one] if one else [], decision_form=form, seen=seen, status=422)


@at_counter
@require_POST
def counter_unlisted(request: CounterRequest) -> HttpResponse:
    """Somebody asks in a company's name, and nobody entered them."""
    if request.place is None:
        return _branch_choice(request)
    form = UnlistedForm(request.POST)
    form.is_valid()
    mine = Customer.objects.filter(merchant=request.place.merchant)
    company = get_object_or_404(mine, public_id=form.cleaned_data.get("company", ""))
    if not form.is_valid():
        asked = AskedForm(request.POST)
        asked.is_valid()
        found = lookup.find(merchant_id=request.place.merchant.pk, text="", company=company.public_id)
        return _page(request, form=asked, found=found, company=company, unlisted_form=form, status=422)
    row = refuse_unlisted(customer=company, person=form.cleaned_data["name"], place=request.place, by=request.user)
    words = {"person": row.person, "act": row.get_act_display()}
    messages.success(request, _("Recorded for %(person)s: %(act)s.") % words)
    return see_other(address(request.place))


@at_counter
@require_POST
def counter_pin(request: CounterRequest) -> HttpResponse:
    """The printed card, once its PIN is typed: the person and the answer."""
    if request.place is None:
        return _branch_choice(request)
    form = PinForm(request.POST)
    asked = AskedForm({})
    asked.is_valid()
    if form.is_valid():
        merchant = request.place.merchant
        try:
            scan = check_pin(text=form.cleaned_data["code"], pin=form.cleaned_data["pin"], merchant_id=merchant.pk)
        except cards.CardRefused as refusal:
            form.add_error("pin", str(refusal))
        else:
            found = lookup.person(merchant_id=merchant.pk, pk=scan.card.membership_id)
            return _page(request, form=asked, found=[found] if found else [], seen=cards.seal(scan))
    return _page(request, form=asked, pin_form=form, status=422)


def _branch_choice(request: CounterRequest) -> HttpResponse:
    """The branch chosen last, by its address; else the choice."""
    kept = request.COOKIES.get(COOKIE, "")
    if request.method == "GET" and kept in {place.code for place in request.places}:
        asked = request.GET.copy()
        asked["at"] = kept
        return redirect(f"{request.path}?{asked.urlencode()}")
    several = len({place.merchant.pk for place in request.places}) > 1
    return render(request, "organizations/counter_branches.html", {"names_merchants": several})


def _found(place: Place, *, asked: dict[str, object], scan: cards.Scan | None) -> list[Found] | None:
    """Who is meant; None when nothing is asked yet."""
    person = scan.card.membership_id if scan else asked.get("person")
    if isinstance(person, int):
        found = lookup.person(merchant_id=place.merchant.pk, pk=person)
        return [found] if found else []
    text, company = str(asked.get("q") or ""), str(asked.get("company") or "")
    if len(text.strip()) < lookup.SHORTEST and not company:
        return None
    return lookup.find(merchant_id=place.merchant.pk, text=text, company=company)


def _page(
    request: CounterRequest,
    *,
    form: AskedForm,
    found: list[Found] | None = None,
    status: int = 200,
    text: str = "",
    seen: str = "",
    **others: object,
) -> HttpResponse:
    place = request.place
    if place is None:
        return _branch_choice(request)
    amount = form.cleaned_data.get("amount")
    lines = [_line(one, place=place, amount=amount) for one in (found or [])[: lookup.MOST]]
    one = lines[0] if len(lines) == 1 and not (others.get("company") or form.cleaned_data.get("company")) else None
    companies = {line.found.customer.pk: line.found.customer for line in lines}
    initial = {"person": one.found.membership.pk, "amount": amount, "seen": seen} if one else {}
    context = {
        "place": place,
        "merchant": place.merchant,
        "asked": form,
        "text": text,
        "is_short": bool(text.strip()) and found is None,
        "nobody": found is not None and not lines,
        "lines": lines,
        "has_more": len(found or []) > lookup.MOST,
        "one": one,
        "seen": seen,
        "company": next(iter(companies.values())) if len(companies) == 1 else None,
        "companies": list(companies.values()) if len(companies) > 1 else [],
        "decision_form": DecisionForm(initial=initial),
        "unlisted_form": None if one else UnlistedForm(),
        "pin_form": None,
        "refusal": None,
        "is_emptied": bool(request.htmx) and cards.is_code(form.data.get("q", "")),  # ready for the next card
        **others,
    }
    page = "organizations/counter.html"
    return render(request, f"{page}#answer" if request.htmx else page, context, status=status)


def _line(found: Found, *, place: Place, amount: object) -> Line:
    decision = found.decision(at=place.branch, amount=amount)  # type: ignore[arg-type]  # of a form: a Decimal or None
    sentence = decision.sentence(person=found.name, customer=found.customer.name, language=get_language() or "")
    url = address(place, person=found.membership.pk, amount=amount)
    return Line(found=found, decision=decision, sentence=sentence, url=url)
