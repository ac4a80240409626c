"""The list of a counter without network: who may rent or pick up there, made at a moment, valid some hours, signed."""

from __future__ import annotations

import csv
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.echo import Echo
from accounts.formats import iso_moment, phone
from organizations.branches import Place
from organizations.counter import Decision
from organizations.lookup import Found, named
from organizations.models import Branch, Membership

VALID_FOR = timedelta(hours=8)
AT_ONCE = 2000
HEADER, FOOTER = "comptoir-list", "signature"
MOST_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file says of itself, and whether we made it so."""

    is_ours: bool
    branch: str = ""
    made_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


def people_at(*, place: Place) -> Iterator[Found]:
    """Whoever may rent or pick up at this counter today, by company and name: one query, read as it comes."""
    through = Membership.branches.through.objects.filter(membership=OuterRef("pk"))
    rows = Membership.objects.active().filter(
        customer__merchant=place.merchant, customer__opened_at__isnull=False, customer__held_at=None
    )
    rows = rows.select_related("customer", "user").with_granted()
    rows = rows.annotate(kept_to=ArraySubquery(through.values_list(JSONObject(pk="branch_id", name="branch__name"))))
    for membership in rows.order_by("customer__name", "customer_id", "last_name", "pk").iterator(AT_ONCE):
        held = vars(membership)
        found = Found(
            membership=membership,
            granted=tuple(held["granted"]),
            branches=tuple(Branch(**branch) for branch in held["kept_to"]),
            contacts=(),
            name=named(membership=membership),
            is_profile_closed=membership.user is not None and not membership.user.is_active,
        )
        if found.decision(at=place.branch, amount=None).may_pick_up:
            yield found


def lines(*, place: Place, language: str) -> Iterator[str]:
    """The file, line by line; the first says its age and its end, the last is its signature."""
    writer = csv.writer(Echo())
    seal = _seal()
    now = timezone.now()
    first = [HEADER, place.code, place.name, now.isoformat(), (now + VALID_FOR).isoformat()]
    told = _("Made on %(made)s. Worth nothing after %(end)s: ask the portal again.")
    words = told % {"made": iso_moment(now), "end": iso_moment(now + VALID_FOR)}
    titles = [
        _("Number"),
        _("Company"),
        _("Person"),
        _("Answer"),
        _("Ceiling"),
        _("Purchase order"),
        _("Until"),
        _("Phone"),
    ]
    for cells in _all([first, [words], titles], _cells(place, language)):
        line = str(writer.writerow(cells))
        seal.update(line.encode())
        yield line
    yield str(writer.writerow([FOOTER, seal.hexdigest()]))


def mark(*, place: Place, made_at: datetime, people: Iterable[tuple[Found, Decision]]) -> str:
    """The fingerprint of a list on paper: two sheets that bear the same one say the same. Sixteen digits by fours."""
    seal = _seal()
    seal.update(f"{place.code} {made_at.isoformat()}".encode())
    for found, decision in people:
        cells = (found.membership.pk, found.name, decision.answer, decision.ceiling, decision.needs_purchase_order)
        seal.update("\n".join(map(str, cells)).encode())
    digits = seal.hexdigest()[:16].upper()
    return " ".join(digits[n : n + 4] for n in range(0, 16, 4))


def check(*, chunks: Iterable[bytes]) -> Checked:
    """Whether these bytes are a list of ours, whole and unchanged, and until when it is worth anything."""
    content = b"".join(chunks)
    body, mark, tail = content.rpartition(FOOTER.encode() + b",")
    seal = _seal()
    seal.update(body)
    is_ours = bool(mark) and hmac.compare_digest(seal.hexdigest().encode(), tail.strip())
    if not is_ours:
        return Checked(is_ours=False)
    first = next(csv.reader([body.decode().splitlines()[0]]))
    return Checked(
        is_ours=True,
        branch=first[2],
        made_at=datetime.fromisoformat(first[3]),
        expires_at=datetime.fromisoformat(first[4]),
    )


def _all(*parts: Iterable[list[str]]) -> Iterator[list[str]]:
    for part in parts:
        yield from part


def _cells(place: Place, language: str) -> Iterator[list[str]]:
    for found in people_at(place=place):
        membership, customer = found.membership, found.customer
        decision = found.decision(at=place.branch, amount=None)
        yield [
            _safe(customer.number),
            _safe(customer.name),
            _safe(found.name),
            str(decision.answer.label),
            str(membership.ceiling) if membership.ceiling is not None else "",
            _("compulsory") if membership.requires_purchase_order and decision.may_rent else "",
            membership.ends_on.isoformat() if membership.ends_on else "",
            phone(customer.phone, customer.phone_extension, language),
        ]


def _safe(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _seal() -> hmac.HMAC:
    key = sha256(b"organizations.offline" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, digestmod=sha256)
