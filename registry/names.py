"""Company names as Québec writes them: the key they are searched by, and how two of them compare.

Nothing here asks the database; the words themselves are in `vocabulary`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import partial
from math import fsum
from typing import NamedTuple

from registry.vocabulary import (
    DOTTED_FORMS,
    ELIDED,
    FORMS,
    GENERIC,
    JURISDICTIONS,
    LONG,
    OPENING_FORMS,
    RUNS,
    SMALL_WORDS,
    SYNONYMS,
)

# Letters that Unicode does not take apart, and marks that would leave letters behind.
LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "™": " ", "℠": " "}


class Folding(dict[int, str]):
    """What each character becomes in a key: worked out at its first use, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        # Taken apart first: a letter in a box or in mathematical bold has no lower case of its own.
        parts = unicodedata.normalize("NFKD", LETTERS.get(chr(code), chr(code)))
        parts = unicodedata.normalize("NFKD", parts.casefold())
        self[code] = folded = "".join(map(_kept, parts))
        return folded


def _kept(character: str) -> str:
    """A letter or a figure as it is, nothing for an accent or an invisible mark, a space for all else."""
    character = LETTERS.get(character, character)
    category = unicodedata.category(character[0])
    if category[0] in "LN" or category == "Mc":
        return character
    return "" if category in {"Mn", "Me", "Cf"} else " "


FOLDING = Folding()
# A byte a character for nearly all French and English names; NUL stands for all that does not fold to one.
NOT_ONE = b"\0"
BYTES = bytes(ord(FOLDING[code]) if len(FOLDING[code]) == 1 and FOLDING[code].isascii() else 0 for code in range(256))


def fold(text: str) -> str:
    """The key a name is searched by: lower case, no accent, each punctuation a space, single spaces.

    An import folds every name of the register, 4.5 millions: hence bytes where a table of bytes will do.
    """
    try:
        folded = text.encode("latin-1").translate(BYTES)
    except UnicodeEncodeError:
        return " ".join(text.translate(FOLDING).split())
    if NOT_ONE in folded:
        return " ".join(text.translate(FOLDING).split())
    return " ".join(folded.decode("ascii").split())


# --- comparing --------------------------------------------------------------------------------

# In this order: the number of a company (1234-5678 Québec, 123456-7 Canada), the signs of "and", initials with dots and
# without ("S.E.N.C.", "J.-P.", "S E N C"), words up to what a reader sees as their end.
WORD = re.compile(
    r"""
      (?P<number> (?<!\w) (?: \d{4} [\s\-‐‑–]? \d{4} | \d{6} [\s\-‐‑–]? \d ) (?!\w) )
    | (?P<sign> [&+] )
    | (?P<initials>
          (?<!\w) [^\W\d_] \. (?: [\s\-]? [^\W\d_] \. )* (?: [\s\-]? [^\W\d_] (?![\w'’]) )?
        | (?<!\w) [^\W\d_] (?: \s [^\W\d_] (?![\w.'’]) )+
      )
    | [^\s&+\-‐‑–—'’.,;:!?·•/\\()\[\]«»"“”]+
    """,
    re.VERBOSE,
)
APOSTROPHES = ("'", "’")
SIGNS = str.maketrans("", "", "&+'")
# The number of a company is eight digits written 4-4 in Québec, five to seven elsewhere in Canada and before 1991;
# fewer digits are a year, a street, a "Studio 54".
NUMBER_LENGTH = 5
# Below, most words that tell a name from another differ; an agent looks at what is above.
CLOSE = 0.6
# Two words of four letters or more that share three quarters of them in order are one word mistyped.
MISTYPED = 0.75
SHORTEST_MISTYPED = 4
# Beyond, what is compared is not a name: no time is spent on its typing mistakes.
LONGEST_MISTYPED = 40
MOST_MISTYPED = 30
# A word many companies have tells little, the number of one nearly all.
GENERIC_WEIGHT = 0.4
NUMBER_WEIGHT = 3.0
# The same words in another order; also the most a close name may have.
REORDERED = 0.95


class Verdict(StrEnum):
    """What a comparison of two names says, from the best to the worst."""

    EXACT = "exact"
    SAME = "same"
    CLOSE = "close"
    DIFFERENT = "different"


VERDICTS = list(Verdict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A declared name against a registered one; words are shown as they were typed.

    `missing` are words of the registered name alone, `extra` words of the declared one alone; a close name without
    either has the same words in another order. `score` is 1 for exact and same, less for the others.
    """

    declared: str
    registered: str
    verdict: Verdict
    score: float
    missing: tuple[str, ...]
    extra: tuple[str, ...]


class Word(NamedTuple):
    """A word as it is compared, and as it was typed."""

    key: str
    typed: str


class Name(NamedTuple):
    """A name taken apart: `compact` is its letters and figures alone, `letters` the same without its legal forms."""

    text: str
    compact: str
    words: list[Word]
    forms: list[Word]
    letters: str
    number: str


class Judgement(NamedTuple):
    verdict: Verdict
    score: float


def compare(*, declared: str, registered: str) -> Comparison:
    """How near a declared name is to a registered one; the same in both directions.

    Exact: the same characters. Same: the same letters and figures, or the same words but for the legal form (written
    otherwise, left out, another one), articles, "&", Saint or St, and French or English for a word of trade. The
    Regulation respecting the names of companies (CQLR, S-31.1, r. 1.02), s. 2, holds names that differ by no more to be
    identical, so that no two companies have them. Close: words that tell are shared, mistyped or in another order, and
    the score says how many. Different: all else, and always when a company number differs.
    """
    ours, theirs = _read(declared), _read(registered)
    return _comparison(ours, theirs, _judged(ours, theirs))


def best(*, declared: str, registered: Iterable[str]) -> Comparison | None:
    """The nearest of the names of one enterprise, the first of those as near; None when it has none."""
    ours = _read(declared)
    judged = [(theirs, _judged(ours, theirs)) for theirs in map(_read, registered)]
    if not judged:
        return None
    return _comparison(ours, *max(judged, key=partial(_rank, ours)))


def _rank(ours: Name, judged: tuple[Name, Judgement]) -> tuple[int, float, int]:
    """Of names as near, the one whose legal form differs least."""
    theirs, (verdict, score) = judged
    forms = {word.key for word in ours.forms} ^ {word.key for word in theirs.forms}
    return -VERDICTS.index(verdict), score, -len(forms)


def _judged(ours: Name, theirs: Name) -> Judgement:
    """The verdicts from the best down."""
    if ours.text == theirs.text:
        return Judgement(Verdict.EXACT, 1.0)
    if ours.compact == theirs.compact != "":
        return Judgement(Verdict.SAME, 1.0)
    here, there = _joined(ours.words, theirs.words), _joined(theirs.words, ours.words)
    if ours.letters == theirs.letters != "" or _letters(here) == _letters(there) != "":
        return Judgement(Verdict.SAME, 1.0)
    if ours.number != theirs.number or _are_elsewhere(here, there, number=ours.number):
        return Judgement(Verdict.DIFFERENT, 0.0)
    score = min(_score(here, there), REORDERED)
    return Judgement(Verdict.CLOSE if score >= CLOSE else Verdict.DIFFERENT, score)


def _comparison(ours: Name, theirs: Name, judgement: Judgement) -> Comparison:
    """With the words that differ: of names that are the same, the legal forms at most."""
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    if judgement.verdict in {Verdict.CLOSE, Verdict.DIFFERENT}:
        here, there = _joined(ours.words, theirs.words), _joined(theirs.words, ours.words)
        missing, extra = _alone(there, here), _alone(here, there)
    if ours.compact != theirs.compact:
        missing, extra = missing + _alone(theirs.forms, ours.forms), extra + _alone(ours.forms, theirs.forms)
    return Comparison(
        declared=ours.text,
        registered=theirs.text,
        verdict=judgement.verdict,
        score=judgement.score,
        missing=missing,
        extra=extra,
    )


def _are_elsewhere(ours: list[Word], theirs: list[Word], *, number: str) -> bool:
    """Whether a company number was given by two governments: two companies have it."""
    here, there = ({word.key for word in words} & JURISDICTIONS for words in (ours, theirs))
    return bool(number and here and there and here != there)


# --- taking a name apart ----------------------------------------------------------------------


def _read(text: str) -> Name:
    """The words of a name and its legal forms apart."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    tokens = list(_tokens(text))
    words, forms = _apart(tokens)
    telling = [word for word in words if word.key not in SMALL_WORDS]
    # "La Compagnie ltée", "Le Un": the forms and the small words are the name where there is no other word.
    return Name(
        text=text,
        compact=_letters(tokens),
        words=telling or forms or words,
        forms=forms if telling else [],
        letters=_letters(words),
        number=next((word.key for word in tokens if _is_number(word.key)), ""),
    )


def _tokens(text: str) -> Iterator[Word]:
    """Each word as typed, with its key."""
    for match in WORD.finditer(text):
        typed, after = match[0], text[match.end() : match.end() + 1]
        key = fold(typed)
        if match["sign"]:
            yield Word(typed, typed)
        elif match["number"] or match["initials"]:
            yield from _form_apart(Word(key.replace(" ", ""), typed))
        elif after in APOSTROPHES and f"{key}'" in ELIDED:
            yield Word(f"{key}'", typed)
        else:
            # An odd character inside a word may be a space in its key.
            yield from (Word(part, f"{typed}." if after == "." else typed) for part in key.split())


def _form_apart(word: Word) -> Iterator[Word]:
    """Initials that a form written with dots follows are two words."""
    form = next((form for form in DOTTED_FORMS if word.key.endswith(form)), word.key)
    if form != word.key:
        yield Word(word.key.removesuffix(form), word.typed)
    yield Word(form, word.typed)


def _apart(tokens: list[Word]) -> tuple[list[Word], list[Word]]:
    """The words, each in the one spelling of its meaning, and the legal forms."""
    words: list[Word] = []
    forms: list[Word] = []
    place = 0
    while place < len(tokens):
        keys = _longest_run(tokens, place)
        typed = " ".join(word.typed for word in tokens[place : place + len(keys)])
        if keys in FORMS and (words or len(keys) > 1 or keys[0] in OPENING_FORMS):
            forms.append(Word(FORMS[keys], typed))
        else:
            words.append(Word(SYNONYMS.get(keys, keys[0]), typed))
        place += len(keys)
    return words, forms


def _longest_run(tokens: list[Word], place: int) -> tuple[str, ...]:
    """The longest form or synonym that begins here, else one word."""
    first = tokens[place].key
    for length in RUNS.get(first, ()):
        keys = tuple(word.key for word in tokens[place : place + length])
        if keys in LONG:
            return keys
    return (first,)


# --- putting two side by side -----------------------------------------------------------------


def _joined(words: list[Word], others: list[Word]) -> list[Word]:
    """Two words that follow each other made one where the other name writes them so: "Micro Bird", "Microbird"."""
    wanted = {word.key for word in others}
    found: list[Word] = []
    for word in words:
        if found and found[-1].key + word.key in wanted:
            found[-1] = Word(found[-1].key + word.key, f"{found[-1].typed} {word.typed}")
        else:
            found.append(word)
    return found


def _letters(words: list[Word]) -> str:
    letters = "".join([word.key for word in words])
    return letters if letters.isalnum() else letters.translate(SIGNS)


def _alone(words: list[Word], others: list[Word]) -> tuple[str, ...]:
    """What is typed in the first alone, each word as often as it is there more."""
    left = Counter(word.key for word in others)
    found = []
    for word in words:
        if left[word.key]:
            left[word.key] -= 1
        else:
            found.append(word.typed)
    return tuple(dict.fromkeys(found))


def _score(ours: list[Word], theirs: list[Word]) -> float:
    """The weight of the words both have over the weight of all; a mistyped word counts by what is right in it."""
    here, there = Counter(word.key for word in ours), Counter(word.key for word in theirs)
    weight = fsum(_weight(key) for key in (*here.elements(), *there.elements()))
    both = fsum(2 * _weight(key) for key in (here & there).elements())
    mistyped = _mistyped(sorted((here - there).elements()), sorted((there - here).elements()))
    # fsum: the same to the last digit whichever name comes first.
    return round(fsum([both, *mistyped]) / weight, 4) if weight else 0.0


def _weight(key: str) -> float:
    if _is_number(key):
        return NUMBER_WEIGHT
    return GENERIC_WEIGHT if key in GENERIC else 1.0


def _is_number(key: str) -> bool:
    """Whether it is the number of a company."""
    return len(key) >= NUMBER_LENGTH and key.isdecimal()


def _mistyped(ours: list[str], theirs: list[str]) -> Iterator[float]:
    """The weight of each pair of words that are one but for a typing mistake, the most alike paired first."""
    pairs = [
        (alike, min(one, other), max(one, other), one, other)
        for one in ours[:MOST_MISTYPED]
        for other in theirs[:MOST_MISTYPED]
        if (alike := _alike(min(one, other), max(one, other))) >= MISTYPED
    ]
    left, right = Counter(ours), Counter(theirs)
    for alike, _first, _last, one, other in sorted(pairs, reverse=True):
        if left[one] and right[other]:
            left[one] -= 1
            right[other] -= 1
            yield alike * (_weight(one) + _weight(other))


def _alike(one: str, other: str) -> float:
    """How much two words share, 0 to 1; a figure is never a typing mistake of another."""
    shorter, longer = sorted((len(one), len(other)))
    if shorter < SHORTEST_MISTYPED or longer > LONGEST_MISTYPED or not (one.isalpha() and other.isalpha()):
        return 0.0
    # Letters in common, in whatever order: most words share too few, and the matcher takes ten times as long.
    enough = MISTYPED * (shorter + longer) / 2
    if shorter < enough or sum(min(one.count(letter), other.count(letter)) for letter in set(one)) < enough:
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
