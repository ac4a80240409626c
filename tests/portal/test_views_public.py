"""Pages anybody may read, asked for or only asked whether they are there; and the one for what is not there."""

import pytest
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/healthz", "/readyz"])
def test_asking_whether_a_page_is_there_needs_no_page(client, boreal, address):
    answer = client.head(address)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_page_that_is_not_there_keeps_the_name_and_menu_of_the_person(client, alice, acme):
    client.force_login(alice)
    for lost in ("/nowhere/", f"{acme.get_absolute_url()}invoices/none/"):
        page = client.get(lost)
        assert page.status_code == 404
        assert "Alice Tremblay" in page.content.decode()
        assert reverse("account_logout") in page.content.decode()


def test_a_stranger_lost_at_a_customer_s_page_reads_nothing_of_it(client, charlie, acme):
    client.force_login(charlie)
    page = client.get(acme.get_absolute_url())
    assert page.status_code == 404
    assert "Charlie Roy" in page.content.decode()
    assert acme.name not in page.content.decode()


def test_a_page_that_is_not_there_is_public_to_a_visitor(client, boreal):
    page = client.get("/nowhere/")
    assert page.status_code == 404
    assert reverse("account_logout") not in page.content.decode()
