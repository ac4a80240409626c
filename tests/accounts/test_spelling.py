"""What people type as a phone: the extension apart, and nothing searched for in what is no phone."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from accounts.spelling import with_extension_apart


def typed(phone: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data["phone"] = phone
    return data


@pytest.mark.parametrize("words", [" poste 12", ", ext. 12", " x12", " #12"])
def test_an_extension_typed_with_the_phone_moves_to_its_own_field(words):
    apart = with_extension_apart(typed(f"514 555-0123{words}"))
    assert (apart["phone"], apart["phone_extension"]) == ("514 555-0123", "12")


def test_a_text_too_long_for_a_phone_is_left_as_it_is():
    data = typed("514 555-0123" + " " * 100 + "poste 12")
    assert with_extension_apart(data) is data
