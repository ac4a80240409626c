"""How amounts, dates, phones and sizes are written in each language.

Pure functions, cached and cheap enough for every row of a list; nothing here looks at a request.
"""

import datetime as dt
from decimal import Decimal
from functools import lru_cache

import phonenumbers
from babel import Locale
from babel.dates import format_date
from django.utils import timezone
from django.utils.translation import gettext as _

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MAX_PLACES = 4
NOON = 12
NORTH_AMERICA, NATIONAL_DIGITS = 1, 10
THOUSAND = 1000

_LOCALES = {"fr": Locale.parse("fr_CA"), "en": Locale.parse("en_CA")}
# Separators come from CLDR once; formatting a row then costs two string operations.
_SEPARATORS = {
    short: str.maketrans({",": symbols["group"], ".": symbols["decimal"]})
    for short, symbols in ((short, locale.number_symbols["latn"]) for short, locale in _LOCALES.items())
}
_SIZES = {"fr": ("octets", "ko", "Mo", "Go"), "en": ("bytes", "kB", "MB", "GB")}


def _short(language: str) -> str:
    return "en" if language[:2] == "en" else "fr"


def _digits(value: Decimal | int | str, *, least: int) -> str:
    """The plain digits of a value, at least `least` decimals, more (up to four) only when they say something."""
    number = Decimal(value) + 0  # a negative zero becomes zero
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= least:
        return f"{number:,.{least}f}"
    units, _point, decimals = f"{number:,.{MAX_PLACES}f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{units}.{decimals}" if decimals else units


@lru_cache(maxsize=8192)
def money(amount: Decimal | int | str | None, language: str) -> str:
    """Canadian dollars as the language writes them, no-break spaces included; no amount is an empty text."""
    if amount is None or amount == "":
        return ""
    digits = _digits(amount, least=2)
    sign = "-" if digits.startswith("-") else ""
    short = _short(language)
    digits = digits.removeprefix("-").translate(_SEPARATORS[short])
    return f"{sign}${digits}" if short == "en" else f"{sign}{digits}{NO_BREAK_SPACE}$"


@lru_cache(maxsize=1024)
def percent(points: Decimal | int | str | None, language: str) -> str:
    """Percentage points (9.975 means 9.975 per cent) without idle zeros."""
    if points is None or points == "":
        return ""
    short = _short(language)
    digits = _digits(points, least=0)
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    digits = digits.translate(_SEPARATORS[short])
    return f"{digits}%" if short == "en" else f"{digits}{NO_BREAK_SPACE}%"


def yes_or_no(value: bool) -> str:  # noqa: FBT001 - that is the value
    """In words, in the language of the moment: lists of agents have no icons."""
    return _("Yes") if value else _("No")


def whole(number: int, language: str) -> str:
    """A count as the language writes it: 3,028, 3 028."""
    return f"{number:,}".translate(_SEPARATORS[_short(language)])


def _day(value: dt.date | dt.datetime) -> dt.date:
    """The calendar day of a date, or of a moment in the portal's time zone."""
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value


@lru_cache(maxsize=2048)
def _long_date(day: dt.date, short: str) -> str:
    text = format_date(day, format="long", locale=_LOCALES[short])
    if short == "fr" and day.day == 1:
        text = text.replace("1 ", "1er ", 1)
    return text.replace(" ", NO_BREAK_SPACE)


def long_date(day: dt.date | dt.datetime | None, language: str) -> str:
    """A date in full for a sentence, unbreakable: 1er décembre 2026, December 1, 2026."""
    return "" if not day else _long_date(_day(day), _short(language))


def iso_date(day: dt.date | dt.datetime | None) -> str:
    """A date for a table or an attribute: 2026-12-01."""
    return "" if not day else _day(day).isoformat()


def iso_moment(at: dt.datetime | None) -> str:
    """A moment for a table, unbreakable, in the portal's time zone: 2026-12-01 13:40."""
    if not at:
        return ""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return f"{local:%Y-%m-%d}{NO_BREAK_SPACE}{local:%H:%M}"


def long_moment(at: dt.datetime | None, language: str) -> str:
    """A moment in full, in the portal's time zone: 14 novembre 2026 à 13 h 40, November 14, 2026 at 1:40 pm."""
    if not at:
        return ""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    day = long_date(local, language)
    if _short(language) == "fr":
        return f"{day} à {local:%H}{NO_BREAK_SPACE}h{NO_BREAK_SPACE}{local:%M}".replace(" à 0", " à ")
    half = "am" if local.hour < NOON else "pm"  # no points: a sentence may end there
    return f"{day} at {local.hour % NOON or NOON}:{local:%M}{NO_BREAK_SPACE}{half}"


@lru_cache(maxsize=4096)
def _phone(number: str, extension: str, short: str) -> str:
    try:
        parsed = phonenumbers.parse(number, "CA")
    except phonenumbers.NumberParseException:
        text = number
    else:
        text = _parsed_phone(parsed, number, short)
    if not extension:
        return text
    word = "poste" if short == "fr" else "ext."
    return f"{text}, {word}{NO_BREAK_SPACE}{extension}"


def _parsed_phone(parsed: phonenumbers.PhoneNumber, number: str, short: str) -> str:
    national = str(parsed.national_number)
    if parsed.country_code == NORTH_AMERICA and len(national) == NATIONAL_DIGITS:
        area, exchange, line = national[:3], national[3:6], national[6:]
        return f"{area}{NO_BREAK_SPACE if short == 'fr' else '-'}{exchange}-{line}"
    if not number.startswith("+"):
        return number  # from elsewhere, as in the books: its country is not known
    text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return text.replace(" ", NO_BREAK_SPACE)


def phone(number: object, extension: object = "", language: str = "fr-ca") -> str:
    """A phone as the country writes it, its extension in words: 514 555-0123, poste 12."""
    if not number:
        return ""
    return _phone(str(number), str(extension or ""), _short(language))


def masked_email(email: str) -> str:
    """An address its owner knows again and nobody else learns: n•••@e•••.example."""
    local, at, domain = email.partition("@")
    if not at:
        return "•••"
    name, dot, end = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••{dot}{end}"


def masked_phone(number: object) -> str:
    """A number its owner knows again by its last two digits."""
    digits = "".join(character for character in str(number) if character.isdigit())
    return f"•••{NO_BREAK_SPACE}•••-••{digits[-2:]}" if digits else "•••"


def file_size(count: int | None, language: str) -> str:
    """A number of bytes in the largest fitting unit, by thousands: 245 ko, 1.2 MB."""
    if count is None:
        return ""
    units = _SIZES[_short(language)]
    size, step = float(count), 0
    while round(size) >= THOUSAND and step < len(units) - 1:
        size, step = size / THOUSAND, step + 1
    digits = f"{size:.1f}" if step and round(size, 1) < 10 else f"{size:.0f}"  # noqa: PLR2004 - one decimal for one digit
    digits = digits.removesuffix(".0").translate(_SEPARATORS[_short(language)])
    return f"{digits}{NO_BREAK_SPACE}{units[step]}"
