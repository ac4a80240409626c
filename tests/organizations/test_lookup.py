"""Who three letters mean: by name either way round, company, number, end of a phone; of one merchant alone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations import lookup
from organizations.access import grant_permission
from organizations.models import Customer, Membership
from organizations.permissions import Permission, Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def marc(acme: Customer) -> Membership:
    """On the list by name and phone, without an e-mail or a profile."""
    return factories.MembershipFactory(
        customer=acme, role=Role.VISITOR, first_name="Marc-André", last_name="Dubé", phone="514 555-0199"
    )


def names(boreal, text, **more) -> list[str]:
    return [found.name for found in lookup.find(merchant_id=boreal.pk, text=text, **more)]


@pytest.mark.parametrize(
    "text",
    ["dub", "DUBÉ", "dube", "marc", "Dubé Marc", "marc-andré d", "  marc-andre   dube ", "5550199", "0199", "199"],
)
def test_a_person_on_file_is_found_by_what_is_typed(boreal, marc, text):
    assert names(boreal, text) == ["Marc-André Dubé"]


@pytest.mark.parametrize("text", ["côt", "cote r", "Rita", "rita@acme.example", "RITA@ACME.EXAMPLE"])
def test_a_person_who_signs_in_is_found_by_their_profile(boreal, rita, text):
    assert names(boreal, text) == ["Rita Côté"]


def test_a_phone_of_the_profile_is_found_by_its_end(boreal, rita):
    rita.phone = "+14185550177"
    rita.save()
    assert names(boreal, "418 555-0177") == names(boreal, "+1 (418) 555-0177") == names(boreal, "0177") == ["Rita Côté"]
    assert names(boreal, "0178") == []


@pytest.mark.parametrize("text", ["acm", "Acme Constr", "constr", "104", "10482"])
def test_a_company_is_found_by_a_word_or_its_number_with_its_people(boreal, alice, rita, text):
    assert names(boreal, text) == ["Alice Tremblay", "Rita Côté"]


def test_a_number_with_letters_is_found(boreal, alice, acme):
    Customer.objects.filter(pk=acme.pk).update(number="M-0012")
    assert names(boreal, "m-00") == ["Alice Tremblay"]


@pytest.mark.parametrize(
    "text", ["", "du", "%%%", "___", "zzz", "' OR 1=1 --", "é" * 100, "\N{COMBINING ACUTE ACCENT}" * 5]
)
def test_what_means_nobody_finds_nobody(boreal, marc, text):
    assert names(boreal, text) == []


def test_a_number_that_begins_so_comes_before_phones_that_end_so(boreal, acme, globex, alice):
    """Three digits end many phones: they never hide the company of that number."""
    for n in range(lookup.MOST + 5):
        factories.MembershipFactory(customer=globex, first_name="Aa", last_name=f"N{n:02}", phone="514 555-0104")
    Customer.objects.filter(pk=globex.pk).update(number="77777")
    found = names(boreal, "104")
    assert found[0] == "Alice Tremblay"
    assert len(found) == lookup.MOST + 1


def test_people_of_another_merchant_are_nobody(boreal, riviere, marc, alice):
    assert lookup.find(merchant_id=riviere.pk, text="dub") == []
    assert lookup.find(merchant_id=riviere.pk, text="acme") == []
    assert lookup.person(merchant_id=riviere.pk, pk=marc.pk) is None
    assert lookup.person(merchant_id=boreal.pk, pk=marc.pk).name == "Marc-André Dubé"


def test_people_of_one_company_alone(boreal, acme, globex, marc, charlie, alice):
    factories.MembershipFactory(customer=globex, first_name="Marc", last_name="Roy")
    assert names(boreal, "marc") == ["Marc Roy", "Marc-André Dubé"]
    assert names(boreal, "marc", company=acme.public_id) == ["Marc-André Dubé"]
    assert names(boreal, "", company=acme.public_id) == ["Alice Tremblay", "Marc-André Dubé"]


def test_who_left_is_shown_as_gone_unless_they_came_back(boreal, acme, rita):
    member = rita.memberships.get()
    Membership.objects.filter(pk=member.pk).update(removed_at=timezone.now())
    (gone,) = lookup.find(merchant_id=boreal.pk, text="cot")
    assert gone.membership.removed_at
    again = factories.MembershipFactory(customer=acme, user=rita, role=Role.VISITOR)
    assert [one.membership for one in lookup.find(merchant_id=boreal.pk, text="cot")] == [again]


def test_two_people_of_one_name_are_two(boreal, acme, globex, marc):
    factories.MembershipFactory(customer=globex, first_name="Marc-André", last_name="Dubé")
    assert names(boreal, "dube") == ["Marc-André Dubé"] * 2


def test_whom_to_call_is_who_manages_access(boreal, acme, alice, marc):
    alice.phone, alice.phone_extension = "+14505550123", "12"
    alice.save()
    (found,) = lookup.find(merchant_id=boreal.pk, text="dub")
    assert found.contacts == (lookup.Contact(name="Alice Tremblay", phone="+14505550123", extension="12"),)


def test_branches_and_grants_come_with_the_person(boreal, acme, rita):
    laval = factories.BranchFactory(merchant=boreal, name="Laval")
    rita.memberships.get().branches.add(laval)
    grant_permission(customer=acme, user=rita, permission=Permission.RENT)
    (found,) = lookup.find(merchant_id=boreal.pk, text="cot")
    assert (found.granted, found.branches) == (("rent",), (laval,))


def test_a_search_is_one_query_whatever_it_finds(boreal, acme, alice, rita, marc):
    for text in ("dub", "acme", "10482", "199", "5145550199", "alice@acme.example", "zzz"):
        with CaptureQueriesContext(connection) as asked:
            lookup.find(merchant_id=boreal.pk, text=text)
        assert len(asked) == 1, text


def test_a_page_is_never_more_than_one_beyond_what_it_shows(boreal, acme, alice):
    for _n in range(lookup.MOST + 10):
        factories.MembershipFactory(customer=acme, first_name="Jean", last_name="Roy", role=Role.VISITOR)
    assert len(names(boreal, "roy")) == lookup.MOST + 1
