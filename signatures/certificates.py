"""The installation's own signature: the certificate SIGNING_CERTIFICATE names, or one made here once for the demo."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

PEM = b"-----BEGIN "
LASTS = timedelta(days=3650)
HOW = (
    "SIGNING_CERTIFICATE is not a key and a certificate we can read. Give the path of a .pem or .p12 file, the text of"
    " a PEM, or a PKCS #12 in base64; its password, if it has one, in SIGNING_CERTIFICATE_PASSWORD."
)


def signer() -> SimpleSigner:
    """The key and the certificate that seal; read once a process. Raises ImproperlyConfigured."""
    if settings.SIGNING_CERTIFICATE:
        return _signer(settings.SIGNING_CERTIFICATE, settings.SIGNING_CERTIFICATE_PASSWORD)
    return _signer(str(made_here()), "")


def made_here() -> Path:
    """The file of our own certificate, made the first time; two processes at once keep the same one."""
    path = Path(settings.VAR_DIR) / "signing.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_bytes(_self_signed())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its certificate is the one
        finally:
            draft.unlink()
    return path


def _self_signed() -> bytes:
    """A key and a certificate nobody else vouches for, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Comptoir, self-signed")])
    now = timezone.now()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _as_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


@lru_cache(maxsize=4)
def _signer(setting: str, password: str) -> SimpleSigner:
    secret = password.encode() or None
    try:
        content = _content(setting)
        if PEM in content:
            return _of_pem(content, secret)
        found = SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=secret)
    except (OSError, ValueError, TypeError, binascii.Error) as trouble:
        raise ImproperlyConfigured(HOW) from trouble
    if found is None:
        raise ImproperlyConfigured(HOW)
    return found


def _content(setting: str) -> bytes:
    """The bytes a setting stands for; a PEM given in one line has its line breaks written \\n."""
    if setting.startswith(PEM.decode()):
        return setting.replace("\\n", "\n").encode()
    if Path(setting).is_file():
        return Path(setting).read_bytes()
    return base64.b64decode(setting, validate=True)


def _of_pem(content: bytes, password: bytes | None) -> SimpleSigner:
    """The key, its certificate, and those that vouch for it, of one file in any order."""
    key = serialization.load_pem_private_key(content, password=password)
    certificates = x509.load_pem_x509_certificates(content)
    ours = [one for one in certificates if one.public_key() == key.public_key()]
    if not ours:
        raise ValueError("no certificate of this key")
    ordered = [ours[0], *(one for one in certificates if one != ours[0])]
    chain = [*load_certs_from_pemder_data(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in ordered))]
    return SimpleSigner(
        signing_cert=chain[0],
        signing_key=load_private_key_from_pemder_data(_as_pem(key), passphrase=None),
        cert_registry=SimpleCertificateStore.from_certs(chain[1:]),
    )


def _as_pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
