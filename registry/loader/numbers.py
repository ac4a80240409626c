"""The NEQs of an edition: each is checked, and remembered in a byte. Millions of them take some ten megabytes.

The rule is registry.neq's, cut in two halves that are looked up instead of computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stdnum import luhn

from registry import neq
from registry.loader.flaws import Unfit

HEAD = 6
# Of four last digits the last one is bound by the others: a thousand numbers share a head.
SLOTS = 1000
SUMS = 10


def _tails() -> list[dict[bytes, int]]:
    """By Luhn's sum of the head: the four digits that may follow it, each with its slot."""
    tails: list[dict[bytes, int]] = [{} for _sum in range(SUMS)]
    for slot in range(SLOTS):
        digits = f"{slot:03}"
        total = luhn.checksum(digits + "0")
        for head, found in enumerate(tails):
            found[f"{digits}{-(head + total) % SUMS}".encode()] = slot
    return tails


TAILS = _tails()


class Pages(dict[bytes, tuple[dict[bytes, int], bytearray]]):
    """For the six first digits: which four may follow, and which did, a byte each. None follows a wrong head."""

    def __missing__(self, head: bytes) -> tuple[dict[bytes, int], bytearray]:
        if len(head) != HEAD or not head.isdigit() or head[:2].decode() not in neq.PREFIXES:
            return {}, bytearray()
        self[head] = page = TAILS[luhn.checksum(head[2:].decode() + "0000")], bytearray(SLOTS)
        return page


class Numbers:
    """The numbers one file has given so far."""

    def __init__(self) -> None:
        self.pages = Pages()

    def check(self, numbers: Iterable[bytes], *, column: str = "NEQ") -> None:
        """Unfit when one of them is no NEQ."""
        for number in numbers:
            if number[HEAD:] not in self.pages[number[:HEAD]][0]:
                raise _unfit(number, column=column)

    def add_new(self, numbers: Sequence[bytes]) -> None:
        """Remember them all, or none and Unfit when one is no NEQ or was there already."""
        pages, done = self.pages, 0
        try:
            for number in numbers:
                tails, seen = pages[number[:HEAD]]
                slot = tails[number[HEAD:]]
                if seen[slot]:
                    break
                seen[slot] = 1
                done += 1
            else:
                return
        except KeyError:
            unfit = _unfit(numbers[done])
        else:
            unfit = Unfit("repeated", column="NEQ", value=numbers[done])
        for number in numbers[:done]:
            tails, seen = pages[number[:HEAD]]
            seen[tails[number[HEAD:]]] = 0
        raise unfit

    def expect(self, numbers: Iterable[bytes]) -> None:
        """Unfit when one of them is no NEQ, or was not seen."""
        for number in numbers:
            tails, seen = self.pages[number[:HEAD]]
            slot = tails.get(number[HEAD:])
            if slot is None:
                raise _unfit(number)
            if not seen[slot]:
                raise Unfit("unknown_neq", column="NEQ", value=number)


def check_lengths(numbers: Iterable[bytes]) -> None:
    """Unfit when one of them has not ten characters."""
    if set(map(len, numbers)) != {neq.LENGTH}:
        raise _unfit(next(number for number in numbers if len(number) != neq.LENGTH))


def _unfit(number: bytes, *, column: str = "NEQ") -> Unfit:
    """Why it is no NEQ."""
    try:
        neq.parse(number.decode())
    except neq.InvalidNeq as error:
        return Unfit(f"neq_{error.reason.value}", column=column, value=number)
    # Spaces or dashes, which people write and files do not.
    return Unfit("neq_not_digits", column=column, value=number)
