"""A comparison in words: each fact that `Verification.facts` keeps, said in the language of whoever reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.formats import NO_BREAK_SPACE, long_date
from organizations.comparison import POSTAL_CODE, Compared
from organizations.models import Observation, Verification
from registry import names, neq
from registry.models import Change, Enterprise

Fact, Verdict = Verification.Fact, Verification.Verdict

SENTENCES: dict[str, str | Promise] = {
    "no_edition": _("No edition of the register is loaded here: a person compares it by hand."),
    "not_found": _("There is nothing to compare it with, since the NEQ is not in the register."),
    "neq_found": _("The register holds this NEQ."),
    "neq_unknown": _("The edition of %(edition)s does not hold this NEQ. A company registered since is not in it yet."),
    "name_exact": _("Written as in the register."),
    "name_same": _("The same as in the register, but for spelling, legal form, articles or language."),
    "name_close": _("Close to the registered name, but not the same."),
    "name_different": _("Not the registered name."),
    "name_former": _("“%(seen)s” is a former name: the register has another one in force."),
    "name_other": _("“%(seen)s” is another name this company uses: its legal name is not that one."),
    "name_used": _("The register has it as a name in use. The legal name, that of a person, is not published."),
    "name_uses_others": _("The register has another name in use. The legal name, that of a person, is not published."),
    "name_unpublished": _("The open data give no name under this NEQ, as for most sole proprietors."),
    "status_registered": _("The registration is in force."),
    "status_struck_off": _("Struck off: the registration is no longer in force."),
    "status_not_registered": _("The registration is not in force."),
    "status_ended": _("The planned end of this company is past."),
    "status_bankrupt": _("The registration is in force, and the register mentions a bankruptcy."),
    "administrator_unpublished": _("The open data name no person: this is seen on the public register only."),
    "address_same": _("The same address."),
    "address_other": _("Another address, which is no reason to refuse."),
    "address_unpublished": _("The register publishes no address for this company, which is no reason to refuse."),
}
# What the company can do; the rest is an agent's to look at.
ADVICE: dict[str, str | Promise] = {
    "neq_unknown": _(
        "Read the number again on a document of the Registraire des entreprises, and correct it if it is another one."
    ),
    "name_close": _("Correct it as the register writes it, unless it changed lately."),
    "name_different": _("Declare the registered name, unless it changed lately; or check that the NEQ is yours."),
    "name_former": _("Declare the name in force."),
    "name_other": _("Declare the legal name: the name in use may stay on your sign."),
    "status_struck_off": _(
        "Put the registration back in force with the Registraire, or declare the company that replaces this one."
    ),
    "status_not_registered": _("Register the company with the Registraire, or declare the one that is registered."),
    "status_ended": _("Bring the registration up to date with the Registraire."),
}
# What a change of the register tells (registry.loader.changes), in the order people read it.
SIDES: dict[str, str | Promise] = {
    "status": _("Registration"),
    "status_on": _("Since"),
    "ceases_on": _("Planned end"),
    "names": _("Legal name"),
    "links": _("Mergers and divisions"),
}
GONE = _("No longer in the register")
# As static/css/components/status.css draws them.
SHAPES = {
    Verdict.MATCHES: "paid",
    Verdict.DIFFERS: "overdue",
    Verdict.UNKNOWN: "overdue",
    Verdict.UNCHECKED: "part",
    Verdict.NOTED: "credit",
}


class Word(NamedTuple):
    """A word of a name, and whether the other name lacks it."""

    text: str
    is_apart: bool


class Side(NamedTuple):
    """A fact before and after an edition."""

    label: str | Promise
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One fact, whose words are made when they are read."""

    compared: Compared
    edition_on: dt.date | None
    observations: Sequence[Observation] = ()

    @property
    def fact(self) -> str:
        return self.compared["fact"]

    @property
    def label(self) -> str:
        return str(Fact(self.fact).label)

    @property
    def declared(self) -> str:
        return self._shown(self.compared["declared"])

    @property
    def registered(self) -> str:
        return self._shown(self.compared["registered"])

    @property
    def since(self) -> dt.date | None:
        """Of a registration: the day of its status."""
        day = self.compared["params"].get("since")
        return dt.date.fromisoformat(day) if day else None

    @property
    def verdict_label(self) -> str:
        return str(Verdict(self.compared["verdict"]).label)

    @property
    def is_checked(self) -> bool:
        return self.compared["verdict"] != Verdict.UNCHECKED

    @property
    def shape(self) -> str:
        return SHAPES[Verdict(self.compared["verdict"])]

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self.compared["code"]]) % self._words()

    @property
    def advice(self) -> str:
        """What the company can do about it; empty: nothing."""
        return str(ADVICE.get(self.compared["code"], ""))

    @property
    def declared_words(self) -> list[Word]:
        return _words(self.declared, apart=self.compared["params"].get("extra", ()))

    @property
    def registered_words(self) -> list[Word]:
        return _words(self.registered, apart=self.compared["params"].get("missing", ()))

    def _shown(self, value: str) -> str:
        if self.fact == Fact.NEQ and value:
            return neq.shown(value)
        if self.fact == Fact.STATUS and value in Enterprise.Status:
            return str(Enterprise.Status(value).label)
        if self.fact == Fact.ADDRESS:
            return POSTAL_CODE.sub(rf"\1{NO_BREAK_SPACE}\2", value)
        return value

    def _words(self) -> dict[str, Any]:
        edition = long_date(self.edition_on, get_language() or "fr-ca")
        return {"seen": "", **self.compared["params"], "edition": edition}


def explain(*, verification: Verification, observations: Iterable[Observation] = ()) -> list[Explained]:
    """The comparison, fact by fact, with what agents saw of each. Reads `edition`: select it with the verification."""
    seen = list(observations)
    edition_on = verification.edition.published_on if verification.edition else None
    return [
        Explained(compared, edition_on, [found for found in seen if found.fact == compared["fact"]])
        for compared in verification.facts
    ]


def both_sides(*, change: Change) -> list[Side]:
    """What an edition says of a company beside what the edition before said, each fact in words."""
    keys = [key for key in SIDES if change.before.get(key) or change.after.get(key)]
    sides = [Side(SIDES[key], _said(key, change.before.get(key)), _said(key, change.after.get(key))) for key in keys]
    return [side for side in sides if side.before != side.after]


def _said(key: str, value: Any) -> str:
    if key == "status":
        return str(Enterprise.Status(value).label) if value in Enterprise.Status else str(GONE)
    if key == "links":
        return "\n".join(_link(link) for link in value or ())
    return "\n".join(value) if isinstance(value, list) else value or ""


def _link(link: dict[str, str | None]) -> str:
    """The two companies of a merger or division, and its day."""
    numbers = " – ".join(neq.shown(number) for number in (link["neq"], link["other_neq"]) if number)
    return " · ".join(part for part in (numbers, link["other_name"], link["effective_on"]) if part)


def _words(name: str, *, apart: Iterable[str]) -> list[Word]:
    """The words of a name in their order, those the other name lacks marked."""
    folded = {word for words in apart for word in names.fold(words).split()}
    return [Word(word, is_apart=bool(folded & set(names.fold(word).split()))) for word in name.split()]
