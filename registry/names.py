"""Company names as Québec writes them: the key they are searched by. Nothing here asks the database."""

from __future__ import annotations

import unicodedata

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
