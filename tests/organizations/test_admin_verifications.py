"""What an agent sees of a company to verify, and what each of their acts does."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from billing.services import document_name
from organizations.models import Customer, Observation, RegisterAlert, Verification
from organizations.services.verification import refuse_organization, submit_identity, verify_organization
from organizations.services.watch import watch_register
from registry.models import Change, Edition
from tests import factories
from tests.factories import EditionFactory, EnterpriseFactory
from tests.organizations.test_verification import DECLARED

pytestmark = pytest.mark.django_db
LIST = "admin:organizations_verification_changelist"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
SEEN = {
    "observation-fact": "administrator",
    "observation-seen": "Alice Tremblay, présidente",
    "observation-verdict": "matches",
    "observation-seen_on": "2026-11-01",
}


@pytest.fixture
def agent(client: Client, sam: User) -> Client:
    sam.language = "en-ca"
    sam.save()
    client.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def waiting(acme: Customer, alice: User) -> Verification:
    """Acme declares a name that is not quite the registered one."""
    EditionFactory()
    EnterpriseFactory(neq="1170000005", name="CONSTRUCTION ACME NORD INC.")
    return submit_identity(customer=acme, by=alice, **DECLARED | {"note": "Nouveau nom depuis lundi."})


def page(verification: Verification) -> str:
    return reverse("admin:organizations_verification_change", args=[verification.pk])


def act(verification: Verification, name: str) -> str:
    return reverse(f"admin:organizations_verification_{name}", args=[verification.pk])


# --- reading ----------------------------------------------------------------------------------


def test_declared_and_registered_stand_side_by_side_with_the_edition_s_date(agent, waiting):
    content = agent.get(page(waiting)).content.decode()
    assert "Construction Acme inc." in content
    assert "<mark>NORD</mark>" in content
    assert "edition of 2026-11-15" in content
    assert "1170 0000 05" in content
    assert "Alice Tremblay" in content
    assert "The open data name no person" in content
    assert "Nouveau nom depuis lundi." in content


def test_without_an_edition_the_page_says_what_to_do_by_hand(agent, acme, alice):
    by_hand = submit_identity(customer=acme, by=alice, **DECLARED)
    content = agent.get(page(by_hand)).content.decode()
    assert "No edition of the register is loaded" in content
    assert "record first what you saw" in content


def test_a_new_neq_and_a_company_met_elsewhere_are_pointed_out(agent, waiting, acme, alice, globex):
    factories.OrganizationFactory(customer=globex)
    factories.OrganizationFactory(customer=acme, neq="3370000005")
    changed = submit_identity(customer=acme, by=alice, **DECLARED)
    content = agent.get(page(changed)).content.decode()
    assert "review its credit" in content
    assert "Globex ltée (10977) is verified under the same NEQ." in content


@pytest.mark.parametrize("typed", ["1170000005", "1170 0000 05", "1170", "acme construction", "ACMÉ", "10482"])
def test_a_declaration_is_found_by_name_neq_or_customer(typed, agent, waiting, globex, charlie):
    submit_identity(customer=globex, by=charlie, **DECLARED | {"legal_name": "Zénith ltée", "neq": "3370000005"})
    content = agent.get(reverse(LIST), {"q": typed}).content.decode()
    assert page(waiting) in content
    assert "Zénith" not in content


def test_a_customer_is_found_by_the_neq_verified_for_it_and_leads_to_its_verifications(agent, waiting, acme):
    factories.OrganizationFactory(customer=acme, neq="3370000005")
    found = agent.get(reverse("admin:organizations_customer_changelist"), {"q": "3370 0000 05"}).content.decode()
    sheet = reverse("admin:organizations_customer_change", args=[acme.pk])
    assert sheet in found
    assert reverse(LIST) + "?q=10482" in agent.get(sheet).content.decode()
    assert page(waiting) in agent.get(reverse(LIST) + "?q=10482").content.decode()


def test_filters_tell_what_the_register_says(agent, waiting, globex, charlie, boreal):
    EnterpriseFactory(neq="3370000005", name="GLOBEX LTÉE")
    matching = submit_identity(
        customer=globex, by=charlie, **DECLARED | {"legal_name": "Globex ltée", "neq": "3370000005"}
    )
    unknown = submit_identity(
        customer=factories.CustomerFactory(merchant=boreal, kind="business"),
        by=charlie,
        **DECLARED | {"neq": "8870000005"},
    )
    shown = {}
    for value in ("matches", "differs", "unknown", "by_hand", "credit", "nonsense"):
        content = agent.get(reverse(LIST), {"register": value}).content.decode()
        shown[value] = [row for row in (waiting, matching, unknown) if page(row) in content]
    everything = [waiting, matching, unknown]
    assert shown == {
        "matches": [matching],
        "differs": [waiting],
        "unknown": [unknown],
        "by_hand": [],
        "credit": [],
        "nonsense": everything,
    }


def test_those_who_wait_come_oldest_first(agent, waiting, boreal):
    newer = factories.VerificationFactory(customer=factories.CustomerFactory(merchant=boreal, kind="business"))
    content = agent.get(reverse(LIST), {"state": "pending"}).content.decode()
    assert content.index(page(waiting)) < content.index(page(newer))
    content = agent.get(reverse(LIST)).content.decode()
    assert content.index(page(newer)) < content.index(page(waiting))


# --- deciding ---------------------------------------------------------------------------------


def test_an_agent_looks_records_and_verifies(agent, waiting, acme, sam):
    assert 'data-kind="main"' not in agent.get(page(waiting)).content.decode()
    refused = agent.post(act(waiting, "verify"), follow=True).content.decode()
    assert "record first what you saw" in refused
    capture = SimpleUploadedFile("écran.png", PNG, content_type="image/png")
    assert agent.post(act(waiting, "observe"), SEEN | {"observation-capture": capture}).status_code == 303
    observation = Observation.objects.get()
    assert (observation.by, observation.seen_on.isoformat()) == (sam, "2026-11-01")
    content = agent.get(page(waiting)).content.decode()
    assert "Alice Tremblay, présidente" in content
    assert "seen on the public register on <time>2026-11-01</time> by Sam Pelletier" in content
    file = agent.get(reverse("admin:organizations_verification_capture", args=[waiting.pk, observation.pk]))
    assert (file.headers["Content-Type"], file.content) == ("image/png", PNG)
    assert agent.post(act(waiting, "verify")).status_code == 303
    assert document_name(customer=acme) == "Construction Acme inc."


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"observation-seen": ""}, "seen"),
        ({"observation-verdict": "perhaps"}, "verdict"),
        ({"observation-seen_on": "hier"}, "seen_on"),
        ({"observation-capture": SimpleUploadedFile("a.png", b"<script>")}, "capture"),
        ({"observation-capture": SimpleUploadedFile("a.png", PNG + b"0" * 5_000_000)}, "capture"),
    ],
)
def test_an_observation_that_is_not_whole_says_where_and_keeps_the_rest(changed, field, agent, waiting):
    response = agent.post(act(waiting, "observe"), SEEN | changed)
    assert response.status_code == 422
    content = response.content.decode()
    assert f'id="id_observation-{field}_error"' in content
    assert field == "seen" or "Alice Tremblay, présidente" in content
    assert not Observation.objects.exists()


def test_nothing_can_have_been_seen_after_today(agent, waiting):
    response = agent.post(act(waiting, "observe"), SEEN | {"observation-seen_on": "2126-01-01"})
    assert response.status_code == 422
    assert "Nothing can have been seen after today." in response.content.decode()


def test_a_refusal_suggests_its_reasons_and_is_sent(agent, waiting, acme):
    content = agent.get(page(waiting)).content.decode()
    assert 'value="name" id="id_refusal-reasons_0" checked' in content
    empty = agent.post(act(waiting, "refuse"), {"refusal-words": "Mots <gardés>"})
    assert empty.status_code == 422
    assert "Tick at least one reason" in empty.content.decode()
    assert "Mots &lt;gardés&gt;" in empty.content.decode()
    data = {"refusal-reasons": ["name", "administrator"], "refusal-words": "Le nom enregistré est autre."}
    assert agent.post(act(waiting, "refuse"), data).status_code == 303
    waiting.refresh_from_db()
    assert waiting.reasons == ["name", "administrator"]
    assert document_name(customer=acme) == "Alice Tremblay"
    assert "Le nom enregistré est autre." in OutgoingMessage.objects.get().text


def test_withdrawing_what_was_verified_is_offered_only_when_there_is_something(agent, waiting, acme, alice):
    assert "refusal-withdraws" not in agent.get(page(waiting)).content.decode()
    factories.OrganizationFactory(customer=acme)
    assert "refusal-withdraws" in agent.get(page(waiting)).content.decode()
    agent.post(act(waiting, "refuse"), {"refusal-reasons": ["name"], "refusal-withdraws": "on"})
    assert document_name(customer=acme) == "Alice Tremblay"


def test_a_question_is_sent(agent, waiting):
    assert agent.post(act(waiting, "ask"), {"question-words": " "}).status_code == 422
    assert agent.post(act(waiting, "ask"), {"question-words": "Le certificat?"}).status_code == 303
    waiting.refresh_from_db()
    assert (waiting.state, waiting.words) == ("more_asked", "Le certificat?")
    assert "its next declaration comes back to this queue" in agent.get(page(waiting)).text


def test_the_second_agent_is_told_by_whom_and_how(agent, waiting, sam):
    other = factories.UserFactory(first_name="Léa", last_name="Roy", is_staff=True)
    refuse_organization(verification=waiting, reasons=["name"], words="", by=other)
    for name, data in [("verify", {}), ("refuse", {"refusal-reasons": ["neq"]}), ("ask", {"question-words": "?"})]:
        content = agent.post(act(waiting, name), data, follow=True).content.decode()
        assert "Léa Roy was faster" in content
        assert "“Refused”" in content
    waiting.refresh_from_db()
    assert waiting.reasons == ["name"]


def test_a_decided_one_offers_no_decision_and_says_who_decided(agent, waiting, acme, sam):
    Observation.objects.create(
        verification=waiting, fact="name", seen="A", verdict="matches", seen_on=timezone.localdate(), by=sam
    )
    verify_organization(verification=waiting, by=sam)
    content = agent.get(page(waiting)).content.decode()
    assert act(waiting, "verify") not in content
    assert "by Sam Pelletier" in content


def test_a_newer_edition_is_compared_with_before_deciding(agent, waiting):
    Edition.objects.update(is_current=False)
    newer = EditionFactory(published_on="2026-11-30")
    content = agent.get(page(waiting)).content.decode()
    assert "November\u00a030,\u00a02026" in content
    assert agent.post(act(waiting, "compare")).status_code == 303
    waiting.refresh_from_db()
    assert waiting.edition == newer
    assert act(waiting, "compare") not in agent.get(page(waiting)).content.decode()


@pytest.mark.parametrize("name", ["verify", "refuse", "ask", "observe", "compare"])
def test_a_get_decides_nothing(name, agent, waiting):
    assert agent.get(act(waiting, name)).status_code == 303
    waiting.refresh_from_db()
    assert waiting.is_open


def test_a_capture_is_read_under_its_own_verification_only(agent, waiting, acme, sam, globex):
    other = factories.VerificationFactory(customer=globex)
    agent.post(act(waiting, "observe"), SEEN | {"observation-capture": SimpleUploadedFile("a.pdf", b"%PDF-1.7 x")})
    observation = Observation.objects.get()
    address = "admin:organizations_verification_capture"
    assert agent.get(reverse(address, args=[other.pk, observation.pk])).status_code == 404
    served = agent.get(reverse(address, args=[waiting.pk, observation.pk]))
    assert served.headers["Content-Disposition"].startswith("attachment")


def test_the_superuser_lets_a_merchant_verify_by_itself(client, root, boreal):
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    address = reverse("admin:organizations_merchant_change", args=[boreal.pk])
    assert "verifies_by_itself" in client.get(address).content.decode()


# --- changes in the register ------------------------------------------------------------------


@pytest.fixture
def alert(acme: Customer, alice: User) -> RegisterAlert:
    verification = factories.VerificationFactory(
        customer=acme, submitted_by=alice, edition=EditionFactory(published_on="2026-10-01")
    )
    factories.OrganizationFactory(customer=acme, verification=verification)
    Edition.objects.update(is_current=False)
    edition = EditionFactory()
    Change.objects.create(
        edition=edition, neq="1170000005", kind="struck_off", before={"status": "IM"}, after={"status": "RO"}
    )
    watch_register()
    return RegisterAlert.objects.get()


def alert_page(alert: RegisterAlert, name: str = "change") -> str:
    return reverse(f"admin:organizations_registeralert_{name}", args=[alert.pk])


def test_before_and_after_stand_side_by_side(agent, alert):
    content = agent.get(alert_page(alert)).content.decode()
    assert "Registered" in content
    assert "Struck off by the registrar" in content
    assert "November\u00a015,\u00a02026" in content
    assert "Nothing has changed for the customer" in content


@pytest.mark.parametrize(
    ("name", "data", "state", "billed"),
    [
        ("keep", {"keep-words": "Erreur du registre."}, "dismissed", "Construction Acme inc."),
        ("ask", {"question-words": "Confirmez."}, "forwarded", "Construction Acme inc."),
        (
            "withdraw",
            {"withdrawal-words": "Radiée.", "withdrawal-reasons": ["status"]},
            "withdrawn",
            "Alice Tremblay",
        ),
    ],
)
def test_an_agent_decides_what_a_change_means(name, data, state, billed, agent, alert, acme):
    assert agent.get(alert_page(alert, name)).status_code == 303
    assert agent.post(alert_page(alert, name), {}).status_code == 422
    assert agent.post(alert_page(alert, name), data).status_code == 303
    alert.refresh_from_db()
    assert alert.state == state
    assert document_name(customer=acme) == billed
    content = agent.get(alert_page(alert)).content.decode()
    assert alert_page(alert, name) not in content
    assert next(iter(data.values())) in content


def test_the_second_agent_of_an_alert_is_told_too(agent, alert, sam):
    agent.post(alert_page(alert, "keep"), {"keep-words": "Rien."})
    other = factories.UserFactory(is_staff=True, is_superuser=True, language="en-ca")
    agent.force_login(other, backend=settings.AUTHENTICATION_BACKENDS[0])
    data = {"withdrawal-words": "Radiée.", "withdrawal-reasons": ["status"]}
    content = agent.post(alert_page(alert, "withdraw"), data, follow=True).content.decode()
    assert "Sam Pelletier was faster" in content


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("?q=1170+0000+05", True),
        ("?q=10482", True),
        ("?q=3370000005", False),
        ("?state=open", True),
        ("?state=withdrawn", False),
        ("?change=struck_off", True),
        ("?change=renamed", False),
        ("?change=x&state=y", True),
    ],
)
def test_alerts_are_found_by_neq_customer_state_and_change(query, is_shown, agent, alert):
    content = agent.get(reverse("admin:organizations_registeralert_changelist") + query).content.decode()
    assert (alert_page(alert) in content) == is_shown
