"""What one cell of an import file may hold, and how it is written down. Nothing here asks the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import cache, partial

import phonenumbers
from django.core.exceptions import ValidationError

from accounts import countries
from accounts.addresses import validate_address
from accounts.models import normalize_email
from registry import neq

# Cells repeat down a column: each distinct one is checked once, and no more than so many are remembered.
ROOM = 4000
# White space around a break, looked at once: a cell of nothing but spaces costs no more than another.
BREAKS = re.compile(r"(?<![^\S\r\n\t])[^\S\r\n\t]*+[\r\n\t]\s*+")
# Those that turn the direction of writing among them: a name would be read as another one.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
WHOLE = re.compile(r"\d{1,9}", re.ASCII)
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# The alternation of a Canadian postal code. Which letters the post really uses is not asked of the books.
POSTAL_CODE = re.compile(r"([A-Z]\d[A-Z])[ -]?(\d[A-Z]\d)", re.ASCII)
PROVINCES = {
    "AB": ("alberta",),
    "BC": ("british columbia", "colombie-britannique"),
    "MB": ("manitoba",),
    "NB": ("new brunswick", "nouveau-brunswick"),
    "NL": ("newfoundland and labrador", "terre-neuve-et-labrador"),
    "NS": ("nova scotia", "nouvelle-écosse"),
    "NT": ("northwest territories", "territoires du nord-ouest"),
    "NU": ("nunavut",),
    "ON": ("ontario",),
    "PE": ("prince edward island", "île-du-prince-édouard"),
    "QC": ("québec", "quebec"),
    "SK": ("saskatchewan",),
    "YT": ("yukon",),
}
PROVINCE_CODES = {name: code for code, names in PROVINCES.items() for name in (code.lower(), *names)}
NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]*([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)
EXTENSION = re.compile(
    r"[\s,;]*\b(?:poste|extension|ext\.?|p\.|x|#)\s*(\d{1,10})\s*\Z|\s*#\s*(\d{1,10})\s*\Z", re.IGNORECASE | re.ASCII
)
LONGEST_EMAIL = 254
# What most addresses look like, and is in its one spelling already: a few letters short of every limit.
PLAIN_EMAIL = (
    r"(?=[^@]{1,64}@.{3,190}\Z)[a-z0-9]++(?:[._+-][a-z0-9]++)*+"
    r"@(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,4}[a-z]{2,20}"
)
LONGEST_PHONE = 40
OLDEST = date(1900, 1, 1)


class Unfit(Exception):
    """The cell cannot be taken; `code` says why, `known` what would have been."""

    def __init__(self, code: str, *, known: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.known = known


class Shape(dict[str, str]):
    """`shape[cell]` is the cell as it is kept; Unfit when it cannot be.

    Cells that match `as_written` are kept as they are: where hardly any two are alike, remembering them costs more.
    """

    def __init__(self, parse: Callable[[str], str], *, as_written: str | None = None) -> None:
        super().__init__()
        self.parse = parse
        self.is_as_written = re.compile(as_written, re.ASCII).fullmatch if as_written else None

    def __missing__(self, cell: str) -> str:
        if self.is_as_written is not None and self.is_as_written(cell):
            return cell
        kept = self.parse(cell)
        if len(self) >= ROOM:
            self.clear()
        self[cell] = kept
        return kept


def text(*, longest: int, is_required: bool = False) -> Shape:
    """A line of text, spaces around it dropped, breaks inside it made spaces."""
    return Shape(partial(_text, longest=longest, is_required=is_required))


def choice(*, among: Iterable[str], default: str | None = None) -> Shape:
    """One of a few codes."""
    return Shape(partial(_choice, among=tuple(among), default=default))


def renamed(*, among: dict[str, str]) -> Shape:
    """One of a few codes, kept under another name."""
    return Shape(partial(_renamed, among=among))


def decimal(*, digits: int, places: int, default: str | None = None) -> Shape:
    """A number from zero up, with a dot; empty is the default when there is one."""
    return Shape(partial(_decimal, whole=digits - places, places=places, default=default))


def whole(*, most: int, least: int = 0, default: str | None = None) -> Shape:
    """A whole number."""
    return Shape(partial(_whole, least=least, most=most, default=default))


def day(*, is_required: bool = True) -> Shape:
    """A date of the calendar, as YYYY-MM-DD."""
    return Shape(partial(_day, is_required=is_required))


def email(*, is_required: bool = False) -> Shape:
    """An address in its one spelling."""
    return Shape(partial(_email, is_required=is_required), as_written=PLAIN_EMAIL)


def country() -> Shape:
    """ISO 3166, two letters; Canada when empty."""
    return Shape(_country)


def enterprise_number() -> Shape:
    """Ten digits, or nothing."""
    return Shape(_enterprise_number)


def _text(cell: str, *, longest: int, is_required: bool) -> str:
    kept = cell.strip()
    if not kept.isprintable():
        kept = BREAKS.sub(" ", kept)
        if CONTROL.search(kept):
            raise Unfit("control_character")
    if len(kept) > longest:
        raise Unfit("too_long", known=str(longest))
    if is_required and not kept:
        raise Unfit("empty")
    return kept


def _choice(cell: str, *, among: tuple[str, ...], default: str | None) -> str:
    kept = cell.strip()
    if not kept and default is not None:
        return default
    if not kept:
        raise Unfit("empty")
    if kept not in among:
        raise Unfit("unknown_code", known=", ".join(among))
    return kept


def _renamed(cell: str, *, among: dict[str, str]) -> str:
    return among[_choice(cell, among=tuple(among), default=None)]


def _decimal(cell: str, *, whole: int, places: int, default: str | None) -> str:
    kept = cell.strip()
    if not kept and default is not None:
        return default
    if not kept:
        raise Unfit("empty")
    match = DECIMAL.fullmatch(kept)
    if match is None:
        raise Unfit("not_a_number")
    sign, units, cents = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if sign and (units or cents):
        raise Unfit("negative")
    if len(cents) > places:
        raise Unfit("too_precise", known=str(places))
    if len(units) > whole:
        raise Unfit("too_large")
    return f"{units or 0}.{cents}" if cents else units or "0"


def _whole(cell: str, *, least: int, most: int, default: str | None) -> str:
    kept = cell.strip()
    if not kept and default is not None:
        return default
    if not kept:
        raise Unfit("empty")
    if kept.startswith("-") and WHOLE.fullmatch(kept[1:]):
        raise Unfit("negative")
    if not WHOLE.fullmatch(kept):
        raise Unfit("not_a_whole_number")
    if not least <= int(kept) <= most:
        raise Unfit("out_of_range", known=f"{least}–{most}")
    return str(int(kept))


def _day(cell: str, *, is_required: bool) -> str:
    kept = cell.strip()
    if not kept and not is_required:
        return ""
    if not kept:
        raise Unfit("empty")
    if not ISO_DATE.fullmatch(kept):
        raise Unfit("not_a_date")
    try:
        found = date.fromisoformat(kept)
    except ValueError:
        raise Unfit("no_such_day") from None
    if found < OLDEST:
        raise Unfit("no_such_day")
    return kept


def _email(cell: str, *, is_required: bool) -> str:
    kept = normalize_email(cell)
    if not kept and not is_required:
        return ""
    if not kept:
        raise Unfit("empty")
    if len(kept) > LONGEST_EMAIL:
        raise Unfit("too_long", known=str(LONGEST_EMAIL))
    try:
        validate_address(kept)
    except ValidationError:
        raise Unfit("not_an_email") from None
    # The database compares in lower case; the few letters whose lower case differs from their one spelling stay out.
    if kept != kept.lower():
        raise Unfit("not_an_email")
    return kept


def _country(cell: str) -> str:
    kept = cell.strip().upper() or "CA"
    if kept not in countries.codes():
        raise Unfit("unknown_country")
    return kept


def _enterprise_number(cell: str) -> str:
    if not cell.strip():
        return ""
    try:
        return neq.parse(cell)
    except neq.InvalidNeq as error:
        raise Unfit(f"neq_{error.reason.value}") from None


def province(cell: str, *, country: str) -> str:
    """In Canada one of the thirteen codes, also found by its name; elsewhere as in the books."""
    if country != "CA" or not cell:
        return cell
    if cell.lower() not in PROVINCE_CODES:
        raise Unfit("unknown_province", known=", ".join(PROVINCES))
    return PROVINCE_CODES[cell.lower()]


def postal_code(cell: str, *, country: str) -> str:
    """In Canada A1A 1A1 with one space; elsewhere as in the books."""
    if country != "CA" or not cell:
        return cell
    match = POSTAL_CODE.fullmatch(cell.upper())
    if match is None:
        raise Unfit("not_a_postal_code")
    return f"{match[1]} {match[2]}"


def phone(cell: str, *, country: str) -> tuple[str, str]:
    """The number as E.164 when it is a North American one, else as in the books; its extension apart.

    Longer than any phone, it is as in the books: looking for an extension takes the square of the length.
    """
    if len(cell) > LONGEST_PHONE:
        return cell, ""
    extension = EXTENSION.search(cell)
    number = cell[: extension.start()].rstrip(" ,;") if extension else cell
    digits = (extension[1] or extension[2]) if extension else ""
    if not number:
        return cell, ""
    match = NORTH_AMERICAN.fullmatch(number) if country in {"CA", "US"} or number.startswith("+1") else None
    if match is not None and _is_dialled(match[1] + match[2]):
        return f"+1{match[1]}{match[2]}{match[3]}", digits
    if number.startswith("+"):
        return _international(number), digits
    return number, digits


@cache
def _is_dialled(exchange: str) -> bool:
    """Whether such a North American exchange exists: the numbering plan decides by area code and exchange."""
    return phonenumbers.is_valid_number(
        phonenumbers.PhoneNumber(country_code=1, national_number=int(exchange + "4567"))
    )


def _international(number: str) -> str:
    try:
        found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_valid_number(found):
        return number
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def amount(cell: str) -> Decimal:
    """CAD with at most two places, more than zero."""
    found = Decimal(_decimal(cell, whole=10, places=2, default=None))
    if not found:
        raise Unfit("zero")
    return found
