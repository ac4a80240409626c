"""Names, phones and amounts as people type them: without accents or capitals, by their digits alone."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from django.db.models import CharField, Func, TextField, Transform

MARKS = re.compile("[\u0300-\u036f]")
# « 514 555-0123, poste 12 », "x12", "ext. 12": the phone library refuses or mangles what follows the number.
EXTENSION = re.compile(r"[\s,;]*(?:poste|ext(?:ension)?\.?|p\.|x|#)\s*(\d{1,10})\s*$", re.IGNORECASE)
LONGEST_PHONE = 100  # longer is none, and a search in it could take minutes
# A comma or a point before the last one or two figures; every other one only groups.
CENTS = re.compile(r"[.,](\d{1,2})$")


def plain(text: str) -> str:
    """Without accents, in lower case: what `field__plain` is compared with."""
    return MARKS.sub("", unicodedata.normalize("NFKD", text.lower()))


def with_extension_apart(data: Any) -> Any:
    """A form's data; an extension typed in the phone's field moves to its own, unless that one is filled."""
    phone = data.get("phone", "")
    typed = EXTENSION.search(phone) if len(phone) <= LONGEST_PHONE else None
    if typed is None:
        return data
    data = data.copy()
    data["phone"] = data["phone"][: typed.start()]
    data["phone_extension"] = data.get("phone_extension") or typed[1]
    return data


def plain_amount(text: str) -> str:
    """Dollars as either language writes them, 1 234,56 $ or $1,234.56, as a machine reads them: 1234.56."""
    text = re.sub(r"[\s$]|CAD", "", text)
    if cents := CENTS.search(text):
        return f"{re.sub('[.,]', '', text[: cents.start()])}.{cents[1]}"
    if re.fullmatch(r"-?\d{1,3}([.,]\d{3})+", text):
        return re.sub("[.,]", "", text)
    return text


def spellings(text: str) -> str:
    """What was typed as a pattern for `field__iregex`, with or without accents; four times faster than `plain`.

    Nothing in it repeats but marks, so that no text typed can make the database work long.
    """
    return "".join(_spelled(letter) for letter in plain(text))


@functools.cache
def _accented() -> dict[str, str]:
    """Each letter with those that are it under an accent: e, éèêë."""
    families: dict[str, str] = {}
    for letter in map(chr, range(0xC0, 0x180)):
        if letter == letter.lower() and len(plain(letter)) == 1 and plain(letter) != letter:
            families[plain(letter)] = families.get(plain(letter), "") + letter
    return families


def _spelled(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter}{_accented().get(letter, '')}][\u0300-\u036f]*"
    return "[ \u00a0\u202f]" if letter == " " else re.escape(letter)


@CharField.register_lookup
class Plain(Transform):
    """The same of a column, by PostgreSQL alone: no extension to install."""

    lookup_name = "plain"
    template = r"regexp_replace(normalize(lower(%(expressions)s), NFKD), '[\u0300-\u036f]', '', 'g')"


@CharField.register_lookup
class Digits(Transform):
    """The digits of a column, whatever stands between them."""

    lookup_name = "digits"
    template = r"regexp_replace(%(expressions)s, '\D', '', 'g')"


# In the order of bytes, so that an index serves a beginning typed, whatever the language of the database.
PLAIN = r"regexp_replace(normalize(lower(%(expressions)s), NFKD), '[\u0300-\u036f]', '', 'g')"


class PlainText(Func):
    """Columns joined by a space, as `plain` writes them."""

    template = f'({PLAIN} COLLATE "C")'
    arg_joiner = " || ' ' || "
    output_field = TextField()


class PlainAfterOneWord(PlainText):
    template = f"(regexp_replace({PLAIN}, '^\\S+\\s+', '') COLLATE \"C\")"


class PlainAfterTwoWords(PlainText):
    template = f"(regexp_replace({PLAIN}, '^\\S+\\s+\\S+\\s+', '') COLLATE \"C\")"


class DigitsBackwards(Func):
    """The digits of a column from the last to the first: an index then serves the end of a phone."""

    template = r"""(reverse(regexp_replace(%(expressions)s, '\D', '', 'g')) COLLATE "C")"""
    output_field = TextField()


class Capitals(Func):
    template = '(upper(%(expressions)s) COLLATE "C")'
    output_field = TextField()
