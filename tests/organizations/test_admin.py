"""Customers, members, invitations, messages and history for agents: found, invited, changed, with a trace."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.models import OutgoingMessage, User
from organizations.models import ActivationRequest, AuditEvent, Customer, Merchant
from tests import factories

CUSTOMERS = "admin:organizations_customer_changelist"


@pytest.fixture
def master(client: Client, root: User) -> Client:
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def listed(client: Client, query: str) -> str:
    return client.get(reverse(CUSTOMERS) + query).content.decode()


def activation(customer: Customer, by: User, **fields: object) -> ActivationRequest:
    values = {"email": customer.email, "token_hash": f"{customer.pk:064}", "expires_at": timezone.now()} | fields
    return ActivationRequest.objects.create(customer=customer, created_by=by, **values)


@pytest.mark.parametrize(
    "typed", ["4410", "Excavation", "nord excav", "9876543210", "compta@nord", "514 555-0188", "(514) 555 0188", "a-7"]
)
def test_a_customer_is_found_by_number_name_neq_email_or_phone(typed, agent, boreal):
    factories.CustomerFactory(
        merchant=boreal,
        number="4410" if typed != "a-7" else "A-7",
        name="Les Excavations du Nord",
        neq="9876543210",
        email="compta@nord.example",
        phone="+15145550188",
    )
    factories.CustomerFactory(merchant=boreal, number="9", name="Quelqu’un d’autre")
    content = listed(agent, f"?q={typed.replace(' ', '+')}")
    assert "Les Excavations du Nord" in content
    assert "Quelqu’un d’autre" not in content


@pytest.mark.parametrize(
    "typed",
    [
        *("electricite", "ÉLECTRICITÉ", "electricite saint jerome", "saint-jérôme", "44 11"),
        *("030-0074321", "(030) 0074321", "0300074321 poste 12"),
    ],
)
def test_accents_dashes_and_phones_from_elsewhere_do_not_hide_a_customer(typed, agent, boreal):
    name = "Électricité Saint-Jérôme"
    factories.CustomerFactory(merchant=boreal, number="4411", name=name, phone="030-0074321")
    factories.CustomerFactory(merchant=boreal, number="9", name="Quelqu’un d’autre", phone="+15145550199")
    content = listed(agent, f"?q={quote(typed)}")
    assert name in content
    assert "Quelqu’un d’autre" not in content


def test_a_member_is_found_without_the_accents_of_their_name(agent, acme):
    factories.MembershipFactory(customer=acme, first_name="Éloïse", last_name="Côté", email="ec@acme.example")
    address = reverse("admin:organizations_membership_changelist")
    assert "ec@acme.example" in agent.get(address, {"q": "cote eloise"}).content.decode()


def test_a_company_is_found_by_the_email_of_one_of_its_people(agent, acme, alice, globex):
    content = listed(agent, "?q=ALICE@")
    assert "Acme Construction inc." in content
    assert "Globex" not in content


@pytest.mark.parametrize("query", ["?id__in=x", "?created_at__gte=jamais", "?space=x&kind=y&p=0"])
def test_a_filter_that_makes_no_sense_invites_nobody(query, agent, boreal):
    factories.CustomerFactory(merchant=boreal, email="a@example.org")
    assert agent.get(reverse("admin:organizations_customer_activation") + query).status_code in {200, 303, 400}
    assert agent.get(reverse(CUSTOMERS) + query, follow=True).status_code in {200, 400}
    assert not ActivationRequest.objects.exists()


def test_filters_tell_opened_invited_never_invited_and_closed_apart(agent, sam, boreal):
    now = timezone.now()
    factories.CustomerFactory(merchant=boreal, name="Ouvert", opened_at=now)
    invited = factories.CustomerFactory(merchant=boreal, name="Convié", email="i@example.org")
    activation(invited, sam)
    factories.CustomerFactory(merchant=boreal, name="Jamais", email="j@example.org")
    factories.CustomerFactory(merchant=boreal, name="Muet")
    factories.CustomerFactory(merchant=boreal, name="Parti", closed_at=now)
    names = ["Ouvert", "Convié", "Jamais", "Muet", "Parti"]
    shown = {
        space: [name for name in names if f">{name}</a>" in listed(agent, f"?space={space}")]
        for space in ["open", "invited", "never", "unreachable", "closed"]
    }
    assert shown == {
        "open": ["Ouvert"],
        "invited": ["Convié"],
        "never": ["Jamais"],
        "unreachable": ["Muet"],
        "closed": ["Parti"],
    }


def test_the_period_filter_includes_both_days_and_ignores_nonsense(agent, boreal):
    day = timezone.make_aware(timezone.datetime(2026, 3, 15, 23, 30))
    factories.CustomerFactory(merchant=boreal, name="Mars", created_at=day)
    factories.CustomerFactory(merchant=boreal, name="Avril", created_at=day + timedelta(days=20))
    assert "Mars" in listed(agent, "?created_at_from=2026-03-15&created_at_to=2026-03-15")
    assert "Avril" not in listed(agent, "?created_at_from=2026-03-15&created_at_to=2026-03-15")
    assert "Avril" in listed(agent, "?created_at_from=2026-02-30&kind=")


def test_pages_follow_each_other_without_counting(agent, boreal):
    Customer.objects.bulk_create(
        Customer(merchant=boreal, number=f"N{i:03}", name=f"Client {i:03}", kind="individual") for i in range(60)
    )
    first, second = listed(agent, ""), listed(agent, "?p=2")
    assert "p=2" in first
    assert first.count("Client 0") == 50
    assert second.count("Client 0") == 10
    assert 'rel="next"' not in second


def test_number_kind_and_contact_email_are_not_edited_in_the_sheet(agent, boreal):
    customer = factories.CustomerFactory(merchant=boreal, number="1", email="avant@example.org")
    address = reverse("admin:organizations_customer_change", args=[customer.pk])
    data = {"number": "2", "kind": "member", "email": "apres@example.org", "language": "en-ca", "country": "CA"}
    response = agent.post(address, {**data, "terms_days": "45", "city": "Laval"})
    customer.refresh_from_db()
    assert response.status_code == 302
    assert (customer.number, customer.kind, customer.email) == ("1", "individual", "avant@example.org")
    assert (customer.terms_days, customer.city, customer.language) == (45, "Laval", "en-ca")


def test_the_contact_email_changes_with_a_reason_that_the_history_keeps(agent, sam, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email="avant@example.org")
    address = reverse("admin:organizations_customer_contact_email", args=[customer.pk])
    assert agent.post(address, {"email": "apres@example.org", "reason": ""}).status_code == 422
    assert agent.post(address, {"email": "apres", "reason": "Appel"}).status_code == 422
    assert agent.post(address, {"email": " APRES@example.org", "reason": "Appel du client"}).status_code == 303
    customer.refresh_from_db()
    assert customer.email == "apres@example.org"
    page = agent.get(reverse("admin:organizations_customer_change", args=[customer.pk])).content.decode()
    assert "avant@example.org" in page
    assert "Appel du client" in page
    assert AuditEvent.objects.get(event="customer_email_changed").by == sam


def test_an_activation_request_leaves_in_one_click_and_shows_as_invited(agent, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email="neuf@example.org")
    agent.post(reverse("admin:organizations_customer_activate", args=[customer.pk]))
    assert OutgoingMessage.objects.get().recipient == "neuf@example.org"
    assert ActivationRequest.objects.open().get().customer == customer


def test_a_refused_activation_says_why(agent, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email="")
    address = reverse("admin:organizations_customer_activate", args=[customer.pk])
    response = agent.post(address, follow=True)
    assert 'data-is="danger"' in response.content.decode()
    assert not ActivationRequest.objects.exists()


def test_the_selection_is_confirmed_before_anything_leaves(agent, boreal):
    chosen = [factories.CustomerFactory(merchant=boreal, email=f"c{i}@example.org") for i in range(3)]
    mute = factories.CustomerFactory(merchant=boreal, email="")
    data = {"action": "send_activation_requests", "_selected_action": [*(c.pk for c in chosen[:2]), mute.pk]}
    confirmation = agent.post(reverse(CUSTOMERS), data)
    assert confirmation.status_code == 303
    assert not ActivationRequest.objects.exists()
    page = agent.get(confirmation.url).content.decode()
    assert "<dd>3</dd>" in page
    assert "<dd>2</dd>" in page
    agent.post(confirmation.url)
    assert {request.email for request in ActivationRequest.objects.all()} == {"c0@example.org", "c1@example.org"}


def test_everybody_created_since_a_day_is_invited_and_twice_is_once(agent, boreal):
    old = timezone.now() - timedelta(days=400)
    factories.CustomerFactory(merchant=boreal, email="vieux@example.org", created_at=old)
    factories.CustomerFactory(merchant=boreal, email="neuf@example.org")
    since = (timezone.localdate() - timedelta(days=1)).isoformat()
    address = reverse("admin:organizations_customer_activation") + f"?created_at_from={since}"
    agent.post(address)
    agent.post(address)
    assert [request.email for request in ActivationRequest.objects.all()] == ["neuf@example.org"]


def test_another_merchants_customers_are_never_invited(agent, riviere):
    other = factories.CustomerFactory(merchant=riviere, email="autre@example.org")
    agent.post(reverse("admin:organizations_customer_activation") + f"?id__in={other.pk}")
    agent.post(reverse("admin:organizations_customer_activation"))
    assert not ActivationRequest.objects.exists()


def test_an_expired_request_is_sent_again_with_a_new_link(agent, sam, boreal):
    customer = factories.CustomerFactory(merchant=boreal, email="neuf@example.org")
    expired = activation(customer, sam, created_at=timezone.now() - timedelta(days=40))
    agent.post(reverse("admin:organizations_activationrequest_again", args=[expired.pk]))
    expired.refresh_from_db()
    assert expired.revoked_at is not None
    assert ActivationRequest.objects.open().get().customer == customer


def test_ending_a_membership_asks_once_then_closes_the_door(agent, acme, alice, bob):
    membership = acme.memberships.get(user=bob)
    address = reverse("admin:organizations_membership_end", args=[membership.pk])
    assert "Acme" in agent.get(address).content.decode()
    assert Customer.objects.for_user(bob).exists()
    agent.post(address)
    assert not Customer.objects.for_user(bob).exists()
    assert AuditEvent.objects.filter(event="member_removed", customer=acme).exists()


def test_the_last_administrator_stays_and_the_agent_reads_why(agent, acme, alice):
    membership = acme.memberships.get(user=alice)
    acme.opened_at = timezone.now()
    acme.save()
    response = agent.post(reverse("admin:organizations_membership_end", args=[membership.pk]), follow=True)
    assert 'data-is="danger"' in response.content.decode()
    assert Customer.objects.for_user(alice).exists()


def test_failed_messages_come_first_and_are_sent_again(agent, boreal):
    failed = factories.OutgoingMessageFactory(
        merchant_slug="boreal", subject="Tombé", status="failed", attempts=9, last_error="550"
    )
    factories.OutgoingMessageFactory(merchant_slug="boreal", subject="Parti", status="sent", sent_at=timezone.now())
    content = agent.get(reverse("admin:accounts_outgoingmessage_changelist")).content.decode()
    assert content.index("Tombé") < content.index("Parti")
    agent.post(reverse("admin:accounts_outgoingmessage_again", args=[failed.pk]))
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("queued", 0)


def test_several_failed_messages_are_sent_again_at_once_and_the_sent_ones_stay(agent, boreal):
    failed = factories.OutgoingMessageFactory.create_batch(2, merchant_slug="boreal", status="failed")
    sent = factories.OutgoingMessageFactory(merchant_slug="boreal", status="sent", sent_at=timezone.now())
    data = {"action": "send_selected_again", "_selected_action": [*(m.pk for m in failed), sent.pk]}
    agent.post(reverse("admin:accounts_outgoingmessage_changelist"), data)
    assert OutgoingMessage.objects.filter(status="queued").count() == 2
    assert OutgoingMessage.objects.count() == 3


def test_a_sensitive_text_is_never_shown(agent, boreal):
    secret = factories.OutgoingMessageFactory(merchant_slug="boreal", is_sensitive=True, text="https://lien/jeton")
    plain = factories.OutgoingMessageFactory(merchant_slug="boreal", text="Bonjour à vous")
    hidden = agent.get(reverse("admin:accounts_outgoingmessage_change", args=[secret.pk])).content.decode()
    shown = agent.get(reverse("admin:accounts_outgoingmessage_change", args=[plain.pk])).content.decode()
    assert "jeton" not in hidden
    assert "Bonjour à vous" in shown


def test_messages_of_no_merchant_are_the_superusers(agent, master, root, sam):
    message = factories.OutgoingMessageFactory(merchant_slug="", subject="À personne")
    address = reverse("admin:accounts_outgoingmessage_changelist")
    assert "À personne" in master.get(address).content.decode()
    master.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert "À personne" not in master.get(address).content.decode()
    assert master.get(reverse("admin:accounts_outgoingmessage_change", args=[message.pk])).status_code == 302


def test_history_is_a_sentence_in_the_readers_language(agent, sam, acme, alice):
    AuditEvent.objects.create(merchant=acme.merchant, customer=acme, event="customer_opened", by=alice)
    french = agent.get(reverse("admin:organizations_auditevent_changelist")).content.decode()
    sam.language = "en-ca"
    sam.save()
    english = agent.get(reverse("admin:organizations_auditevent_changelist")).content.decode()
    assert "Alice Tremblay opened the space of Acme Construction inc." in english
    assert "Alice Tremblay" in french
    assert "opened the space" not in french


def test_history_cannot_be_changed_even_by_the_superuser(master, acme):
    event = AuditEvent.objects.create(merchant=acme.merchant, customer=acme, event="customer_opened")
    response = master.post(reverse("admin:organizations_auditevent_change", args=[event.pk]), {"event": "x"})
    assert response.status_code == 403


def test_the_superuser_names_an_agent_who_then_serves_and_withdraws_them(master, boreal, ines):
    address = reverse("admin:organizations_merchant_agents", args=[boreal.pk])
    assert master.post(address, {"email": "personne@example.org"}).status_code == 422
    master.post(address, {"email": "INES@example.org"})
    ines.refresh_from_db()
    assert boreal in Merchant.objects.for_agent(ines)
    master.post(address, {"email": "ines@example.org", "remove": "1"})
    assert not Merchant.objects.for_agent(ines).exists()


def test_an_agent_reads_their_merchant_and_cannot_change_it_nor_name_agents(agent, boreal, ines):
    address = reverse("admin:organizations_merchant_change", args=[boreal.pk])
    assert agent.post(address, {"name": "Pirate"}).status_code == 403
    agent.post(reverse("admin:organizations_merchant_agents", args=[boreal.pk]), {"email": "ines@example.org"})
    boreal.refresh_from_db()
    ines.refresh_from_db()
    assert boreal.name == "Location Boréal"
    assert not ines.is_staff


def test_an_agent_of_two_merchants_sees_both_and_no_third(agent, sam, boreal, riviere):
    third = factories.MerchantFactory()
    assign_perm("serve_merchant", sam, riviere)
    for merchant in (boreal, riviere, third):
        factories.CustomerFactory(merchant=merchant, name=f"Client de {merchant.slug}")
    content = listed(agent, "")
    assert "Client de boreal" in content
    assert "Client de riviere" in content
    assert f"Client de {third.slug}" not in content
