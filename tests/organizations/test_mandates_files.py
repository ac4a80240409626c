"""The sealed file of a mandate as its administrators download it: archived, accessible, signed, and of one company."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from organizations.models import Customer, Mandate
from organizations.permissions import Permission, Role
from organizations.services.mandates import ask_to_sign, prepare_invitations
from signatures.services.sealing import seal_owed
from tests.judges import judged, text_of
from tests.organizations.signing import AT_HOME, invitee, sign, wished
from tests.signatures.judges import is_valid, status_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mandate(acme: Customer, alice: User) -> Mandate:
    wish = wished(Role.BUYER, Permission.RENT)
    batch = prepare_invitations(customer=acme, people=[(invitee("noe@acme.example"), wish)], by=alice)
    sign(ask_to_sign(customer=acme, batch=batch, by=alice, origin=AT_HOME), alice)
    assert seal_owed() == 1
    return Mandate.objects.get()


@pytest.fixture
def content(mandate: Mandate, client: Client, alice: User) -> bytes:
    client.force_login(alice, backend="accounts.backends.EmailBackend")
    response = client.get(reverse("organizations:mandate-pdf", args=[mandate.customer.public_id, mandate.pk]))
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_it_says_who_may_do_what_on_whose_authority_and_carries_its_evidence(content, acme, alice):
    words = text_of(content)
    for said in ("Noé Roy", "noe@acme.example", acme.name, alice.get_full_name(), "SHA-256"):
        assert said in words


def test_pyhanko_and_poppler_find_it_signed_and_whole_and_one_byte_changed_broken(content, tmp_path: Path):
    status = status_of(content)
    assert (status.bottom_line, status.intact, status.trusted) == (True, True, True)
    changed = bytearray(content)
    changed[len(content) // 3] ^= 1
    assert not is_valid(bytes(changed))
    if shutil.which("pdfsig") is None:
        pytest.skip("no pdfsig: install the package poppler-utils")
    path = tmp_path / "mandate.pdf"
    for file, is_whole in ((content, True), (bytes(changed), False)):
        path.write_bytes(file)
        said = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False).stdout
        assert ("Signature is Valid" in said) is is_whole


def test_it_is_pdf_a_3a_and_pdf_ua_1(content, tmp_path: Path):
    path = tmp_path / "mandate.pdf"
    path.write_bytes(content)
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=[path])
        assert is_good, said
