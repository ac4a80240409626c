"""Every route says who may come in, and the whole cast tries every route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from billing.models import Invoice
from organizations.models import CounterDecision, Customer, Mandate
from organizations.permissions import Permission, Role
from tests import factories
from tests.strictness import StrictClient

CAST = ["anonymous", "alice", "bob", "rita", "charlie", "ines", "nadia", "sam", "zoe"]
# What only Acme's own people, and the agents of its merchant, may ever read.
SECRETS = ["Acme Construction inc.", "F-ACME-1", "10482"]
# Whoever is signed in may open these: they show that person's own things only.
SIGNED_IN = {
    "accounts:profile",
    "accounts:session-end",
    "newsletter:profile",
    "newsletter:profile-leave",
    "organizations:unrecognized",
    "organizations:look-again",
    "organizations:join",
    "account_change_password",
    "account_email",
    "account_set_password",
    "account_reauthenticate",
    "account_reset_password_from_key_done",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
    "mfa_reauthenticate_webauthn",
    "usersessions_list",
}


class Route(NamedTuple):
    name: str
    pattern: str
    view: object
    arguments: tuple[str, ...]

    @property
    def door(self) -> str:
        """customer | agents | admin | public | signed-in | undeclared."""
        if self.name.startswith("admin:"):
            return "admin"
        if hasattr(self.view, "access"):
            return "customer"
        if hasattr(self.view, "agents"):
            return "agents"
        if not getattr(self.view, "login_required", True):
            return "public"
        return "signed-in" if self.name in SIGNED_IN else "undeclared"


def walk(resolver: URLResolver, prefix: str = "", space: str = "", held: tuple[str, ...] = ()) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        arguments = (*held, *(entry.pattern.converters or entry.pattern.regex.groupindex))
        if isinstance(entry, URLResolver):
            yield from walk(entry, path, f"{entry.namespace}:" if entry.namespace else space, arguments)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}", path, entry.callback, arguments)


ROUTES = list(walk(get_resolver()))
OF_CUSTOMERS = [route for route in ROUTES if route.door == "customer"]
OF_AGENTS = [route for route in ROUTES if route.door == "agents"]
OTHERS = [route for route in ROUTES if route.door not in {"customer", "agents", "admin"}]


@pytest.fixture
def invoice(acme: Customer) -> Invoice:
    return factories.InvoiceFactory(customer=acme, number="F-ACME-1")


def address(route: Route, acme: Customer, invoice: Invoice) -> str:
    """The route with Acme's own ids; a token nobody was given; the first row of anything else."""
    known = {"customer_id": acme.public_id, "number": invoice.number, "permission": Permission.VIEW_INVOICES.value}
    known |= {"membership_id": acme.memberships.earliest("pk").pk}
    if "mandate_id" in route.arguments:
        author = acme.memberships.earliest("pk").user
        waiting = {"customer": acme, "email": "absente@acme.example", "role": Role.VISITOR, "prepared_by": author}
        known |= {"mandate_id": Mandate.objects.create(**waiting).pk}
    if "decision_id" in route.arguments:
        known |= {"decision_id": factories.RefusalFactory(customer=acme).pk}
    if "link_id" in route.arguments:
        known |= {"link_id": factories.CompanyLinkFactory(parent=acme).pk}
    spare = {
        "hue": 165,
        "digest": "x",
        "key": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
        "pk": 1,
        "session_id": 1,
        "uidb36": "1",
    }
    values = {name: known.get(name, spare.get(name, "forged")) for name in route.arguments}
    return reverse(route.name, kwargs=values)


def sign_in(person: str, request: pytest.FixtureRequest) -> tuple[Client, User | None]:
    client = StrictClient(headers={"accept-language": "fr-CA"})
    if person == "anonymous":
        return client, None
    user = request.getfixturevalue(person)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client, user


def test_every_route_declares_who_may_come_in():
    assert [route.name for route in ROUTES if route.door == "undeclared"] == []


def test_no_exception_outlives_its_route():
    assert SIGNED_IN - {route.name for route in ROUTES} == set()


def test_every_address_of_a_customer_goes_through_the_door():
    assert OF_CUSTOMERS
    assert [r.name for r in ROUTES if r.pattern.startswith("c/<") and r.door != "customer"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", OF_CUSTOMERS, ids=lambda route: route.name)
@pytest.mark.parametrize("person", CAST)
def test_a_customers_pages_are_its_members_and_by_permission(person, route, method, request, acme, alice, invoice):
    client, user = sign_in(person, request)
    asked = address(route, acme, invoice)
    response = getattr(client, method)(asked)
    # The address itself is what the person typed: the language form leads back to it.
    shown = (
        b"".join(response).decode(errors="replace") if response.streaming else response.content.decode(errors="replace")
    )
    shown = shown.replace(asked, "")
    held = acme.permissions_for(user) if user else frozenset()
    if user is None:
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))
    elif not Customer.objects.for_user(user).filter(pk=acme.pk).exists():
        assert response.status_code == 404
        assert not any(secret in shown for secret in SECRETS)
    elif set(route.view.access) - held:
        assert response.status_code == 403
        assert "F-ACME-1" not in shown
    else:
        # 404 too: a forged argument beyond the customer's own id.
        assert response.status_code in {200, 303, 404, 405, 422}
        assert response.status_code != 404 or set(route.arguments) - {
            "customer_id",
            "number",
            "permission",
            "membership_id",
        }


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", OTHERS, ids=lambda route: route.name)
@pytest.mark.parametrize("person", ["anonymous", "charlie", "ines", "zoe"])
def test_pages_of_no_customer_show_nobody_elses_things(person, route, method, request, acme, alice, invoice):
    client, user = sign_in(person, request)
    response = getattr(client, method)(address(route, acme, invoice))
    assert response.status_code < 500
    if route.door == "signed-in" and user is None:
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))
    shown = b"".join(response) if response.streaming else response.content
    assert not any(secret in shown.decode() for secret in SECRETS)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", OF_AGENTS, ids=lambda route: route.name)
@pytest.mark.parametrize("person", CAST)
def test_the_counter_is_for_agents_of_the_customers_merchant(person, route, method, request, acme, alice, invoice):
    client, user = sign_in(person, request)
    asked = {
        "q": "acme",
        "company": acme.public_id,
        "person": alice.memberships.get().pk,
        "act": "refused",
        "name": "X",
    }
    response = getattr(client, method)(address(route, acme, invoice), asked)
    shown = b"".join(response) if response.streaming else response.content
    if user is None:
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))
    elif not user.is_staff:
        assert response.status_code == 404
    else:
        assert response.status_code in {200, 302, 303, 404, 405, 422}
        assert person == "sam" or not any(secret in shown.decode() for secret in SECRETS)
        assert person == "sam" or not CounterDecision.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["anonymous", "alice", "bob", "rita", "charlie", "ines", "nadia"])
def test_the_admin_is_for_agents(person, request, invoice):
    client, _user = sign_in(person, request)
    for route in (r for r in ROUTES if r.door == "admin" and not r.arguments):
        response = client.get(reverse(route.name))
        assert response.status_code in {302, 403, 404}, route.name
        assert "Acme Construction" not in response.content.decode()


@pytest.mark.django_db
def test_an_agent_sees_acme_and_another_merchants_agent_does_not(request, acme, alice, invoice):
    lists = [r.name for r in ROUTES if r.door == "admin" and r.name.endswith("_changelist")]
    seen = {}
    for person in ("sam", "zoe"):
        client, _user = sign_in(person, request)
        pages = [client.get(reverse(name)) for name in lists]
        seen[person] = [page.content.decode() for page in pages if page.status_code == 200]
    assert any("Acme Construction" in page for page in seen["sam"])
    assert not any("Acme" in page for page in seen["zoe"])
    assert not any("alice@acme.example" in page for page in seen["zoe"])
