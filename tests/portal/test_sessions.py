"""A cookie we cannot have given is nobody's."""

import pytest
from django.conf import settings
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["\x00" * 32, "a" * 31 + "\x00", "é" * 32, "a" * 9000])
def test_an_impossible_session_key_is_nobody(client, boreal, key):
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert client.get(reverse("account_login")).status_code == 200
    assert client.get(reverse("accounts:profile")).status_code == 302
