"""A declaration beside the register: each fact with its verdict, as codes and data that are kept.

Nothing here is a sentence: organizations.verdicts says it, in the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, TypedDict

from django.utils import timezone

from organizations.models import Verification
from organizations.models.companies import Identity
from registry import names
from registry.models import Edition, Enterprise, EnterpriseName

Fact, Verdict = Verification.Fact, Verification.Verdict
# What must match for a company to be who it says; the administrator is in no open data, an address is no reason.
DECISIVE = (Fact.NEQ, Fact.NAME, Fact.STATUS)
SAME = frozenset({names.Verdict.EXACT, names.Verdict.SAME})
POSTAL_CODE = re.compile(r"([A-Z]\d[A-Z])[ -]?(\d[A-Z]\d)", re.ASCII | re.IGNORECASE)
CIVIC_NUMBER = re.compile(r"\d+")


class Compared(TypedDict):
    """One fact as `Verification.facts` keeps it."""

    fact: str
    declared: str
    registered: str
    verdict: str
    code: str
    params: dict[str, Any]


def compare(*, identity: Identity) -> tuple[Edition | None, list[Compared]]:
    """The current edition and what it says of each fact declared; no edition: nothing can be checked here.

    Inside a transaction, so that no other edition takes its place between two questions. Three queries.
    """
    edition = Edition.objects.held()
    if edition is None:
        return None, _all_unchecked(identity, code="no_edition")
    enterprise = Enterprise.objects.by_neq(identity.neq)
    if enterprise is None:
        unknown = _compared(Fact.NEQ, identity.neq, "", Verdict.UNKNOWN, "neq_unknown")
        return edition, [unknown, *_all_unchecked(identity, code="not_found")[1:]]
    return edition, [
        _compared(Fact.NEQ, identity.neq, enterprise.neq, Verdict.MATCHES, "neq_found"),
        _name(identity.legal_name, enterprise),
        _status(enterprise),
        _administrator(identity),
        _address(identity, enterprise),
    ]


def agrees(*, facts: Iterable[Compared]) -> bool:
    """Whether the register confirms all that it could: the NEQ, the legal name and the registration."""
    verdicts = {fact["fact"]: fact["verdict"] for fact in facts}
    return all(verdicts.get(fact) == Verdict.MATCHES for fact in DECISIVE)


def outcome(*, facts: Iterable[Compared]) -> str:
    """The verdict of the whole: the one an agent must look at first."""
    verdicts = {fact["verdict"] for fact in facts if fact["fact"] in DECISIVE}
    order = (Verdict.UNKNOWN, Verdict.DIFFERS, Verdict.NOTED, Verdict.UNCHECKED)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.MATCHES)


def _compared(fact: str, declared: str, registered: str, verdict: str, code: str, **params: Any) -> Compared:
    return Compared(
        fact=str(fact), declared=declared, registered=registered, verdict=str(verdict), code=code, params=params
    )


def _all_unchecked(identity: Identity, *, code: str) -> list[Compared]:
    declared = {
        Fact.NEQ: identity.neq,
        Fact.NAME: identity.legal_name,
        Fact.STATUS: "",
        Fact.ADDRESS: "\n".join(identity.address_lines),
    }
    checked = [_compared(fact, said, "", Verdict.UNCHECKED, code) for fact, said in declared.items()]
    return [*checked[:3], _administrator(identity), *checked[3:]]


def _administrator(identity: Identity) -> Compared:
    """The open data hold no natural person: always for somebody to look at."""
    return _compared(
        Fact.ADMINISTRATOR, identity.administrator_name, "", Verdict.UNCHECKED, "administrator_unpublished"
    )


def _name(declared: str, enterprise: Enterprise) -> Compared:
    """Against its legal names in force; else whether it is one it had, or one it uses."""
    legal = enterprise.legal_names()
    others = [name for name in enterprise.names.all() if name not in legal]
    nearest = names.best(declared=declared, registered=[name.text for name in legal])
    if nearest is not None and nearest.verdict in SAME:
        code = "name_exact" if nearest.verdict == names.Verdict.EXACT else "name_same"
        return _compared(Fact.NAME, declared, nearest.registered, Verdict.MATCHES, code, **_words_apart(nearest))
    other = next((name for name in others if _is_same(declared, name)), None)
    if nearest is None and other is not None:
        return _compared(Fact.NAME, declared, other.text, Verdict.UNCHECKED, "name_used")
    if nearest is None:
        used = names.best(declared=declared, registered=[name.text for name in others])
        code, registered = ("name_unpublished", "") if used is None else ("name_uses_others", used.registered)
        return _compared(Fact.NAME, declared, registered, Verdict.UNCHECKED, code)
    if other is not None:
        code = "name_former" if other.is_legal else "name_other"
        return _compared(Fact.NAME, declared, legal[0].text, Verdict.DIFFERS, code, seen=other.text)
    code = "name_close" if nearest.verdict == names.Verdict.CLOSE else "name_different"
    apart = _words_apart(nearest)
    return _compared(
        Fact.NAME, declared, nearest.registered, Verdict.DIFFERS, code, score=round(nearest.score, 2), **apart
    )


def _words_apart(nearest: names.Comparison) -> dict[str, list[str]]:
    """The words one name has and the other lacks."""
    return {"missing": list(nearest.missing), "extra": list(nearest.extra)}


def _is_same(declared: str, name: EnterpriseName) -> bool:
    return names.compare(declared=declared, registered=name.text).verdict in SAME


def _status(enterprise: Enterprise) -> Compared:
    since = _iso(enterprise.status_on or enterprise.registered_on)
    verdict, code = Verdict.MATCHES, "status_registered"
    if enterprise.is_struck_off:
        verdict, code = Verdict.DIFFERS, "status_struck_off"
    elif not enterprise.is_registered:
        verdict, code = Verdict.DIFFERS, "status_not_registered"
    elif enterprise.has_lapsed(on=timezone.localdate()):
        verdict, code, since = Verdict.DIFFERS, "status_ended", _iso(enterprise.ceases_on)
    elif enterprise.is_bankrupt:
        verdict, code = Verdict.NOTED, "status_bankrupt"
    return _compared(Fact.STATUS, "", enterprise.status, verdict, code, since=since)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _address(identity: Identity, enterprise: Enterprise) -> Compared:
    """For information only: many enterprises have none, or hide it."""
    declared, registered = identity.address_lines, _lines(enterprise)
    if not registered:
        return _compared(Fact.ADDRESS, "\n".join(declared), "", Verdict.UNCHECKED, "address_unpublished")
    place = _place(declared)
    is_same = place is not None and place == _place(registered)
    verdict, code = (Verdict.MATCHES, "address_same") if is_same else (Verdict.NOTED, "address_other")
    return _compared(Fact.ADDRESS, "\n".join(declared), "\n".join(registered), verdict, code)


def _lines(enterprise: Enterprise) -> list[str]:
    lines = (enterprise.address_line1, enterprise.address_line2, enterprise.address_line3, enterprise.address_line4)
    return [line for line in lines if line]


def _place(lines: list[str]) -> tuple[str, str] | None:
    """Postal code and civic number, which two ways of writing one address share; None: equal to nothing."""
    postal_code = POSTAL_CODE.search(" ".join(lines))
    number = CIVIC_NUMBER.search(lines[0]) if lines else None
    if postal_code is None or number is None:
        return None
    return f"{postal_code[1]}{postal_code[2]}".upper(), number[0]
