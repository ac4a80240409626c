"""The pages of the ways in: what they say, what their buttons do, what scanners cannot do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations.models import AccessRequest, ActivationRequest, Customer, Mandate, Membership
from organizations.permissions import Permission, Role
from organizations.services.activation import activate, send_activation
from organizations.services.groups import ask_link, confirm_link
from organizations.services.requests import link_access_request, refuse_access_request
from tests import factories
from tests.organizations.signing import sign_batch
from tests.organizations.test_activation import CHOSEN, NEW, token_mailed_to
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db
WELCOME = "/welcome/"
FORM = {"name": "Émile Côté", "phone": "514 555-0123 poste 12", "customer_number": "20500", "invoice_number": "F-1"}


@pytest.fixture
def emile(boreal: object, client: StrictClient) -> User:
    """Signed in, with an address that is on no file."""
    user = factories.UserFactory(email="emile@example.org", first_name="Émile", last_name="Côté", language="en-ca")
    client.force_login(user)
    return user


@pytest.fixture
def invitation(boreal: object, sam: User) -> ActivationRequest:
    customer = factories.CustomerFactory(merchant=boreal, name="Noé Roy", number="20777", email=NEW)
    return send_activation(customer=customer, by=sam)


@pytest.fixture
def link(invitation: ActivationRequest) -> str:
    return f"/activate/{token_mailed_to(NEW)}/"


# --- not recognised ---------------------------------------------------------------------------


def test_welcome_names_the_cause_and_the_desk(client, emile, boreal):
    page = client.get(WELCOME).text
    assert "We do not have your e-mail" in page
    for words in ("emile@example.org", boreal.email, "10435", "Location Boréal"):
        assert words in page


def test_a_second_request_says_which_merchant_it_goes_to(client, emile, boreal, riviere):
    client.post(WELCOME, {**FORM, "merchant": boreal.pk})
    page = client.get(WELCOME).text
    assert f'name="merchant" value="{riviere.pk}"' in page
    assert f"This request goes to <strong>{riviere.name}</strong>" in page


def test_the_landing_page_leads_there(client, emile):
    assert client.get("/").headers["Location"] == WELCOME


def test_welcome_leads_to_joining_a_company(client, emile, boreal):
    client.force_login(emile)
    assert f'href="{reverse("organizations:join")}"' in client.get(WELCOME).text


def test_welcome_is_for_people_who_signed_in(client, boreal):
    assert client.get(WELCOME).headers["Location"].startswith(reverse("account_login"))


def test_a_request_is_sent_once_and_shows_its_state(client, emile, boreal):
    form = FORM | {"invoice_total": "1 114,98 $"}
    for _click in range(2):
        answer = client.post(WELCOME, form)
        assert (answer.status_code, answer.headers["Location"]) == (303, WELCOME)
    asked = AccessRequest.objects.get()
    assert (asked.merchant, asked.phone, asked.phone_extension) == (boreal, "+15145550123", "12")
    assert str(asked.invoice_total) == "1114.98"
    page = client.get(WELCOME).text
    assert "20500" in page
    assert 'name="customer_number"' not in page


AMOUNTS = [
    ("114.98", "114.98"),
    ("114,98", "114.98"),
    ("1 114,98 $", "1114.98"),
    ("$1,114.98", "1114.98"),
    ("1\u00a0114,98\u00a0$", "1114.98"),
    ("1.114,98", "1114.98"),
    ("1,114", "1114"),
    ("250", "250"),
]


@pytest.mark.parametrize(("typed", "meant"), AMOUNTS)
def test_an_amount_is_read_as_people_write_it(client, emile, typed, meant):
    client.post(WELCOME, FORM | {"invoice_total": typed})
    assert str(AccessRequest.objects.get().invoice_total) in {meant, f"{meant}.00"}


def test_a_wrong_form_says_where_and_keeps_what_was_typed(client, emile):
    answer = client.post(WELCOME, {"phone": "12", "invoice_total": "beaucoup", "message": "Bonjour <b>"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3
    assert "Bonjour &lt;b&gt;" in answer.text
    assert not AccessRequest.objects.exists()


def test_another_request_while_one_waits_is_refused_in_words(client, emile):
    client.post(WELCOME, FORM)
    answer = client.post(WELCOME, FORM | {"message": "Encore"})
    assert answer.status_code == 422
    assert AccessRequest.objects.count() == 1


def test_with_several_merchants_the_person_says_whose_customer_they_are(client, emile, boreal, riviere):
    page = client.get(WELCOME).text
    assert "Location Boréal" in page
    assert "Club Rivière" in page
    assert client.post(WELCOME, FORM).status_code == 422
    assert client.post(WELCOME, FORM | {"merchant": riviere.pk}).status_code == 303
    assert AccessRequest.objects.get().merchant == riviere


def test_a_refusal_shows_its_reason_and_the_form_again(client, emile, sam):
    client.post(WELCOME, FORM)
    refuse_access_request(access_request=AccessRequest.objects.get(), reason="Ce numéro n’existe pas.", by=sam)
    page = client.get(WELCOME).text
    assert "Ce numéro n’existe pas." in page
    assert 'name="customer_number"' in page


def test_once_linked_the_landing_page_is_the_account(client, emile, boreal, sam):
    client.post(WELCOME, FORM)
    customer = factories.CustomerFactory(merchant=boreal)
    link_access_request(access_request=AccessRequest.objects.get(), customer=customer, by=sam)
    assert client.get("/").headers["Location"] == customer.get_absolute_url()


def test_an_employee_learns_who_opens_and_why_but_no_name(client, emile, acme, alice):
    on_file = {"email": alice.email, "first_name": "Alice", "last_name": "Tremblay"}
    company = factories.CustomerFactory(merchant=acme.merchant, kind=Customer.Kind.MEMBER, name="Initech inc.")
    factories.MembershipFactory(customer=company, role=Role.ADMINISTRATOR, **on_file)
    factories.MembershipFactory(customer=company, email=emile.email, role=Role.EDITOR)
    page = client.get(WELCOME).text
    assert "Initech inc." in page
    assert "for safety" in page
    assert "Owner or signatory, Administrator" in page
    assert "Tremblay" not in page
    assert "alice@" not in page


def test_a_stranger_s_page_names_no_customer(client, emile, acme, alice, ines):
    page = client.get(WELCOME).text
    assert "Acme" not in page
    assert "Inès" not in page
    assert client.get(acme.get_absolute_url()).status_code == 404


def test_look_again_finds_what_was_put_on_file_since(client, emile, boreal):
    again = reverse("organizations:look-again")
    assert client.post(again).headers["Location"] == f"{WELCOME}?looked=1"
    assert client.get(f"{WELCOME}?looked=1").status_code == 200
    customer = factories.CustomerFactory(merchant=boreal, email=emile.email)
    assert client.get(again).status_code == 405
    assert not customer.permissions_for(emile)
    assert client.post(again).headers["Location"] == "/"
    assert customer.permissions_for(emile)


# --- activation -------------------------------------------------------------------------------


def test_the_link_says_who_invites_whom_to_what(client, link):
    page = client.get(link).text
    for words in ("Location Boréal", "Noé Roy", "20777", NEW):
        assert words in page


def test_scanners_change_nothing(client, link, invitation):
    for _again in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    invitation.refresh_from_db()
    assert invitation.used_at is None
    assert not User.objects.filter(email=NEW).exists()


def test_one_step_and_the_person_is_in(client, link, invitation):
    answer = client.post(link, CHOSEN)
    assert (answer.status_code, answer.headers["Location"]) == (303, invitation.customer.get_absolute_url())
    assert client.get("/").headers["Location"] == invitation.customer.get_absolute_url()


def test_a_second_click_is_in_too(client, link, invitation):
    StrictClient().post(link, CHOSEN)
    answer = client.post(link, CHOSEN)
    assert answer.headers["Location"] == invitation.customer.get_absolute_url()
    assert client.get("/").headers["Location"] == invitation.customer.get_absolute_url()


def test_a_used_link_with_another_password_lets_nobody_in(client, link):
    StrictClient().post(link, CHOSEN)
    assert client.post(link, CHOSEN | {"password": "je devine encore"}).status_code == 410
    assert client.get("/welcome/").status_code == 302


@pytest.mark.parametrize("password", ["abc1", "password123", "nouveau@example.org"])
def test_a_weak_password_is_refused_beside_its_field(client, link, password):
    answer = client.post(link, CHOSEN | {"password": password})
    assert answer.status_code == 422
    assert 'id="id_password_error"' in answer.text
    assert password not in answer.text.replace(f'value="{NEW}"', "")
    assert not User.objects.filter(email=NEW).exists()


def test_the_page_speaks_the_language_of_the_letter(link, invitation):
    Customer.objects.update(language="en-ca")
    page = StrictClient(headers={"accept-language": "fr-CA"}).get(link)
    assert 'lang="en-CA"' in page.text
    StrictClient().post(link, CHOSEN)
    assert User.objects.get(email=NEW).language == "en-ca"


@pytest.mark.parametrize("state", ["used", "expired", "replaced"])
def test_a_dead_link_explains_itself_and_offers_a_way_on(client, link, invitation, state):
    if state == "used":
        activate(token=token_mailed_to(NEW), **CHOSEN)
    elif state == "expired":
        ActivationRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        ActivationRequest.objects.update(revoked_at=timezone.now())
    answer = client.get(link)
    assert answer.status_code == 410
    assert reverse("account_login") in answer.text
    assert client.post(link, CHOSEN | {"password": "une tout autre phrase"}).status_code == 410


def test_a_forged_link_is_not_found_and_says_what_to_do(client, boreal):
    answer = client.get(f"/activate/{'A' * 43}/")
    assert answer.status_code == 404
    assert reverse("account_signup") in answer.text
    assert boreal.email in answer.text


def test_the_holder_of_an_expired_link_asks_for_another(client, link, boreal):
    ActivationRequest.objects.update(expires_at=timezone.now())
    again = f"{link}again/"
    assert again in client.get(link).text
    for _click in range(2):
        assert client.post(again).status_code == 303
    assert OutgoingMessage.objects.filter(recipient=boreal.email).count() == 1
    assert again not in client.get(link).text


def test_a_person_with_a_profile_signs_in_and_the_account_joins_it(client, link, invitation):
    user = factories.UserFactory(email=NEW)
    page = client.get(link).text
    assert f"{reverse('account_login')}?next={link}" in page
    assert 'name="password"' not in page
    client.post(link, CHOSEN)
    user.refresh_from_db()
    assert user.check_password(factories.PASSWORD)
    signed = client.post(
        f"{reverse('account_login')}?next={link}", {"login": NEW, "password": factories.PASSWORD, "next": link}
    )
    assert signed.headers["Location"] == link
    assert client.get(link).headers["Location"] == invitation.customer.get_absolute_url()


def test_a_person_already_signed_in_opens_with_one_button(client, link, invitation):
    user = factories.UserFactory(email=NEW)
    client.force_login(user)
    assert client.get(link).status_code == 200
    assert not invitation.customer.permissions_for(user)
    assert client.post(link).headers["Location"] == invitation.customer.get_absolute_url()
    assert invitation.customer.permissions_for(user)


@pytest.mark.parametrize("has_profile", [True, False])
def test_somebody_else_signed_in_opens_nothing(client, link, invitation, ines, has_profile):
    if has_profile:
        factories.UserFactory(email=NEW)
    client.force_login(ines)
    page = client.post(link, CHOSEN).text
    assert "ines@example.org" in page
    assert not invitation.customer.permissions_for(ines)
    assert ActivationRequest.objects.get().used_at is None


# --- asking for a permission ------------------------------------------------------------------


def ask(customer: Customer, permission: str = Permission.VIEW_INVOICES) -> str:
    return reverse("organizations:ask-permission", args=[customer.public_id, permission])


def test_asking_leads_to_a_receipt_that_names_who_was_written_to(client, acme, alice, bob):
    client.force_login(bob)
    page = client.get(ask(acme)).text
    assert "Alice Tremblay" in page
    assert not OutgoingMessage.objects.exists()
    for _click in range(2):
        answer = client.post(ask(acme))
        assert (answer.status_code, answer.headers["Location"]) == (303, ask(acme))
    assert OutgoingMessage.objects.get().recipient == "alice@acme.example"
    receipt = client.get(ask(acme)).text
    assert "Alice Tremblay" in receipt
    assert '<form method="post">' not in receipt


def test_a_stranger_cannot_ask(client, acme, alice, charlie):
    client.force_login(charlie)
    assert client.post(ask(acme)).status_code == 404
    assert not OutgoingMessage.objects.exists()


def test_a_permission_that_does_not_exist_is_not_found(client, acme, bob):
    client.force_login(bob)
    assert client.post(ask(acme, "own_everything")).status_code == 404


def test_asking_for_what_one_has_says_so(client, acme, alice):
    client.force_login(alice)
    assert client.post(ask(acme)).status_code == 422
    assert not OutgoingMessage.objects.exists()


def test_where_nobody_can_grant_the_page_shows_a_human(client, acme, bob, boreal):
    client.force_login(bob)
    page = client.get(ask(acme)).text
    assert boreal.email in page
    assert client.post(ask(acme)).status_code == 422


def test_a_subsidiary_where_nobody_can_grant_asks_the_administrators_of_its_parent(
    client, acme, globex, alice, rita, sam
):
    link = ask_link(parent=acme, customer_number=globex.number, message="", by=alice)
    visitor = factories.UserFactory(email="vera@globex.example")
    factories.MembershipFactory(customer=globex, user=visitor, role=Role.VISITOR)
    OutgoingMessage.objects.all().delete()
    confirm_link(link=link, decision="Vu au registre", by=sam)
    OutgoingMessage.objects.all().delete()
    client.force_login(visitor)
    page = client.get(ask(globex)).text
    assert "Alice Tremblay" in page
    assert "Rita" not in page
    assert client.post(ask(globex)).status_code == 303
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == alice.email
    theirs = Membership.objects.get(user=visitor)
    giving_page = reverse("organizations:permission-grant", args=[globex.public_id, theirs.pk, "view_invoices"])
    assert giving_page in letter.text
    client.force_login(alice)
    assert client.get(giving_page).status_code == 200
    own = factories.UserFactory(first_name="Charlie", last_name="Roy")
    factories.MembershipFactory(customer=globex, user=own, role=Role.ADMINISTRATOR)
    client.force_login(visitor)
    page = client.get(ask(globex)).text
    assert ("Charlie Roy" in page, "Alice Tremblay" in page) == (True, False)


def test_the_door_names_what_is_missing_and_who_can_give_it(client, acme, alice, rita):
    User.objects.filter(pk=rita.pk).update(language="en-ca")
    client.force_login(rita)
    answer = client.get(reverse("billing:invoice-list", args=[acme.public_id]))
    assert answer.status_code == 403
    for words in ("See invoices and balances", "Read and download invoices", "Alice Tremblay", ask(acme)):
        assert words in answer.text


def test_a_link_that_still_works_is_never_written_in_a_log(client, link, caplog):
    assert client.post(link, {}).status_code == 422
    assert link not in caplog.text


def test_the_page_of_a_link_is_in_the_name_of_the_merchant_who_sent_it(client, boreal, riviere, zoe):
    send_activation(customer=factories.CustomerFactory(merchant=riviere, email=NEW), by=zoe)
    link = f"/activate/{token_mailed_to(NEW)}/"
    for _state in ("live", "dead"):
        page = client.get(link).text
        assert riviere.email in page
        assert boreal.email not in page
        ActivationRequest.objects.update(revoked_at=timezone.now())


# --- giving a permission ----------------------------------------------------------------------


def giving(customer: Customer, user: User, permission: str = Permission.VIEW_INVOICES) -> str:
    membership = Membership.objects.get(customer=customer, user=user)
    return reverse("organizations:permission-grant", args=[customer.public_id, membership.pk, permission])


@pytest.fixture
def in_charge(client: StrictClient, alice: User) -> StrictClient:
    """Alice at work, in English."""
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    return client


def test_the_page_that_gives_says_who_asks_for_what(in_charge, acme, bob):
    page = in_charge.get(giving(acme, bob)).text
    for words in (
        "Bob Gagnon",
        "bob@acme.example",
        "Editor",
        "See invoices and balances",
        "Read and download invoices",
    ):
        assert words in page
    assert "as soon as you sign" in page
    assert not acme.grants.exists()


def test_it_is_given_once_signed_and_the_receipt_says_so(in_charge, acme, alice, bob):
    for _click in range(2):
        answer = in_charge.post(giving(acme, bob))
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign/")
    assert not acme.grants.exists()
    sign_batch(Mandate.objects.unsigned().get().batch, alice)
    receipt = in_charge.get(giving(acme, bob)).text
    assert "Bob Gagnon has this permission" in receipt
    assert "Alice Tremblay" in receipt
    assert '<form method="post">' not in receipt
    assert OutgoingMessage.objects.filter(recipient="bob@acme.example").count() == 1
    client = StrictClient()
    client.force_login(bob)
    assert client.get(reverse("billing:invoice-list", args=[acme.public_id])).status_code == 200


def test_nobody_gives_themselves_a_permission(client, acme, alice, bob, charlie):
    client.force_login(bob)
    assert client.post(giving(acme, bob)).status_code == 403
    client.force_login(charlie)
    assert client.post(giving(acme, bob)).status_code == 404
    assert not acme.grants.exists()


def test_a_member_of_another_customer_is_not_found(in_charge, acme, globex, charlie):
    address = giving(globex, charlie).replace(globex.public_id, acme.public_id)
    assert in_charge.get(address).status_code == in_charge.post(address).status_code == 404
    assert not globex.grants.exists()


def test_a_permission_nobody_wrote_cannot_be_given(in_charge, acme, bob):
    assert in_charge.post(giving(acme, bob, "own_everything")).status_code == 404


def test_somebody_who_left_is_given_nothing_and_the_page_says_why(in_charge, acme, bob):
    Membership.objects.filter(user=bob).update(removed_at=timezone.now())
    for answer in (in_charge.get(giving(acme, bob)), in_charge.post(giving(acme, bob))):
        assert "is no longer a member" in answer.text
        assert '<form method="post">' not in answer.text
    assert answer.status_code == 422


def test_a_permission_that_ends_with_the_membership_says_until_when(today, in_charge, acme, bob):
    Membership.objects.filter(user=bob).update(ends_on=timezone.localdate() + timedelta(days=8))
    page = in_charge.get(giving(acme, bob)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "until November 30, 2026" in page


# --- the page that refuses --------------------------------------------------------------------


def test_once_asked_the_refusal_says_when_and_asks_no_more(client, acme, alice, bob):
    bob.language = "en-ca"
    bob.save()
    client.force_login(bob)
    invoices = reverse("billing:invoice-list", args=[acme.public_id])
    before = client.get(invoices).text
    assert "Ask for this permission" in before
    assert "this person can give it to you" in before
    client.post(ask(acme))
    after = client.get(invoices)
    assert after.status_code == 403
    assert "Ask for this permission" not in after.text
    assert "we wrote to" in after.text


def test_several_people_who_can_grant_are_several(client, acme, alice, bob):
    bob.language = "en-ca"
    bob.save()
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    client.force_login(bob)
    page = client.get(reverse("billing:invoice-list", args=[acme.public_id])).text
    assert "these people can give it to you" in page
    client.post(ask(acme))
    assert "as soon as one of them gives it" in client.get(ask(acme)).text


def test_a_person_whose_access_ended_is_told_so_and_not_that_they_are_unknown(client, bob, acme):
    Membership.objects.filter(user=bob).update(removed_at=timezone.now())
    client.force_login(bob)
    page = client.get(reverse("organizations:unrecognized")).content.decode()
    assert "Votre accès est terminé" in page
    assert "Acme Construction inc." in page
    assert "Nous n’avons pas votre courriel" not in page
