"""The NEQs of an edition: each is checked, and remembered in a byte. Millions of them take some ten megabytes.

The rule is registry.neq's, cut in two halves that are looked up instead of computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import getitem

from stdnum import luhn

from registry import neq
from registry.loader.flaws import Unfit

HEAD = 6
# Of four last digits the last one is bound by the others: a thousand numbers share a head.
SLOTS = 1000
HEADS_SUM = 10


def _tails() -> list[dict[str, int]]:
    """By Luhn's sum of the head: the four digits that may follow it, each with its slot."""
    tails: list[dict[str, int]] = [{} for _sum in range(HEADS_SUM)]
    for slot in range(SLOTS):
        digits = f"{slot:03}"
        total = luhn.checksum(digits + "0")
        for head, found in enumerate(tails):
            found[f"{digits}{-(head + total) % 10}"] = slot
    return tails


TAILS = _tails()


class _TailsOf(dict[str, dict[str, int]]):
    """The tails that may follow a head; none for a head no NEQ has."""

    def __missing__(self, head: str) -> dict[str, int]:
        if len(head) != HEAD or head[:2] not in neq.PREFIXES or not (head.isascii() and head.isdigit()):
            return {}
        self[head] = tails = TAILS[luhn.checksum(head[2:] + "0000")]
        return tails


class _SeenOf(dict[str, bytearray]):
    """For a head, one byte a number: 1 once it was seen."""

    def __missing__(self, head: str) -> bytearray:
        self[head] = seen = bytearray(SLOTS)
        return seen


class Numbers:
    """The numbers one file has given so far."""

    def __init__(self) -> None:
        self.tails_of = _TailsOf()
        self.seen_of = _SeenOf()

    def slots(self, numbers: Sequence[str], *, column: str = "NEQ") -> tuple[list[bytearray], list[int]]:
        """Where each number is remembered; Unfit when one of them is not an NEQ."""
        heads = [number[:HEAD] for number in numbers]
        try:
            slots = list(map(getitem, map(self.tails_of.__getitem__, heads), [number[HEAD:] for number in numbers]))
        except KeyError:
            raise _unfit(numbers, column=column) from None
        return list(map(self.seen_of.__getitem__, heads)), slots

    def add(self, numbers: Sequence[str]) -> None:
        """Remember them."""
        for seen, slot in zip(*self.slots(numbers), strict=True):
            seen[slot] = 1

    def add_new(self, numbers: Sequence[str]) -> None:
        """Remember them all, or none and Unfit when one was there already."""
        seen, slots = self.slots(numbers)
        if any(map(getitem, seen, slots)) or len(set(numbers)) < len(numbers):
            raise Unfit("repeated", column="NEQ", value=numbers[0])
        for page, slot in zip(seen, slots, strict=True):
            page[slot] = 1

    def expect(self, numbers: Sequence[str]) -> None:
        """Unfit when one of them was not seen."""
        if not all(map(getitem, *self.slots(numbers))):
            raise Unfit("unknown_neq", column="NEQ", value=numbers[0])

    def missing_from(self, others: Numbers) -> Iterator[str]:
        """The numbers seen here that the others have not."""
        for head, seen in self.seen_of.items():
            theirs = others.seen_of.get(head, b"")
            alone = int.from_bytes(seen, "little") & ~int.from_bytes(theirs, "little")
            if alone:
                yield from self._numbers(head, alone.to_bytes(SLOTS, "little"))

    def _numbers(self, head: str, seen: Iterable[int]) -> Iterator[str]:
        digits = {slot: tail for tail, slot in self.tails_of[head].items()}
        return (head + digits[slot] for slot, is_seen in enumerate(seen) if is_seen)


def _unfit(numbers: Sequence[str], *, column: str) -> Unfit:
    """Why the first of them that is not an NEQ is none."""
    for number in numbers:
        try:
            is_as_kept = neq.parse(number) == number
        except neq.InvalidNeq as error:
            return Unfit(f"neq_{error.reason.value}", column=column, value=number)
        if not is_as_kept:
            return Unfit("neq_not_digits", column=column, value=number)
    raise AssertionError("every one is an NEQ")
