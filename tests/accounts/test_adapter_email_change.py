"""Changing one's sign-in address: a link to the new one, and nobody learns who else has a profile."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from accounts.models import OutgoingMessage
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def ask(client, person, address, action="action_add"):
    client.force_login(person)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client.post(reverse("account_email"), {"email": address, action: ""})


def words(page):
    return page.content.decode()


def test_an_address_somebody_else_has_is_told_so_and_receives_no_link(client, ines, alice):
    ask(client, ines, alice.email)
    message = OutgoingMessage.objects.get(recipient=alice.email)
    assert message.template == "account/email/account_already_exists"
    assert "confirm-email" not in message.text


def test_the_page_is_the_same_whether_or_not_somebody_has_the_address(client, ines, alice):
    ask(client, ines, alice.email)
    taken = words(client.get(reverse("account_email")))
    ask(client, ines, "nobody@example.org")
    free = words(client.get(reverse("account_email")))
    assert alice.email in taken
    assert "nobody@example.org" in free
    assert taken.count("<button") == free.count("<button")


def test_sending_again_writes_to_the_owner_of_the_address_too(client, ines, alice):
    EmailAddress.objects.create(user=ines, email=alice.email)
    ask(client, ines, alice.email, action="action_send")
    assert OutgoingMessage.objects.get(recipient=alice.email).template == "account/email/account_already_exists"


def test_a_free_address_still_receives_its_link(client, ines):
    ask(client, ines, "nobody@example.org")
    assert "confirm-email" in OutgoingMessage.objects.get(recipient="nobody@example.org").text
