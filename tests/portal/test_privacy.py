"""Nothing of a person stays behind on a shared computer, nor in a log."""

import logging

import pytest
from django.urls import reverse

from portal.privacy import MaskLinks


@pytest.mark.django_db
def test_a_page_of_somebody_signed_in_is_kept_by_no_cache(client, boreal, ines):
    assert "no-store" not in client.get(reverse("portal:landing")).headers.get("Cache-Control", "")
    client.force_login(ines)
    assert client.get(reverse("accounts:profile")).headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "address", ["/activate/secret/", "/accounts/confirm-email/secret/", "/accounts/password/reset/key/1-secret/"]
)
def test_a_live_link_is_not_written_in_a_log(address):
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "Not Found: %s", (address,), None)
    MaskLinks().filter(record)
    assert "secret" not in record.getMessage()
    assert address[:9] in record.getMessage()
