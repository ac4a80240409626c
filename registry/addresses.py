"""Addresses as the register writes them: four lines whose meaning shifts between the street, a suite and the city."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

# "Trois-Rivières (Québec)", sometimes with the country after it.
CITY = re.compile(r"(?P<city>.+?)\s*\((?P<province>[^()]+)\)\s*(?P<country>.*)")
# Written without a space.
POSTAL_CODE = re.compile(r"([A-Z]\d[A-Z])\s?(\d[A-Z]\d)", re.ASCII)


class Published(Protocol):
    """An enterprise or an establishment."""

    address_line1: str
    address_line2: str
    address_line3: str
    address_line4: str


class Address(NamedTuple):
    """The parts of an address; one that is not stated is empty."""

    street: str = ""
    suite: str = ""
    city: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        return any(self)


def address_of(published: Published) -> Address:
    """The address of an enterprise or establishment; empty when the register hides it or has none."""
    lines = (published.address_line1, published.address_line2, published.address_line3, published.address_line4)
    return read_address(lines)


def read_address(lines: Iterable[str]) -> Address:
    """The parts of the four lines.

    The second line is usually the city; it is a suite when the third holds the city. Whatever fits nowhere goes with
    the suite: nothing published is lost.
    """
    street, *rest = [line.strip() for line in lines] or [""]
    suite, city, province, postal_code, country = [], "", "", "", ""
    for line in reversed([line for line in rest if line]):
        code, place = POSTAL_CODE.fullmatch(line), CITY.fullmatch(line)
        if code and not postal_code:
            postal_code = f"{code[1]} {code[2]}"
        elif place and not city:
            city, province, country = place["city"], place["province"], place["country"]
        else:
            suite.append(line)
    if not city and len(suite) == 1:
        city, suite = suite[0], []
    return Address(street, ", ".join(reversed(suite)), city, province, postal_code, country)
