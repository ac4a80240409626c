"""Which addresses can be written to."""

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.addresses import validate_address

MARKS = ["\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]


@pytest.mark.parametrize("mark", MARKS)
def test_a_domain_with_a_mark_that_turns_the_writing_is_refused(mark):
    address = f"luc@exam{mark}ple.org"
    validate_email(address)  # Django lets it pass: without this, ours would prove nothing
    with pytest.raises(ValidationError) as refused:
        validate_address(address)
    assert refused.value.messages == ["Saisissez une adresse de courriel valide."]


@pytest.mark.parametrize(
    "address",
    ["luc@example.org", "Luc@Exemple.QC.CA", "luc@montréal.example", "luc@例え.テスト", f"{'l' * 64}@example.org"],
)
def test_a_domain_mail_servers_can_name_is_taken(address):
    validate_address(address)


@pytest.mark.parametrize(
    "address", ["", "luc", "luc@", "l\u202euc@example.org", "luc@\u2603.example", f"{'l' * 65}@example.org"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError):
        validate_address(address)
