"""What the register proposes while somebody types the NEQ or the name of their company, and fills the form with."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from organizations.loader.shapes import PROVINCE_CODES
from registry import neq, search
from registry.addresses import address_of
from registry.models import Edition, Enterprise

SHOWN = 6
SHORTEST = 3  # characters: fewer would find everybody
LONGEST = 200  # as the form takes
# The register is public, but nobody copies it through here.
RATE = {"register": "60/m/user,600/h/user"}
ADDRESS = ("address_line1", "address_line2", "city", "province", "postal_code")


@dataclass(frozen=True, slots=True)
class Proposals:
    """The entries of an edition; none: no edition is loaded. `is_tired`: too many questions in a short time."""

    edition: Edition | None
    entries: list[search.Suggestion] = field(default_factory=list)
    is_asked: bool = False
    is_tired: bool = False


def propose(*, request: HttpRequest, typed_neq: str, typed_name: str) -> Proposals:
    """The enterprise of a whole NEQ, else those of a name; limited for each person."""
    edition = Edition.objects.current()
    wanted = _parsed(typed_neq) or " ".join(typed_name.split())[:LONGEST]
    if edition is None or len(wanted) < SHORTEST:
        return Proposals(edition)
    if not ratelimit.consume(request, app="organizations", action="register", config=RATE, limit_get=True):
        return Proposals(edition, is_tired=True)
    return Proposals(edition, search.suggest(text=wanted, limit=SHOWN), is_asked=True)


def filled_from(*, chosen: str, typed: dict[str, str]) -> dict[str, str]:
    """The form as typed, with the facts of the enterprise chosen; an address that was typed stays."""
    enterprise = Enterprise.objects.by_neq(_parsed(chosen))
    if enterprise is None:
        return typed
    legal = enterprise.legal_names()
    facts = {"neq": neq.shown(enterprise.neq), "legal_name": legal[0].text if legal else typed["legal_name"]}
    if not any(typed[name] for name in ADDRESS):
        street, suite, city, province, postal_code, _country = address_of(enterprise)
        code = PROVINCE_CODES.get(province.lower(), province)
        facts |= dict(zip(ADDRESS, (street, suite, city, code, postal_code), strict=True))
    return typed | facts


def _parsed(typed: str) -> str:
    try:
        return neq.parse(typed)
    except neq.InvalidNeq:
        return ""
