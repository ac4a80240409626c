"""People are the superuser's: an agent knows those of their customers, as members."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.urls import reverse

from organizations.permissions import Role
from tests import factories

PEOPLE = "admin:accounts_user_changelist"


@pytest.mark.parametrize("person", ["sam", "zoe"])
def test_agents_do_not_open_the_list_of_people(person, client, request, alice):
    client.force_login(request.getfixturevalue(person), backend=settings.AUTHENTICATION_BACKENDS[0])
    assert client.get(reverse(PEOPLE)).status_code == 403
    assert client.get(reverse("admin:accounts_user_change", args=[alice.pk])).status_code == 403
    assert "/accounts/user/" not in client.get(reverse("admin:index")).content.decode()


def test_the_superuser_finds_a_person_and_closes_their_account(client, root, alice, bob):
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    found = client.get(reverse(PEOPLE) + "?q=ALICE@acme").content.decode()
    assert "alice@acme.example" in found
    assert "bob@acme.example" not in found
    address = reverse("admin:accounts_user_change", args=[bob.pk])
    client.post(address, {"first_name": "Bob", "last_name": "G", "language": "fr-ca", "email": "autre@example.org"})
    bob.refresh_from_db()
    assert not bob.is_active
    assert bob.email == "bob@acme.example"


def test_whoever_is_alone_in_charge_of_a_company_is_not_closed(client, root, acme, alice, bob):
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    address = reverse("admin:accounts_user_change", args=[alice.pk])
    fields = {"first_name": "Alice", "last_name": "T", "language": "fr-ca"}
    page = client.post(address, fields).content.decode()
    assert "la dernière à pouvoir gérer les accès de Acme Construction inc." in page
    alice.refresh_from_db()
    assert (alice.is_active, alice.last_name) == (True, "Tremblay")
    owner = factories.UserFactory()
    factories.MembershipFactory(customer=acme, user=owner, role=Role.OWNER)
    client.post(address, fields)
    alice.refresh_from_db()
    assert not alice.is_active
    client.post(reverse("admin:accounts_user_change", args=[owner.pk]), fields)
    owner.refresh_from_db()
    assert owner.is_active


def test_the_list_of_people_takes_few_queries(client, root, alice, bob, django_assert_max_num_queries):
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    with django_assert_max_num_queries(10):
        client.get(reverse(PEOPLE))


def test_yes_and_no_are_words(client, root, alice):
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    page = client.get(reverse("admin:accounts_user_change", args=[alice.pk])).content.decode()
    listed = client.get(reverse(PEOPLE)).content.decode()
    assert "<dd>Non</dd>" in page
    assert "<span>Oui</span>" in listed
    assert "close_small" not in page + listed
    assert "<img" not in page + listed
