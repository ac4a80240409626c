"""A membership's role, in the words of whoever reads it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import Customer, Membership
from organizations.permissions import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "role", "words"),
    [
        (Customer.Kind.INDIVIDUAL, Role.OWNER, "Account holder"),
        (Customer.Kind.BUSINESS, Role.OWNER, "Owner or signatory"),
        (Customer.Kind.MEMBER, Role.OWNER, "Owner or signatory"),
        (Customer.Kind.INDIVIDUAL, Role.EDITOR, "Editor"),
    ],
)
def test_an_individual_holds_an_account_and_a_business_has_an_owner(client, boreal, kind, role, words):
    person = factories.UserFactory(language="en-ca")
    customer = factories.CustomerFactory(merchant=boreal, kind=kind)
    factories.MembershipFactory(customer=customer, user=person, role=role)
    client.force_login(person)
    assert f"you are: {words}" in client.get(customer.get_absolute_url()).content.decode()


def test_the_choice_of_customer_asks_nothing_more_for_each_account_one_holds(client, boreal, ines):
    client.force_login(ines)
    counts = []
    for _more in range(2):
        factories.MembershipFactory(customer=factories.CustomerFactory(merchant=boreal), user=ines, role=Role.OWNER)
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/").content.decode()
        counts.append(len(asked))
    assert Membership.objects.filter(user=ines).count() == 3
    assert page.count("Owner or signatory") == 0
    assert counts[0] == counts[1]
