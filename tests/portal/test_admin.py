"""The agents' admin as a whole: who comes in, what waits, how many queries, and that merchants stay apart."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from billing.models import InvoicePdf
from organizations.models import AccessRequest, ActivationRequest, AuditEvent, Customer, Merchant, RegisterAlert
from registry.models import Change
from signatures.models import Seal
from tests import factories
from tests.signatures.samples import asked_of, paper, signed_by

LISTS = [
    "organizations_customer",
    "organizations_membership",
    "organizations_accessrequest",
    "organizations_activationrequest",
    "organizations_verification",
    "organizations_registeralert",
    "organizations_auditevent",
    "organizations_merchant",
    "organizations_branch",
    "billing_invoice",
    "billing_payment",
    "accounts_outgoingmessage",
    "signatures_signaturerequest",
]
# Words of Boréal's rows: none may reach an agent of another merchant.
SECRETS = ["Acme", "10482", "F-ACME-1", "P-ACME-1", "Paul Roy", "secret@acme.example", "Comptoir de Laval", "Boréal"]
PASSWORD_ADDRESSES = ["/admin/password_change/", "/admin/r/1/1/", "/admin/autocomplete/", "/admin/search/"]


def sign_in(client: Client, user: User) -> Client:
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def things(acme: Customer, alice: User, sam: User) -> dict[str, list[int]]:
    """One of everything that Boréal's agents may see, by list."""
    invoice = factories.InvoiceFactory(customer=acme, number="F-ACME-1")
    payment = factories.PaymentFactory(customer=acme, number="P-ACME-1")
    branch = factories.BranchFactory(merchant=acme.merchant, name="Comptoir de Laval")
    activation = ActivationRequest.objects.create(
        customer=acme,
        email="secret@acme.example",
        token_hash="1" * 64,
        created_by=sam,
        expires_at=timezone.now() - timedelta(days=1),
    )
    stranger = factories.UserFactory(email="paul@acme.example")
    asked = AccessRequest.objects.create(merchant=acme.merchant, user=stranger, name="Paul Roy")
    event = AuditEvent.objects.create(merchant=acme.merchant, customer=acme, event="customer_opened", by=alice)
    waiting = factories.VerificationFactory(customer=acme, submitted_by=alice)
    change = Change.objects.create(
        edition=factories.EditionFactory(), neq=waiting.neq, kind="struck_off", before={}, after={}
    )
    verified = factories.OrganizationFactory(customer=acme)
    alert = RegisterAlert.objects.create(organization=verified, change=change)
    message = factories.OutgoingMessageFactory(
        merchant_slug="boreal", status="failed", recipient="secret@acme.example", last_error="550 Acme"
    )
    InvoicePdf.objects.create(invoice=invoice, language="fr-ca", attempts=2, last_error="out of ink")
    mandate = signed_by(alice, asked_of(alice, merchant=acme.merchant, french=paper("Accès à Acme", "fr-CA")))
    Seal.objects.update(attempts=2, last_error="out of time")
    return {
        "organizations_customer": [acme.pk],
        "organizations_membership": [acme.memberships.get().pk],
        "organizations_accessrequest": [asked.pk],
        "organizations_activationrequest": [activation.pk],
        "organizations_verification": [waiting.pk],
        "organizations_registeralert": [alert.pk],
        "organizations_auditevent": [event.pk],
        "organizations_merchant": [acme.merchant.pk],
        "organizations_branch": [branch.pk],
        "billing_invoice": [invoice.pk],
        "billing_payment": [payment.pk],
        "accounts_outgoingmessage": [message.pk],
        "signatures_signaturerequest": [mandate.pk],
    }


def change(name: str, things: dict[str, list[int]]) -> str:
    return reverse(f"admin:{name}_change", args=things[name])


def test_the_door_is_allauths_so_that_its_second_factor_applies(client, db):
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_a_customer_is_not_let_in(client, alice):
    response = sign_in(client, alice).get(reverse("admin:index"), follow=True)
    assert response.status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_an_agent_sees_the_rows_of_their_merchant_and_opens_them(name, client, sam, things):
    sign_in(client, sam)
    listed = client.get(reverse(f"admin:{name}_changelist"))
    opened = client.get(change(name, things))
    assert any(secret in listed.content.decode() for secret in SECRETS[:-1]) or name == "organizations_merchant"
    assert change(name, things) in listed.content.decode()
    assert opened.status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_an_agent_of_another_merchant_sees_no_row_whatever_they_type(name, client, zoe, things):
    sign_in(client, zoe)
    address = reverse(f"admin:{name}_changelist")
    for query in ["", "?q=Acme", "?q=10482", "?q=F-ACME-1", "?q=secret@acme.example", f"?id__exact={things[name][0]}"]:
        content = client.get(address + query, follow=True).content.decode()
        typed = {secret for secret in SECRETS if secret in query}
        assert [secret for secret in SECRETS if secret in content and secret not in typed] == []
        assert change(name, things) not in content


@pytest.mark.parametrize("name", LISTS)
def test_a_list_answers_no_question_its_filters_do_not_ask(name, client, sam, things):
    """Else `text__regex` or `key__gte` would tell, bit by bit, what the page of a row hides."""
    sign_in(client, sam)
    address = reverse(f"admin:{name}_changelist")
    columns = [field.attname for field in _admin(name).opts.concrete_fields]
    asked = [f"{column}__{how}" for column in columns for how in ("exact", "gte", "regex", "startswith", "isnull")]
    asked.remove("id__exact")  # the number of a row, in the address of its page
    assert {client.get(address, {question: "1"}).status_code for question in asked} == {400}


@pytest.mark.parametrize("name", LISTS)
def test_an_agent_of_another_merchant_opens_nothing_by_its_address(name, client, zoe, things):
    response = sign_in(client, zoe).get(change(name, things))
    assert response.status_code == 302
    assert response.url == reverse("admin:index")


PAGES_UNDER_A_ROW = [
    ("organizations_customer_activate", "organizations_customer", []),
    ("organizations_customer_contact_email", "organizations_customer", []),
    ("organizations_membership_end", "organizations_membership", []),
    ("organizations_activationrequest_again", "organizations_activationrequest", []),
    ("organizations_accessrequest_link", "organizations_accessrequest", []),
    ("organizations_accessrequest_refuse", "organizations_accessrequest", []),
    ("organizations_merchant_agents", "organizations_merchant", []),
    ("organizations_verification_verify", "organizations_verification", []),
    ("organizations_verification_refuse", "organizations_verification", []),
    ("organizations_verification_ask", "organizations_verification", []),
    ("organizations_verification_observe", "organizations_verification", []),
    ("organizations_verification_compare", "organizations_verification", []),
    ("organizations_verification_capture", "organizations_verification", [1]),
    ("organizations_registeralert_keep", "organizations_registeralert", []),
    ("organizations_registeralert_ask", "organizations_registeralert", []),
    ("organizations_registeralert_withdraw", "organizations_registeralert", []),
    ("accounts_outgoingmessage_again", "accounts_outgoingmessage", []),
    ("billing_invoice_pdf", "billing_invoice", ["fr-ca"]),
    ("billing_invoice_make", "billing_invoice", ["fr-ca"]),
    ("signatures_signaturerequest_sealed", "signatures_signaturerequest", []),
    ("signatures_signaturerequest_again", "signatures_signaturerequest", []),
]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("page", "name", "more"), PAGES_UNDER_A_ROW)
def test_an_agent_of_another_merchant_acts_on_nothing(page, name, more, method, client, zoe, things):
    before = AuditEvent.objects.count()
    response = getattr(sign_in(client, zoe), method)(
        reverse(f"admin:{page}", args=[*things[name], *more]), {"email": "zoe@riviere.example", "reason": "x"}
    )
    assert response.status_code == 404
    assert not any(secret in response.content.decode() for secret in SECRETS[:-1])
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("name", LISTS)
def test_actions_touch_only_rows_in_scope(name, client, zoe, things):
    model_admin = _admin(name)
    sign_in(client, zoe)
    before = (AuditEvent.objects.count(), OutgoingMessage.objects.filter(status="queued").count())
    for action in [*(model_admin.actions or []), "delete_selected"]:
        data = {"action": action, "_selected_action": things[name], "select_across": "1"}
        response = client.post(reverse(f"admin:{name}_changelist"), data, follow=True)
        assert not any(secret in response.content.decode() for secret in SECRETS)
    assert (AuditEvent.objects.count(), OutgoingMessage.objects.filter(status="queued").count()) == before


def _admin(name: str):
    return admin.site.get_model_admin(apps.get_model(*name.split("_")))


@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_deleted_or_added_by_an_agent(name, client, sam, things):
    sign_in(client, sam)
    assert client.get(reverse(f"admin:{name}_add")).status_code == 403
    assert client.post(reverse(f"admin:{name}_delete", args=things[name]), {"post": "yes"}).status_code == 403


def test_an_agent_of_no_merchant_sees_nothing(client, things, db):
    nobody = factories.UserFactory(is_staff=True)
    sign_in(client, nobody)
    home = client.get(reverse("admin:index"))
    assert "Paul Roy" not in home.content.decode()
    assert client.get(reverse("admin:organizations_customer_changelist")).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_the_superuser_sees_every_merchant(name, client, root, things):
    assert change(name, things) in sign_in(client, root).get(reverse(f"admin:{name}_changelist")).content.decode()


@pytest.mark.parametrize("address", PASSWORD_ADDRESSES)
def test_addresses_that_answer_for_any_object_are_closed(address, client, root):
    assert sign_in(client, root).get(address).status_code == 404


@pytest.mark.parametrize("count", [2, 200])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_the_same_few_queries_whatever_its_length(
    name, count, client, sam, boreal, django_assert_max_num_queries
):
    FILL[name](boreal, sam, count)
    sign_in(client, sam)
    with django_assert_max_num_queries(10) as asked:
        response = client.get(reverse(f"admin:{name}_changelist"))
    assert response.status_code == 200
    assert len(asked.captured_queries) == QUERIES.setdefault(name, len(asked.captured_queries))


QUERIES: dict[str, int] = {}


def _customers(boreal: Merchant, sam: User, count: int) -> list[Customer]:
    rows = [Customer(merchant=boreal, number=f"N{i}", name=f"Client {i}", kind="individual") for i in range(count)]
    return Customer.objects.bulk_create(rows)


def _memberships(boreal: Merchant, sam: User, count: int) -> None:
    for customer in _customers(boreal, sam, count):
        customer.memberships.create(email=f"{customer.number}@example.org".lower(), role="owner")


def _access_requests(boreal: Merchant, sam: User, count: int) -> None:
    people = User.objects.bulk_create([User(email=f"p{i}@example.org") for i in range(count)])
    AccessRequest.objects.bulk_create([AccessRequest(merchant=boreal, user=user, name="Jo") for user in people])


def _activations(boreal: Merchant, sam: User, count: int) -> None:
    ActivationRequest.objects.bulk_create(
        ActivationRequest(
            customer=customer,
            email="a@example.org",
            token_hash=f"{customer.pk:064}",
            created_by=sam,
            expires_at=timezone.now(),
        )
        for customer in _customers(boreal, sam, count)
    )


def _events(boreal: Merchant, sam: User, count: int) -> None:
    customers = _customers(boreal, sam, count)
    AuditEvent.objects.bulk_create(
        AuditEvent(merchant=boreal, customer=customer, event="customer_opened", by=sam) for customer in customers
    )


def _verifications(boreal: Merchant, sam: User, count: int) -> list[Customer]:
    customers = _customers(boreal, sam, count)
    for customer in customers:
        factories.VerificationFactory(customer=customer, submitted_by=sam)
    return customers


def _alerts(boreal: Merchant, sam: User, count: int) -> None:
    edition = factories.EditionFactory()
    changes = [Change(edition=edition, neq=f"{n:010}", kind="renamed", before={}, after={}) for n in range(count)]
    for change, customer in zip(Change.objects.bulk_create(changes), _customers(boreal, sam, count), strict=True):
        organization = factories.OrganizationFactory(customer=customer, neq=change.neq)
        RegisterAlert.objects.create(organization=organization, change=change)


def _documents(boreal: Merchant, sam: User, count: int) -> None:
    letterhead = factories.LetterheadFactory(merchant=boreal)
    for customer in _customers(boreal, sam, count):
        factories.InvoiceFactory(customer=customer, letterhead=letterhead)


def _signatures(boreal: Merchant, sam: User, count: int) -> None:
    signer = factories.UserFactory()
    made = [asked_of(signer, merchant=boreal, subject_key=str(number)) for number in range(count)]
    signed_by(signer, made[0])


FILL = {
    "organizations_customer": _customers,
    "organizations_membership": _memberships,
    "organizations_accessrequest": _access_requests,
    "organizations_activationrequest": _activations,
    "organizations_verification": _verifications,
    "organizations_registeralert": _alerts,
    "organizations_auditevent": _events,
    "organizations_merchant": lambda boreal, sam, count: None,
    "organizations_branch": lambda boreal, sam, count: factories.BranchFactory.create_batch(count, merchant=boreal),
    "billing_invoice": _documents,
    "billing_payment": lambda boreal, sam, count: [
        factories.PaymentFactory(customer=customer) for customer in _customers(boreal, sam, count)
    ],
    "accounts_outgoingmessage": lambda boreal, sam, count: factories.OutgoingMessageFactory.create_batch(
        count, merchant_slug="boreal"
    ),
    "signatures_signaturerequest": _signatures,
}


def test_home_is_what_waits_and_each_line_leads_to_its_decision(
    client, sam, things, ines, django_assert_max_num_queries
):
    factories.CustomerFactory(merchant=Merchant.objects.get(slug="boreal"), email="jamais@example.org")
    sign_in(client, sam)
    with django_assert_max_num_queries(15):
        content = client.get(reverse("admin:index")).content.decode()
    for address in [
        change("organizations_accessrequest", things),
        reverse("admin:accounts_outgoingmessage_again", args=things["accounts_outgoingmessage"]),
        change("billing_invoice", things),
        reverse("admin:organizations_activationrequest_again", args=things["organizations_activationrequest"]),
        change("signatures_signaturerequest", things),
        reverse("admin:organizations_customer_changelist") + "?space=never",
        change("organizations_verification", things),
        change("organizations_registeralert", things),
    ]:
        assert f'href="{address}"' in content


def test_home_shows_another_merchants_agent_none_of_it(client, zoe, things):
    content = sign_in(client, zoe).get(reverse("admin:index")).content.decode()
    assert not any(secret in content for secret in SECRETS)


def test_home_lists_the_oldest_first_and_stops_counting_at_a_hundred(client, sam, boreal):
    _access_requests(boreal, sam, 102)
    AccessRequest.objects.filter(pk=AccessRequest.objects.order_by("pk").first().pk).update(name="La première")
    content = sign_in(client, sam).get(reverse("admin:index")).content.decode()
    assert "La première" in content
    assert "100+" in content


def test_the_content_policy_is_the_same_as_everywhere(client, sam):
    policy = sign_in(client, sam).get(reverse("admin:index")).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.split("script-src")[1].split(";")[0].split() == ["'self'"] or "'nonce-" in policy


def test_no_page_of_an_agent_has_an_inline_script_style_or_handler(client, sam, things):
    sign_in(client, sam)
    addresses = [reverse("admin:index"), *(reverse(f"admin:{name}_changelist") for name in LISTS)]
    addresses += [change(name, things) for name in LISTS]
    for address in addresses:
        content = client.get(address).content.decode()
        assert "style=" not in content, address
        assert "<style" not in content, address
        assert "onclick" not in content, address
        assert content.count("<script") == content.count("<script src="), address


# --- unrecognised people ----------------------------------------------------------------------


@pytest.fixture
def stranger(boreal: Merchant) -> AccessRequest:
    user = factories.UserFactory(email="compta@noname.example", first_name="Luc", last_name="Bouchard")
    return AccessRequest.objects.create(
        merchant=boreal,
        user=user,
        name="Luc Bouchard",
        invoice_number="F-900",
        invoice_total=Decimal("114.98"),
        customer_number="30001",
    )


def test_the_probable_customers_are_ranked_with_their_reasons(client, sam, stranger, boreal, riviere):
    theirs = factories.CustomerFactory(merchant=boreal, number="30001", name="Noname", kind="business")
    factories.InvoiceFactory(customer=theirs, number="F-900")
    factories.CustomerFactory(merchant=boreal, number="77777", name="Bouchard Luc", kind="individual")
    factories.CustomerFactory(merchant=riviere, number="30001", name="Un autre marchand")
    content = (
        sign_in(client, sam)
        .get(change("organizations_accessrequest", {"organizations_accessrequest": [stranger.pk]}))
        .content.decode()
    )
    assert content.index("Noname") < content.index("Bouchard Luc")
    assert "Un autre marchand" not in content
    assert "F-900" in content


def test_one_click_links_the_person_who_is_then_in(client, sam, stranger, boreal):
    theirs = factories.CustomerFactory(merchant=boreal, number="30001", name="Noname", kind="business")
    address = reverse("admin:organizations_accessrequest_link", args=[stranger.pk])
    response = sign_in(client, sam).post(address, {"customer": theirs.pk})
    assert response.status_code == 303
    assert Customer.objects.for_user(stranger.user).get() == theirs
    assert OutgoingMessage.objects.filter(recipient="compta@noname.example").exists()


def test_a_person_is_never_linked_to_another_merchants_customer(client, sam, stranger, riviere):
    other = factories.CustomerFactory(merchant=riviere, number="30001", kind="business")
    address = reverse("admin:organizations_accessrequest_link", args=[stranger.pk])
    sign_in(client, sam)
    client.post(address, {"customer": other.pk})
    client.post(address, {"number": "30001"})
    stranger.refresh_from_db()
    assert stranger.status == AccessRequest.Status.OPEN
    assert not Customer.objects.for_user(stranger.user).exists()


def test_an_agent_links_by_number_when_nothing_said_points_at_the_customer(client, sam, stranger, boreal):
    theirs = factories.CustomerFactory(merchant=boreal, number="88", kind="business")
    sign_in(client, sam).post(reverse("admin:organizations_accessrequest_link", args=[stranger.pk]), {"number": " 88 "})
    assert Customer.objects.for_user(stranger.user).get() == theirs


@pytest.mark.parametrize("chosen", [{"customer": "\u00b2"}, {"customer": "9" * 30}, {"number": "\x00"}, {}])
def test_a_choice_that_names_no_customer_links_nobody(client, sam, stranger, chosen):
    address = reverse("admin:organizations_accessrequest_link", args=[stranger.pk])
    assert sign_in(client, sam).post(address, chosen).status_code == 303
    stranger.refresh_from_db()
    assert stranger.status == AccessRequest.Status.OPEN


def test_a_get_on_the_link_address_changes_nothing(client, sam, stranger, boreal):
    theirs = factories.CustomerFactory(merchant=boreal, number="30001", kind="business")
    sign_in(client, sam).get(
        reverse("admin:organizations_accessrequest_link", args=[stranger.pk]), {"customer": theirs.pk}
    )
    stranger.refresh_from_db()
    assert stranger.status == AccessRequest.Status.OPEN


def test_a_refusal_needs_its_reason_and_keeps_what_was_typed(client, sam, stranger):
    address = reverse("admin:organizations_accessrequest_refuse", args=[stranger.pk])
    sign_in(client, sam)
    assert client.post(address, {"reason": ""}).status_code == 422
    refused = client.post(address, {"reason": "Aucune pièce au dossier."})
    assert refused.status_code == 303
    assert refused.url == reverse("admin:index")  # back to what waits
    stranger.refresh_from_db()
    assert stranger.status == AccessRequest.Status.REFUSED
    assert stranger.reason == "Aucune pièce au dossier."


def test_every_label_of_a_list_or_a_sheet_can_be_said_in_french():
    silent = []
    for model, model_admin in admin.site._registry.items():  # noqa: SLF001 - the site offers no other list
        shown = {*model_admin.list_display, *model_admin.readonly_fields}
        fields = [name for name in shown if not hasattr(model_admin, name)]
        silent += [
            f"{model.__name__}.{n}" for n in fields if isinstance(model_admin.opts.get_field(n).verbose_name, str)
        ]
    assert silent == ["Customer.neq"]
