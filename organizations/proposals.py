"""What the register proposes while somebody types the NEQ or the name of their company."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from organizations.comparison import lines_of
from registry import names, neq
from registry.addresses import Address, address_of
from registry.models import Edition, Enterprise, EnterpriseName

SHOWN = 6
SHORTEST = 3  # characters: fewer would find everybody
# The register is public, but nobody copies it through here.
RATE = {"register": "60/m/user,600/h/user"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One enterprise as the form shows it, and fills itself from it."""

    neq: str
    name: str
    status_label: str
    is_registered: bool
    address_lines: list[str]
    address: Address

    @property
    def shown_neq(self) -> str:
        return neq.shown(self.neq)


@dataclass(frozen=True, slots=True)
class Proposals:
    """The entries of an edition; none: no edition is loaded. `is_tired`: too many questions in a short time."""

    edition: Edition | None
    entries: list[Entry] = field(default_factory=list)
    is_asked: bool = False
    is_tired: bool = False


def propose(*, request: HttpRequest, typed_neq: str, typed_name: str) -> Proposals:
    """The enterprise of a whole NEQ, else those of a name; limited for each person."""
    edition = Edition.objects.current()
    wanted = _parsed(typed_neq)
    name = " ".join(typed_name.split())
    if edition is None or not (wanted or len(name) >= SHORTEST):
        return Proposals(edition)
    if not ratelimit.consume(request, app="organizations", action="register", config=RATE, limit_get=True):
        return Proposals(edition, is_tired=True)
    if wanted:
        found = [enterprise for enterprise in [Enterprise.objects.by_neq(wanted)] if enterprise is not None]
    else:
        named = EnterpriseName.objects.filter(folded__startswith=names.fold(name)).order_by("folded", "pk")
        keys = list(dict.fromkeys(named.values_list("enterprise_id", flat=True)[: SHOWN * 5]))[:SHOWN]
        found = list(Enterprise.objects.filter(pk__in=keys).prefetch_related("names").order_by("pk"))
    return Proposals(edition, [_entry(enterprise) for enterprise in found], is_asked=True)


def entry_of(*, chosen: str) -> Entry | None:
    """The entry of an NEQ that was chosen among those proposed."""
    enterprise = Enterprise.objects.by_neq(_parsed(chosen))
    return _entry(enterprise) if enterprise is not None else None


def _parsed(typed: str) -> str:
    try:
        return neq.parse(typed)
    except neq.InvalidNeq:
        return ""


def _entry(enterprise: Enterprise) -> Entry:
    legal = enterprise.legal_names()
    return Entry(
        neq=enterprise.neq,
        name=legal[0].text if legal else "",
        status_label=enterprise.get_status_display(),
        is_registered=enterprise.is_registered,
        address_lines=lines_of(enterprise),
        address=address_of(enterprise),
    )
