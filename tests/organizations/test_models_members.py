"""A membership's role, in the words of whoever reads it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from organizations.models import Customer, Membership
from organizations.permissions import Role
from organizations.services.effects import AloneInCharge, refuse_alone_in_charge
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


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ({"ceiling": Decimal("-0.01")}, "membership_ceiling_not_negative"),
        ({"starts_on": date(2026, 2, 1), "ends_on": date(2026, 1, 31)}, "membership_ends_after_start"),
    ],
)
def test_edges_that_mean_nothing_are_refused(acme, broken, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        factories.MembershipFactory(customer=acme, role=Role.EDITOR, **broken)


def test_a_ceiling_of_nothing_is_no_limit_and_zero_allows_nothing(acme):
    unlimited = factories.MembershipFactory(customer=acme, role=Role.EDITOR)
    stopped = factories.MembershipFactory(customer=acme, role=Role.EDITOR, ceiling=0)
    assert Membership.objects.get(pk=unlimited.pk).ceiling is None
    assert Membership.objects.get(pk=stopped.pk).ceiling == 0


def test_a_customer_has_contracts_we_know_of_only(acme):
    with pytest.raises(IntegrityError, match="customer_features_known"):
        Customer.objects.filter(pk=acme.pk).update(features=["lottery"])


@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.EDITOR},
        {"ends_on": date(2030, 1, 1)},
        {"starts_on": date(2130, 1, 1)},
        {"removed_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"user": None, "linked_at": None},
    ],
)
def test_the_database_keeps_the_last_administrator(acme, alice, bob, change):
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), ends_on=date(2130, 1, 1))
    factories.MembershipFactory(customer=acme, email="absente@acme.example")
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(is_active=False))
    with pytest.raises(IntegrityError, match="last administrator"), transaction.atomic():
        Membership.objects.filter(user=alice).update(**change)
    with pytest.raises(IntegrityError, match="last administrator"), transaction.atomic():
        Membership.objects.filter(user=alice).delete()
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    assert Membership.objects.filter(user=alice).update(**change) == 1


# Of these two at least one is on another day than Québec, at any hour: the connection's own day would be seen.
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_database_begins_its_day_with_the_portal(acme, alice, zone):
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    other = factories.MembershipFactory(
        customer=acme, user=factories.UserFactory(), starts_on=today + timedelta(days=1)
    )
    with pytest.raises(IntegrityError, match="last administrator"), transaction.atomic():
        Membership.objects.filter(user=alice).update(role=Role.EDITOR)
    Membership.objects.filter(pk=other.pk).update(starts_on=today)
    assert Membership.objects.filter(user=alice).update(role=Role.EDITOR) == 1


def test_a_business_that_is_no_member_company_may_lose_its_owner(nadia):
    assert Membership.objects.filter(user=nadia).update(role=Role.VISITOR) == 1


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_at_once_leave_one(acme, alice):
    other = factories.UserFactory(email="owner@acme.example")
    factories.MembershipFactory(customer=acme, user=other, role=Role.OWNER)
    both_wrote = Barrier(2)

    def demote(person: object) -> bool:
        try:
            with transaction.atomic():
                # Each took its own row before either asks who is left.
                Membership.objects.select_for_update(of=("self",)).get(user=person)
                both_wrote.wait(timeout=20)
                Membership.objects.filter(user=person).update(role=Role.EDITOR)
        except IntegrityError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, [alice, other])) == [False, True]
    assert Membership.objects.in_charge().filter(customer=acme).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_administrator_steps_down_while_the_profile_of_the_other_is_closed_and_one_is_left(acme, alice):
    other = factories.UserFactory(email="owner@acme.example")
    factories.MembershipFactory(customer=acme, user=other, role=Role.OWNER)
    both_began = Barrier(2)

    def act(what: str) -> bool:
        try:
            with transaction.atomic():
                both_began.wait(timeout=20)
                if what == "close":
                    refuse_alone_in_charge(user=alice)
                    User.objects.filter(pk=alice.pk).update(is_active=False)
                else:
                    Membership.objects.filter(user=other).update(role=Role.EDITOR)
        except (IntegrityError, AloneInCharge):
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, ["close", "step down"])) == [False, True]
    assert Membership.objects.in_charge().filter(customer=acme).count() == 1
