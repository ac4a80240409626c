"""The team from a file: sent, read with what each line would do, confirmed, and on to the signature."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.formats import iso_date, money, phone
from accounts.refusals import Refusal
from organizations import spreadsheets, team
from organizations.access import CustomerRequest, PermissionMissing, requires
from organizations.forms import ConfirmedFileForm, TeamFileForm
from organizations.forms.rosters import carried
from organizations.models import Customer
from organizations.permissions import Permission, Role
from organizations.services import rosters
from organizations.services.reach import BeyondReach
from organizations.services.rosters import NEW, Act, Line
from organizations.spreadsheets import Entry
from organizations.terms import Wish
from organizations.views.team import of_members, roles_given_by, signed_from, whom_to_ask

MARKS = {Act.INVITE: "part", Act.LIST: "part", Act.SAME: "paid", Act.DIFFERENT: "due", Act.WAITING: "part"}


class Shown(NamedTuple):
    """One line in words."""

    number: int
    name: str
    reach: str
    act: str
    mark: str
    role: str = ""
    rights: str = ""
    edges: str = ""
    url: str = ""
    now: str = ""
    ended_on: str = ""
    faults: tuple[tuple[str, str, str], ...] = ()


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def team_import(request: CustomerRequest) -> HttpResponse:
    """A file, then what it would do; nothing is written before that is confirmed."""
    try:
        return _answer(request)
    except BeyondReach as gone:  # the right ended after the door was passed
        raise PermissionMissing(customer=request.customer, permission=Permission.INVITE_VISITORS) from gone


def _answer(request: CustomerRequest) -> HttpResponse:
    customer = request.customer
    refusal: object = None
    if "content" in request.POST:
        confirmed = ConfirmedFileForm(request.POST, customer=customer, user=request.user)
        if confirmed.is_valid():
            try:
                return _import(request, confirmed)
            except Refusal as caught:
                refusal = caught
            return _read(request, confirmed.entries, confirmed.cleaned_data["content"], refusal=refusal)
        refusal = next(iter(confirmed.errors.values()))[0]
    is_sent = request.method == "POST" and refusal is None
    form = TeamFileForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    if form.is_valid():
        return _read(request, form.entries, form.cleaned_data["file"])
    context = {
        "form": form,
        "refusal": refusal,
        "roles": [role for role in Role if role.value in roles_given_by(request)],
        "rights": [right for right in Permission if right.is_available(customer.features) and not right.needs_proof],
        "branches": customer.merchant.branches.order_by("code"),
        **whom_to_ask(request),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "organizations/team_import.html", context, status=status)


@requires(Permission.INVITE_VISITORS, or_parent=True)
@of_members
@require_safe
def team_template(request: CustomerRequest) -> HttpResponse:
    """An empty file of the right columns."""
    name = f"{slugify(_('Team'))}-{slugify(request.customer.number)}.csv"
    return HttpResponse(
        spreadsheets.template(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )


def _import(request: CustomerRequest, form: ConfirmedFileForm) -> HttpResponse:
    first, *_later = rosters.import_team(
        customer=request.customer,
        entries=form.entries,
        seen=form.cleaned_data["seen"],
        leaves_out=form.cleaned_data["leaves_out"],
        by=request.user,
    )
    return signed_from(request, first)


def _read(request: CustomerRequest, entries: list[Entry], content: bytes, *, refusal: object = None) -> HttpResponse:
    """The page that says what each line would do, and carries the file until it is confirmed."""
    customer = request.customer
    lines = rosters.foresee(customer=customer, entries=entries, by=request.user)
    names = dict(customer.merchant.branches.values_list("pk", "name"))
    shown = [(line, _shown(line, customer, names, manages=Permission.MANAGE_TEAM in request.permissions))
             for line in lines]  # fmt: skip
    new = [words for line, words in shown if line.act in NEW]
    context = {
        "refused": [words for line, words in shown if line.act is Act.REFUSED],
        "new": new,
        "kept": [words for line, words in shown if line.act not in (*NEW, Act.REFUSED)],
        "signatures": -(-len(new) // rosters.SIGNED_TOGETHER),
        "together": rosters.SIGNED_TOGETHER,
        "content": carried(content=content, customer=customer, user=request.user),
        "seen": rosters.fingerprint(lines=lines),
        "refusal": refusal,
    }
    return render(request, "organizations/team_import_read.html", context, status=422 if refusal else 200)


def _shown(line: Line, customer: Customer, names: dict[int, str], *, manages: bool) -> Shown:
    entry, wish, member = line.entry, line.wish, line.membership
    language = get_language() or "fr-ca"
    facts: dict[str, Any] = {}
    if wish is not None:
        rights = [str(permission.label) for permission in Permission if permission in wish.beyond_role]
        facts = {
            "role": str(Role(wish.role).label),
            "rights": ", ".join(rights),
            "edges": _edges(wish, names, language),
        }
    if member is not None:
        person = team.described(membership=member, customer=customer)
        now = ", ".join([person.role, *person.rights, *person.edges])
        facts |= {"url": person.url if manages else "", "now": now if line.act is Act.DIFFERENT else ""}
    return Shown(
        number=entry.line,
        name=entry.name or entry.cells["email"] or entry.cells["phone"],
        reach=entry.cells["email"] or phone(entry.cells["phone"], "", language) if entry.name else "",
        act=str(line.act.label),
        mark=MARKS.get(line.act, "overdue"),
        ended_on=iso_date(line.ended_at),
        faults=tuple((column, entry.written.get(column, ""), sentence) for column, sentence in line.faults),
        **facts,
    )


def _edges(wish: Wish, names: dict[int, str], language: str) -> str:
    branches = ", ".join(sorted(names[pk] for pk in wish.branches))
    said = [
        wish.starts_on and _("from %(day)s") % {"day": iso_date(wish.starts_on)},
        wish.ends_on and _("until %(day)s") % {"day": iso_date(wish.ends_on)},
        wish.ceiling is not None and _("%(amount)s at most") % {"amount": money(wish.ceiling, language)},
        wish.requires_purchase_order and _("purchase order compulsory"),
        branches and _("at %(branches)s only") % {"branches": branches},
    ]
    return ", ".join(str(words) for words in said if words)
