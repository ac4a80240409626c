"""Enterprises of the register by the beginning of their number or by name, while somebody types.

The cheapest search first, and a dearer one only where those before found too few, all within one patience.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from math import inf
from time import monotonic
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from registry import neq
from registry.addresses import address_of
from registry.models import Enterprise, EnterpriseName
from registry.names import fold
from registry.vocabulary import FORMS, SMALL_WORDS

# Seconds a search may take in the database before what it found is shown.
PATIENCE = 0.2
# One letter is the beginning of too many names.
SHORTEST = 2
# Names read in each step: of these the registered enterprises and the names in force come first.
MOST = 24
# With fewer found, whoever types may have mistyped.
FEW = 3
# The index of words gathers all names of a word before the first one is read. A beginning of a word met this often, or
# more often than the words before it, is looked for in their names; words all met everywhere, in names as they come.
COMMON = 20_000
EVERYWHERE = 200_000
# A beginning of more words than this is taken for common: counting them would take longer than it saves.
WIDE = 2_000
# A word met less often may be a mistyped one, in the register as well.
RARE = 20
# Of trigrams. Below, each word has too many neighbours, and finding them takes too long.
LIKENESS = 0.6
NEIGHBOURS = 3
CORRECTIONS = 3
SHORTEST_MISTYPED = 4
# In the C collation, after all that begins alike.
LAST = "\U0010ffff"

SETTINGS = """
SELECT set_config('statement_timeout', %s, true), set_config('pg_trgm.similarity_threshold', %s, true),
    set_config('plan_cache_mode', 'force_custom_plan', true)
"""
BY_NUMBER = "SELECT neq FROM registry_enterprise WHERE neq >= %s AND neq < %s ORDER BY neq LIMIT %s"
NAMES = """
SELECT n.neq, n.text, n.folded, n.state, e.status
FROM registry_enterprisename n JOIN registry_enterprise e ON e.neq = n.neq
"""
BEGINNING = NAMES + "WHERE n.folded >= %s AND n.folded < %s ORDER BY n.folded LIMIT %s"
# Names in force only from here on: former names are more, and are found by their beginning.
CONTAINING = NAMES + "WHERE n.state = 'V' AND n.folded LIKE %s LIMIT %s"
CONTAINING_ALL = NAMES + "WHERE n.state = 'V' AND ' ' || n.folded || ' ' LIKE ALL (%s) LIMIT %s"
# The expression and the condition are those of the index `name_words`.
WORDS = (
    NAMES
    + """
WHERE n.state = 'V' AND to_tsvector('simple'::regconfig, COALESCE(n.folded, ''::text)) @@ to_tsquery('simple', %s)
    AND ' ' || n.folded LIKE %s LIMIT %s
"""
)
OCCURRENCES = "SELECT text, occurrences FROM registry_word WHERE text = ANY(%s)"
BEGUN = """
SELECT coalesce(sum(occurrences), 0), count(*)
FROM (SELECT occurrences FROM registry_word WHERE text >= %s AND text < %s LIMIT %s) AS begun
"""
# The condition is the one of the index `word_trigrams`.
NEIGHBOURING = """
SELECT text FROM registry_word WHERE text >= 'a' AND text %% %s
ORDER BY similarity(text, %s) DESC, occurrences DESC LIMIT %s
"""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One enterprise that may be meant; `name` is the name that matched, empty when its number did."""

    neq: str
    name: str
    legal_name: str
    status: Enterprise.Status
    city: str


class Match(NamedTuple):
    """A name that was found, with what tells how likely it is meant."""

    neq: str
    text: str
    folded: str
    state: str
    status: str


class TimeIsUp(Exception):
    """The search has taken all the time it may."""


Rows = Callable[..., list[tuple[Any, ...]]]


def suggest(*, text: str, limit: int = 8) -> list[Suggestion]:
    """The enterprises most likely meant by what is typed so far, each once; none while no edition is loaded."""
    found: dict[str, str] = {}
    try:
        with transaction.atomic():
            _rows(inf, SETTINGS, f"{PATIENCE * 1000:.0f}", str(LIKENESS))
            _find(text, found=found, limit=limit, rows=partial(_rows, monotonic() + PATIENCE))
            # Nothing was written; the settings go with the savepoint, if this is part of another transaction.
            transaction.set_rollback(True)
    except TimeIsUp:
        pass
    except OperationalError as error:
        # What was found before stays found.
        if not isinstance(error.__cause__, QueryCanceled):
            raise
    return _suggestions(dict(islice(found.items(), limit)))


def _rows(end: float, query: str, *params: Any) -> list[tuple[Any, ...]]:
    if monotonic() > end:
        raise TimeIsUp
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def _find(text: str, *, found: dict[str, str], limit: int, rows: Rows) -> None:
    """Add the number and the matching name of each enterprise, the likeliest first, until there are enough."""
    number = neq.begun(text)
    if number:
        found.update((row[0], "") for row in rows(BY_NUMBER, number, number + LAST, limit))
    key = fold(text)
    if len(key) < SHORTEST or len(number) == neq.LENGTH:
        return
    for step, enough in ((_beginning, limit), (_with_words, limit), (_corrected, min(FEW, limit))):
        if len(found) >= enough:
            return
        for match in step(key, rows):
            found.setdefault(match.neq, match.text)
            if len(found) >= limit:
                return


def _beginning(key: str, rows: Rows) -> list[Match]:
    """Names that are the key or begin with it."""
    return _ranked(rows(BEGINNING, key, key + LAST, MOST), key=key)


def _with_words(key: str, rows: Rows) -> list[Match]:
    """Names that hold all words of the key in any order, the last one perhaps only begun."""
    words, begun = _words(key)
    known = _occurrences(words, rows)
    if not begun or len(known) < len(words):
        return []
    count = _begun(begun, rows)
    if not count:
        return []
    query = [f"'{word}'" for word in words]
    rarest = min(known.values(), default=EVERYWHERE)
    if count < min(rarest, COMMON):
        found = rows(WORDS, " & ".join([*query, f"'{begun}':*"]), "%", MOST)
    elif rarest < EVERYWHERE:
        found = rows(WORDS, " & ".join(query), f"% {begun}%", MOST)
    elif words:
        found = rows(CONTAINING_ALL, [*(f"% {word} %" for word in words), f"% {begun}%"], MOST)
    else:
        # Names that begin with it were found before.
        found = rows(CONTAINING, f"% {begun}%", MOST)
    return _ranked(found, key=key)


def _words(key: str) -> tuple[list[str], str]:
    """The words that tell, the last of them apart: it may be only begun, and be a letter."""
    telling = [word for word in key.split() if word not in SMALL_WORDS and (word,) not in FORMS]
    words = dict.fromkeys(word for word in telling[:-1] if len(word) > 1)
    return list(words), telling[-1] if telling else ""


def _occurrences(words: list[str], rows: Rows) -> dict[str, int]:
    """How often each is in the names of the register; those that never are left out."""
    return dict(rows(OCCURRENCES, words)) if words else {}


def _begun(word: str, rows: Rows) -> int:
    """How often words that begin so are in the names of the register."""
    [(count, spread)] = rows(BEGUN, word, word + LAST, WIDE)
    return COMMON if spread == WIDE else int(count)


def _corrected(key: str, rows: Rows) -> Iterator[Match]:
    """Names found by the words of the register that are nearest to those of the key it hardly knows."""
    *whole, last = key.split()
    known = _occurrences(whole, rows)
    rare = [word for word in whole if known.get(word, 0) < RARE] + [last] * (_begun(last, rows) < RARE)
    nearest = {word: _neighbours(word, rows) for word in rare if len(word) >= SHORTEST_MISTYPED and word.isalpha()}
    choices = [nearest.get(word) or [word] for word in (*whole, last)]
    for choice in islice(product(*choices), CORRECTIONS):
        corrected = " ".join(choice)
        if corrected != key:
            yield from _beginning(corrected, rows)
            yield from _with_words(corrected, rows)


def _neighbours(word: str, rows: Rows) -> list[str]:
    return [row[0] for row in rows(NEIGHBOURING, word, word, NEIGHBOURS)]


def _ranked(rows: list[tuple[Any, ...]], *, key: str) -> list[Match]:
    """The name itself, then registered enterprises, names in force, short names."""
    return sorted(map(Match._make, rows), key=partial(_rank, key=key))


def _rank(match: Match, *, key: str) -> tuple[bool, bool, bool, int, str]:
    return (
        match.folded != key,
        match.status != Enterprise.Status.REGISTERED,
        match.state != EnterpriseName.State.IN_FORCE,
        len(match.folded),
        match.folded,
    )


def _suggestions(found: dict[str, str]) -> list[Suggestion]:
    """What is shown of each; one that is gone since, an edition having taken the place of another, is left out."""
    enterprises = Enterprise.objects.filter(pk__in=found).prefetch_related("names").in_bulk()
    return [_suggestion(enterprises[number], name) for number, name in found.items() if number in enterprises]


def _suggestion(enterprise: Enterprise, name: str) -> Suggestion:
    legal = enterprise.legal_names()
    return Suggestion(
        neq=enterprise.neq,
        name=name,
        legal_name=legal[0].text if legal else "",
        status=Enterprise.Status(enterprise.status),
        city=address_of(enterprise).city,
    )
