"""The cast, and a run stricter than production: real PostgreSQL and Valkey, started for the run alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from guardian.shortcuts import assign_perm
from hypothesis import settings

from accounts.models import User
from newsletter.models import Topic
from organizations.models import Customer, Merchant
from organizations.permissions import Role
from tests import factories
from tests.strictness import StrictClient


def pytest_configure(config: pytest.Config) -> None:
    """The catalogues are compiled once, before the workers of xdist begin. No test is held to a time."""
    settings.register_profile("comptoir", deadline=None)
    settings.load_profile("comptoir")
    if not hasattr(config, "workerinput"):
        call_command("compilemessages", verbosity=0)


@pytest.fixture
def boreal(db: None) -> Merchant:
    return factories.MerchantFactory(slug="boreal", name="Location Boréal", is_default=True)


@pytest.fixture
def riviere(db: None) -> Merchant:
    return factories.MerchantFactory(slug="riviere", name="Club Rivière")


@pytest.fixture
def acme(boreal: Merchant) -> Customer:
    return factories.CustomerFactory(
        merchant=boreal, number="10482", kind=Customer.Kind.MEMBER, name="Acme Construction inc."
    )


@pytest.fixture
def globex(boreal: Merchant) -> Customer:
    return factories.CustomerFactory(merchant=boreal, number="10977", kind=Customer.Kind.MEMBER, name="Globex ltée")


@pytest.fixture
def alice(acme: Customer) -> User:
    """Administers Acme."""
    user = factories.UserFactory(email="alice@acme.example", first_name="Alice", last_name="Tremblay")
    factories.MembershipFactory(customer=acme, user=user, role=Role.ADMINISTRATOR)
    return user


@pytest.fixture
def bob(acme: Customer) -> User:
    """Rents for Acme."""
    user = factories.UserFactory(email="bob@acme.example", first_name="Bob", last_name="Gagnon")
    factories.MembershipFactory(customer=acme, user=user, role=Role.EDITOR)
    return user


@pytest.fixture
def rita(acme: Customer) -> User:
    """Only picks up for Acme."""
    user = factories.UserFactory(email="rita@acme.example", first_name="Rita", last_name="Côté")
    factories.MembershipFactory(customer=acme, user=user, role=Role.VISITOR)
    return user


@pytest.fixture
def charlie(globex: Customer) -> User:
    """Administers Globex."""
    user = factories.UserFactory(email="charlie@globex.example", first_name="Charlie", last_name="Roy")
    factories.MembershipFactory(customer=globex, user=user, role=Role.ADMINISTRATOR)
    return user


@pytest.fixture
def ines(boreal: Merchant) -> User:
    """An individual, known by her e-mail."""
    user = factories.UserFactory(email="ines@example.org", first_name="Inès", last_name="Lavoie")
    customer = factories.CustomerFactory(merchant=boreal, number="20001", name="Inès Lavoie", email="ines@example.org")
    factories.MembershipFactory(customer=customer, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def nadia(boreal: Merchant) -> User:
    """Owns a business that is not a member."""
    user = factories.UserFactory(email="nadia@noname.example", first_name="Nadia", last_name="Bouchard")
    customer = factories.CustomerFactory(
        merchant=boreal, number="30001", kind=Customer.Kind.BUSINESS, name="Noname", email="nadia@noname.example"
    )
    factories.MembershipFactory(customer=customer, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def sam(boreal: Merchant) -> User:
    """An agent of Location Boréal."""
    user = factories.UserFactory(email="sam@boreal.example", first_name="Sam", last_name="Pelletier", is_staff=True)
    assign_perm("serve_merchant", user, boreal)
    return user


@pytest.fixture
def agent(client: Client, sam: User) -> Client:
    """Sam, signed in."""
    client.force_login(sam, backend=configured.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def zoe(riviere: Merchant) -> User:
    """An agent of Club Rivière, another merchant."""
    user = factories.UserFactory(email="zoe@riviere.example", first_name="Zoé", last_name="Fortin", is_staff=True)
    assign_perm("serve_merchant", user, riviere)
    return user


@pytest.fixture
def root(db: None) -> User:
    return factories.UserFactory(email="root@comptoir.example", is_staff=True, is_superuser=True)


@pytest.fixture
def topic(boreal: Merchant) -> Topic:
    """What Location Boréal writes about, and the words one agrees to."""
    factories.WordingFactory(merchant=boreal, version=1)
    return factories.TopicFactory(merchant=boreal, slug="offres", name_fr="Offres du mois", name_en="Monthly offers")


@pytest.fixture
def today(time_machine: object) -> datetime:
    """Noon in Québec on 22 November 2026, and the clock stands still."""
    moment = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    time_machine.move_to(moment, tick=False)
    return moment


@pytest.fixture
def client() -> StrictClient:
    """A browser that prefers French."""
    return StrictClient(headers={"accept-language": "fr-CA"})


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    """Where files of this test are stored, and nothing else."""
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    return tmp_path / "files"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Rate limits, sessions and the language of one test are not those of the next."""
    cache.clear()
    translation.deactivate()
