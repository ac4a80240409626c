"""The NEQ, Québec's enterprise number: ten digits whose prefix says what kind of enterprise it is.

The check digit is Luhn over the last eight digits only; a pass proves that nothing was mistyped, no more.
"""

from __future__ import annotations

import re
from enum import StrEnum

from stdnum import luhn

LENGTH = 10
# Legal person, sole proprietor, partnership or other group, public authority.
PREFIXES = frozenset({"11", "22", "33", "88"})
# Hyphens and dashes as keyboards, word processors and PDF write them.
SEPARATORS = re.compile(r"[\s\-.\u2010-\u2015]+")
DIGITS = re.compile(r"[0-9]*\Z")
# The federal business number: nine digits, the last one Luhn's, then perhaps a program account (RT0001 for the GST,
# RC0001 for the income tax of a corporation): Canada Revenue Agency, "Business number".
BUSINESS_NUMBER = re.compile(r"([0-9]{9})(R[A-Z][0-9]{4})?\Z", re.IGNORECASE | re.ASCII)


class Reason(StrEnum):
    """Why a number is not an NEQ."""

    BUSINESS_NUMBER = "business_number"
    NOT_DIGITS = "not_digits"
    LENGTH = "length"
    PREFIX = "prefix"
    CHECK_DIGIT = "check_digit"


class InvalidNeq(ValueError):
    """Not an NEQ; `reason` says what is wrong with it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def parse(text: str) -> str:
    """The ten digits of an NEQ typed with or without spaces and dashes; InvalidNeq otherwise."""
    digits = SEPARATORS.sub("", text)
    if _is_business_number(digits):
        raise InvalidNeq(Reason.BUSINESS_NUMBER)
    if not DIGITS.match(digits):
        raise InvalidNeq(Reason.NOT_DIGITS)
    if len(digits) != LENGTH:
        raise InvalidNeq(Reason.LENGTH)
    if digits[:2] not in PREFIXES:
        raise InvalidNeq(Reason.PREFIX)
    if not luhn.is_valid(digits[2:]):
        raise InvalidNeq(Reason.CHECK_DIGIT)
    return digits


def _is_business_number(text: str) -> bool:
    """Whether it is the federal number: a program account tells it even where a digit is mistyped."""
    match = BUSINESS_NUMBER.match(text)
    return match is not None and (match[2] is not None or luhn.is_valid(match[1]))


def begun(text: str) -> str:
    """The digits typed so far where they may be the beginning of an NEQ, or all of it; empty otherwise."""
    digits = SEPARATORS.sub("", text)
    return digits if DIGITS.match(digits) and digits[:2] in PREFIXES and len(digits) <= LENGTH else ""


def is_valid(text: str) -> bool:
    """Whether `parse` takes it."""
    try:
        parse(text)
    except InvalidNeq:
        return False
    return True


def shown(digits: str) -> str:
    """Ten digits as people read them: 4-4-2."""
    return f"{digits[:4]} {digits[4:8]} {digits[8:]}"
