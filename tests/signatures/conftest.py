"""Where files of a test are stored, and what the tests of signatures start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from organizations.models import Merchant
from signatures.models import SignatureRequest
from tests.signatures.samples import SMS_URL, asked_of


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    """Where files of this test are stored, and nothing else."""
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    return tmp_path / "files"


@pytest.fixture
def sms(settings) -> None:
    """This installation sends text messages."""
    settings.SMS_URL = SMS_URL


@pytest.fixture
def asked(alice: User, boreal: Merchant) -> SignatureRequest:
    """Alice asks herself, as an administrator who grants a right does."""
    return asked_of(alice, merchant=boreal, in_english=True)
