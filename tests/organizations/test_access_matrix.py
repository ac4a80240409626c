"""Every role, every permission, every edge, against every door of a customer and at the counter."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.conf import settings
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from organizations import lookup
from organizations.access import PermissionMissing, grant_permission
from organizations.counter import Answer
from organizations.models import CompanyLink, Customer, Grant, Membership
from organizations.permissions import OPENING_ROLES, ROLE_PERMISSIONS, Feature, Permission, Role
from tests import factories
from tests.strictness import StrictClient
from tests.test_access import OF_CUSTOMERS, address

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# What each edge of time changes, and whether anything is left.
EDGES = {
    "in force": (lambda today: {}, True),
    "begins today": (lambda today: {"starts_on": today}, True),
    "last day": (lambda today: {"ends_on": today}, True),
    "begins tomorrow": (lambda today: {"starts_on": today + DAY}, False),
    "ended yesterday": (lambda today: {"ends_on": today - DAY}, False),
    "removed": (lambda today: {"removed_at": timezone.now()}, False),
}
NO_EDGE = {"starts_on": None, "ends_on": None, "removed_at": None, "ceiling": None, "requires_purchase_order": False}
# What limits what is done in the company's name, and what is read not at all.
CLOSING_NO_PAGE = {
    "another branch": (lambda today: {}, True),
    "ceiling of zero": (lambda today: {"ceiling": 0}, True),
    "purchase order": (lambda today: {"requires_purchase_order": True}, True),
}


@pytest.fixture
def doors(acme, alice):
    """Each door with its address, asked of Acme's own things."""
    acme.features = list(Feature)
    acme.save()
    invoice = factories.InvoiceFactory(customer=acme, number="F-ACME-1")
    addresses = {route: address(route, acme, invoice) for route in OF_CUSTOMERS if "mandate_id" not in route.arguments}
    waiting = next(route for route in OF_CUSTOMERS if route.name == "organizations:mandate")
    return addresses | {waiting: address(waiting, acme, invoice)}


@pytest.fixture
def person(acme):
    user = factories.UserFactory(email="paul@acme.example")
    factories.MembershipFactory(customer=acme, user=user, role=Role.REQUESTER)
    return user


def browser(user) -> StrictClient:
    client = StrictClient(headers={"accept-language": "fr-CA"})
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def is_open(route, held) -> bool:
    return set(route.view.access) <= held


def names_another_thing(route) -> bool:
    """Whether the address is of something this person may have no part in, behind a door that is open."""
    return bool(set(route.arguments) - {"customer_id", "number", "permission", "membership_id"})


def assert_doors(client, doors, held, *, is_in: bool) -> None:
    for route, asked in doors.items():
        status = client.get(asked).status_code
        if not is_in:
            assert (status, client.post(asked).status_code) == (404, 404), route.name
        elif is_open(route, held):
            assert status in {200, 303, 405} or names_another_thing(route), (route.name, status)
            assert status != 403, route.name
        else:
            assert (status, client.post(asked).status_code) == (403, 403), route.name


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("role", Role)
def test_a_role_opens_its_doors_while_it_lasts(acme, person, doors, role, edge):
    change, is_in = EDGES[edge]
    Membership.objects.filter(user=person).update(role=role, **change(timezone.localdate()))
    held = ROLE_PERMISSIONS[role] if is_in else frozenset()
    assert acme.permissions_for(person) == held
    assert_doors(browser(person), doors, held, is_in=is_in)


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_opens_its_doors_and_no_other(acme, person, doors, permission):
    grant_permission(customer=acme, user=person, permission=permission)
    held = ROLE_PERMISSIONS[Role.REQUESTER] | {permission}
    if permission == Permission.MANAGE_TEAM:
        held |= {Permission.INVITE_VISITORS}
    assert acme.permissions_for(person) == held
    assert_doors(browser(person), doors, held, is_in=True)


def covering(doors, client):
    """The lightest page behind each lock: a lock asks the same whatever is behind it."""
    lightest = {}
    for route, asked in doors.items():
        lock, weight = (route.view.access, route.view.or_parent), len(b"".join(client.get(asked)))
        if lock not in lightest or weight < lightest[lock][0]:
            lightest[lock] = weight, route, asked
    return {route: asked for _weight, route, asked in lightest.values()}


def knock(person, asked) -> None:
    """At the door of an address, without what the product builds around a refusal."""
    request = RequestFactory().get(asked)
    request.user = person
    found = resolve(request.path)
    found.func(request, *found.args, **found.kwargs)


def at_the_counter(held, *, is_in: bool, edge: str) -> Answer:
    """What follows from DOMAIN.md 8, said again in four lines."""
    if not is_in or edge == "another branch":
        return Answer.NO
    if Permission.RENT in held and edge != "ceiling of zero":
        return Answer.RENT
    return Answer.PICK_UP if held & {Permission.RENT, Permission.PICK_UP} else Answer.NO


@pytest.mark.parametrize("role", Role)
def test_every_permission_of_every_role_within_every_edge(acme, boreal, alice, person, doors, role):
    Customer.objects.filter(pk=acme.pk).update(opened_at=timezone.now())
    here, elsewhere = (factories.BranchFactory(merchant=boreal) for _branch in range(2))
    locks, client = covering(doors, browser(alice)), browser(person)
    membership = Membership.objects.get(user=person)
    for permission, edge in product(Permission, EDGES | CLOSING_NO_PAGE):
        Grant.objects.all().delete()
        grant_permission(customer=acme, user=person, permission=permission)
        change, is_in = (EDGES | CLOSING_NO_PAGE)[edge]
        fields = {"role": role} | NO_EDGE | change(timezone.localdate())
        Membership.objects.filter(user=person).update(**fields)
        membership.branches.set([elsewhere] if edge == "another branch" else [])
        would_hold = ROLE_PERMISSIONS[role] | {permission}
        if Permission.MANAGE_TEAM in would_hold:
            would_hold |= {Permission.INVITE_VISITORS}
        for route, asked in locks.items():
            if is_in and is_open(route, would_hold):
                assert client.get(asked).status_code not in {403, 404}, (permission, edge, route.name)
                continue
            with pytest.raises(PermissionMissing if is_in else Http404):
                knock(person, asked)
        decision = lookup.person(merchant_id=boreal.pk, pk=membership.pk).decision(at=here, amount=None)
        assert decision.answer == at_the_counter(would_hold, is_in=is_in, edge=edge), (permission, edge)
        needs_order = edge == "purchase order" and decision.answer == Answer.RENT
        assert decision.needs_purchase_order is needs_order, (permission, edge)


def test_amounts_take_the_right_to_see_prices_and_the_page_names_it(acme, person, doors, alice):
    billing = [asked for route, asked in doors.items() if route.name.startswith("billing:")]
    assert len(billing) == 5
    home = f"/c/{acme.public_id}/"
    refused = factories.RefusalFactory(customer=acme, amount=Decimal("4321.00"))
    pages = [*billing, home, f"{home}refusals/{refused.pk}/"]
    client = browser(person)
    for permission in (Permission.VIEW_INVOICES, Permission.MANAGE_TEAM):
        grant_permission(customer=acme, user=person, permission=permission)
    for asked in billing:
        response = client.get(asked)
        page = response.content.decode()
        assert (response.status_code, "<strong>Voir les prix</strong>" in page) == (403, True), asked
        assert f"/ask/{Permission.VIEW_PRICES}/" in page
    before = "".join(client.get(asked).content.decode() for asked in pages)
    assert not [amount for amount in ("114,98", "321,00") if amount in before]
    assert f'href="{home}invoices/"' not in before
    grant_permission(customer=acme, user=person, permission=Permission.VIEW_PRICES)
    after = "".join(client.get(asked).content.decode() for asked in (home, *pages[-1:], f"{home}invoices/"))
    assert [amount for amount in ("114,98", "321,00") if amount not in after] == []
    assert f'href="{home}invoices/"' in after


def test_every_role_that_reads_invoices_sees_prices():
    reading = {role for role in Role if Permission.VIEW_INVOICES in ROLE_PERMISSIONS[role]}
    assert reading == {Role.OWNER, Role.ADMINISTRATOR, Role.ACCOUNTANT}
    assert all(Permission.VIEW_PRICES in ROLE_PERMISSIONS[role] for role in reading)


def test_a_ceiling_or_a_purchase_order_closes_no_page(acme, alice, doors):
    factories.MembershipFactory(customer=acme, user=factories.UserFactory())
    Membership.objects.filter(user=alice).update(ceiling=0, requires_purchase_order=True)
    assert_doors(browser(alice), doors, ROLE_PERMISSIONS[Role.ADMINISTRATOR], is_in=True)


def test_a_closed_customer_opens_nothing_to_anybody(acme, alice, doors):
    Customer.objects.filter(pk=acme.pk).update(closed_at=timezone.now())
    assert_doors(browser(alice), doors, frozenset(), is_in=False)


def test_what_is_taken_away_holds_on_the_very_next_request(acme, alice, person, doors):
    client = browser(alice)
    factories.MembershipFactory(customer=acme, user=factories.UserFactory())
    assert_doors(client, doors, ROLE_PERMISSIONS[Role.ADMINISTRATOR], is_in=True)
    Membership.objects.filter(user=alice).update(role=Role.VISITOR)
    assert_doors(client, doors, ROLE_PERMISSIONS[Role.VISITOR], is_in=True)


@pytest.fixture
def holding(acme, boreal):
    """The parent company of Acme, and the link."""
    company = factories.CustomerFactory(merchant=boreal, number="90001", kind=Customer.Kind.MEMBER, name="Holding")
    return factories.CompanyLinkFactory(parent=company, subsidiary=acme)


def of_the_parent(holding, role=Role.ADMINISTRATOR, **edges):
    user = factories.UserFactory(email="paule@holding.example")
    factories.MembershipFactory(customer=holding.parent, user=user, role=role, **edges)
    return user


def is_of_the_team(route) -> bool:
    """Who is in it, and who was refused in its name."""
    return route.pattern.startswith(("c/<slug:customer_id>/team/", "c/<slug:customer_id>/refusals/"))


def assert_team_alone(client, doors) -> None:
    """Every page of the team opens, and not one other."""
    for route, asked in doors.items():
        status = client.get(asked).status_code
        if is_of_the_team(route):
            assert status in {200, 303, 405} or names_another_thing(route), (route.name, status)
            assert status != 403, route.name
        else:
            assert status == 404, (route.name, status)


def test_the_doors_of_a_parent_are_the_pages_of_the_team():
    assert {r.name for r in OF_CUSTOMERS if r.view.or_parent} == {r.name for r in OF_CUSTOMERS if is_of_the_team(r)}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("role", Role)
def test_an_administrator_of_the_parent_opens_the_team_and_nothing_else(acme, doors, holding, role, edge):
    change, is_in = EDGES[edge]
    user = of_the_parent(holding, role=role, **change(timezone.localdate()))
    client = browser(user)
    if is_in and role in OPENING_ROLES:
        assert_team_alone(client, doors)
    else:
        assert_doors(client, doors, frozenset(), is_in=False)
    assert acme.permissions_for(user) == frozenset()
    assert not user.has_perm("organizations.manage_team", acme)


def test_a_right_to_manage_the_parents_team_is_not_enough(holding, doors):
    user = of_the_parent(holding, role=Role.EDITOR)
    grant_permission(customer=holding.parent, user=user, permission=Permission.MANAGE_TEAM)
    assert_doors(browser(user), doors, frozenset(), is_in=False)


@pytest.mark.parametrize("change", [
    {"ended_at": timezone.now(), "ended_by": "sam"},
    {"is_accepted": False, "subsidiary": None},
    {"is_accepted": None, "subsidiary": None, "decided_at": None, "decided_by": None, "decision": ""},
])  # fmt: skip
def test_a_link_that_ended_or_was_never_confirmed_opens_nothing(holding, doors, sam, change):
    client = browser(of_the_parent(holding))
    assert_team_alone(client, doors)
    CompanyLink.objects.update(**{name: sam if value == "sam" else value for name, value in change.items()})
    assert_doors(client, doors, frozenset(), is_in=False)


@pytest.mark.parametrize("closed", ["parent", "subsidiary"])
def test_a_link_of_a_closed_company_opens_nothing(holding, doors, closed):
    client = browser(of_the_parent(holding))
    Customer.objects.filter(pk=getattr(holding, f"{closed}_id")).update(closed_at=timezone.now())
    assert_doors(client, doors, frozenset(), is_in=False)


def test_a_link_opens_neither_upwards_nor_two_floors_down(acme, alice, holding, boreal):
    above = factories.CompanyLinkFactory(
        parent=factories.CustomerFactory(merchant=boreal, kind=Customer.Kind.MEMBER), subsidiary=holding.parent
    )
    grandparent = of_the_parent(above)
    team = f"/c/{acme.public_id}/team/"
    assert browser(grandparent).get(team).status_code == 404
    assert browser(grandparent).get(team.replace(acme.public_id, holding.parent.public_id)).status_code == 200
    assert browser(alice).get(team.replace(acme.public_id, holding.parent.public_id)).status_code == 404


def test_who_also_has_a_role_at_the_subsidiary_keeps_it_and_adds_the_team(acme, doors, holding):
    user = of_the_parent(holding)
    factories.MembershipFactory(customer=acme, user=user, role=Role.ACCOUNTANT)
    client = browser(user)
    held = ROLE_PERMISSIONS[Role.ACCOUNTANT]
    for route, asked in doors.items():
        status = client.get(asked).status_code
        if is_of_the_team(route) or is_open(route, held):
            assert status != 403, route.name
        else:
            assert status == 403, (route.name, status)


def test_coming_from_the_parent_costs_one_question_too(acme, holding, django_assert_num_queries):
    client = browser(of_the_parent(holding))
    asked = f"/c/{acme.public_id}/team/mandates/7/sign/"  # refused at the method, once behind the door
    client.get(asked)
    with django_assert_num_queries(2) as queries:
        assert client.get(asked).status_code == 405
    assert ["accounts_user" in queries[0]["sql"], "organizations_companylink" in queries[1]["sql"]] == [True, True]


def test_the_door_asks_one_question_beyond_the_session_and_the_person(acme, person, django_assert_num_queries):
    grant_permission(customer=acme, user=person, permission=Permission.MANAGE_TEAM)
    client = browser(person)
    asked = f"/c/{acme.public_id}/ask/nonsense/"  # behind the door, nothing is read
    client.get(asked)
    with django_assert_num_queries(2) as queries:
        client.get(asked)
    assert ["accounts_user" in queries[0]["sql"], "organizations_membership" in queries[1]["sql"]] == [True, True]
