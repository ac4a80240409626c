"""What the tables of the register refuse, and what an enterprise says of itself."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, InternalError, transaction

from registry.models import Change, Edition, Enterprise, EnterpriseName
from tests.registry.register import neq_of

A = neq_of(1)
DAY = date(2026, 11, 22)
pytestmark = pytest.mark.django_db


def edition(**facts):
    return Edition.objects.create(**{"published_on": DAY, "sha256": "a" * 64, **facts})


def refused(constraint, build):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        build()


def test_a_zip_is_an_edition_once():
    edition()
    refused("edition_imported_once", edition)


def test_one_edition_is_current():
    edition(is_current=True)
    edition(sha256="b" * 64)
    refused("edition_one_current", lambda: edition(sha256="c" * 64, is_current=True))


def test_a_change_is_told_once_an_edition():
    change = {"edition": edition(), "neq": A, "kind": Change.Kind.RENAMED, "before": {}, "after": {}}
    Change.objects.create(**change)
    Change.objects.create(**{**change, "kind": Change.Kind.MERGED})
    refused("change_once_an_edition", lambda: Change.objects.create(**change))


def test_a_status_a_state_and_a_kind_are_those_of_the_register():
    refused("enterprise_status_known", lambda: Enterprise.objects.create(neq=A, status="ZZ"))
    Enterprise.objects.create(neq=A, status="IM")
    facts = {"enterprise_id": A, "text": "Noname", "folded": "noname"}
    refused("name_state_known", lambda: EnterpriseName.objects.create(**facts, state="Z", kind="N"))
    refused("name_kind_known", lambda: EnterpriseName.objects.create(**facts, state="V", kind="Z"))


def test_before_the_first_import_there_is_no_edition_and_nobody():
    assert Edition.objects.current() is None
    assert Enterprise.objects.by_neq(A) is None


@pytest.mark.django_db(transaction=True)
def test_an_edition_is_held_within_a_transaction_only():
    current = edition(is_current=True)
    with pytest.raises(InternalError, match="transaction"):
        Edition.objects.held()
    with transaction.atomic():
        assert Edition.objects.held() == current


@pytest.mark.parametrize(
    ("facts", "has_lapsed"),
    [
        ({"status": "IM"}, False),
        ({"status": "IM", "ceases_on": date(2026, 11, 23)}, False),
        ({"status": "IM", "ceases_on": DAY}, True),
        ({"status": "NI"}, True),
        ({"status": "AI"}, True),
        ({"status": "RO"}, False),
        ({"status": "RO", "ceases_on": DAY}, False),
    ],
)
def test_a_registration_lapses_without_being_struck_off(facts, has_lapsed):
    assert Enterprise(neq=A, **facts).has_lapsed(on=DAY) is has_lapsed


def test_a_former_name_without_its_last_day_is_older_than_one_with():
    Enterprise.objects.create(neq=A, status="RX")
    for text, until in (("Sans date", None), ("Fin", date(2020, 1, 1)), ("Avant", date(2019, 1, 1))):
        EnterpriseName.objects.create(enterprise_id=A, text=text, folded="", state="A", kind="N", until=until)
    assert [name.text for name in Enterprise.objects.by_neq(A).legal_names()] == ["Fin"]


def test_an_enterprise_and_its_names_take_two_queries(django_assert_num_queries):
    Enterprise.objects.create(neq=A, status="IM")
    EnterpriseName.objects.create(enterprise_id=A, text="Noname", folded="noname", state="V", kind="N")
    with django_assert_num_queries(2):
        assert str(Enterprise.objects.by_neq(A).legal_names()[0]) == "Noname"
