"""What the installation signs with: any usual form of a key and its certificate, else one made here once."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured

from signatures import certificates
from signatures.seal import seal
from tests.judges import ROOT
from tests.signatures.judges import is_valid
from tests.signatures.samples import pdf_of
from tests.signatures.test_seal import part_of

PASSWORD = "très secret"


def certificate_of(key: object, *, name: str, by: tuple[object, str] | None = None) -> x509.Certificate:
    """A certificate of this key, vouched for by another key or by itself."""
    signing, issuer = by or (key, name)
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(signing, hashes.SHA256())
    )


def pem_of(key: object, *certificates_: x509.Certificate, password: str = "") -> str:
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    return b"".join([private, *(one.public_bytes(serialization.Encoding.PEM) for one in certificates_)]).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    return certificate_of(key, name="Location Boréal inc.")


def subject() -> str:
    return certificates.signer().signing_cert.subject.native["common_name"]


@pytest.mark.parametrize("form", ["pem file", "pem text", "pem in one line", "p12 file", "p12 in base64"])
@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "with a password"])
def test_each_usual_form_seals(form, password, key, certificate, settings, tmp_path: Path):
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    packed = pkcs12.serialize_key_and_certificates(b"boreal", key, certificate, None, hidden)
    text = pem_of(key, certificate, password=password)
    (tmp_path / "boreal.pem").write_text(text)
    (tmp_path / "boreal.p12").write_bytes(packed)
    settings.SIGNING_CERTIFICATE = {
        "pem file": str(tmp_path / "boreal.pem"),
        "pem text": text,
        "pem in one line": text.replace("\n", "\\n"),
        "p12 file": str(tmp_path / "boreal.p12"),
        "p12 in base64": base64.b64encode(packed).decode(),
    }[form]
    settings.SIGNING_CERTIFICATE_PASSWORD = password
    assert subject() == "Location Boréal inc."
    assert is_valid(seal(document=pdf_of("Contrat"), evidence=part_of("Attestation"), reason="Preuve"))


def test_those_who_vouch_for_it_go_into_the_file_whatever_their_order(key, settings):
    authority = ec.generate_private_key(ec.SECP256R1())
    root = certificate_of(authority, name="Autorité")
    ours = certificate_of(key, name="Location Boréal inc.", by=(authority, "Autorité"))
    settings.SIGNING_CERTIFICATE = pem_of(key, root, ours)
    assert subject() == "Location Boréal inc."
    held = {one.subject.native["common_name"] for one in certificates.signer().cert_registry}
    assert held == {"Autorité"}


def test_what_is_not_a_key_and_its_certificate_says_what_to_give(key, certificate, settings, tmp_path):
    stranger = certificate_of(ec.generate_private_key(ec.SECP256R1()), name="Autre")
    (tmp_path / "empty.pem").write_text("")
    for setting in (
        "/nowhere/boreal.pem",
        str(tmp_path / "empty.pem"),
        "n’importe quoi",
        base64.b64encode(b"rien").decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        pem_of(key),
        pem_of(key, stranger),
        pem_of(key, certificate, password="un autre"),
    ):
        settings.SIGNING_CERTIFICATE = setting
        settings.SIGNING_CERTIFICATE_PASSWORD = PASSWORD if "ENCRYPTED" in setting else ""
        with pytest.raises(ImproperlyConfigured, match="SIGNING_CERTIFICATE"):
            certificates.signer()


def test_without_a_certificate_one_is_made_once_for_this_account_alone(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    first = certificates.made_here()
    content = first.read_bytes()
    assert certificates.made_here() == first
    assert first.read_bytes() == content
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert [path.name for path in first.parent.iterdir()] == ["signing.pem"]
    assert "self-signed" in subject()


MAKE = """
import django; django.setup()
from signatures import certificates
print(certificates.signer().signing_cert.serial_number)
"""


def test_processes_that_start_together_share_one(tmp_path):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings", "VAR_DIR": str(tmp_path)}
    environment |= {"SECRET_KEY": "tests-only"}
    started = [
        subprocess.Popen([sys.executable, "-c", MAKE], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    serials = {process.communicate(timeout=120)[0].strip() for process in started}
    assert len(serials) == 1
    assert serials.pop().isdigit()
