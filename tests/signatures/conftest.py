"""What the tests of signatures start from."""

from __future__ import annotations

import pytest

from accounts.models import User
from organizations.models import Merchant
from signatures.models import SignatureRequest
from tests.signatures.samples import SMS_URL, asked_of


@pytest.fixture
def sms(settings) -> None:
    """This installation sends text messages."""
    settings.SMS_URL = SMS_URL


@pytest.fixture
def asked(alice: User, boreal: Merchant) -> SignatureRequest:
    """Alice asks herself, as an administrator who grants a right does."""
    return asked_of(alice, merchant=boreal, in_english=True)
