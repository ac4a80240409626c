"""The sealed file: the document first, byte for byte, and a signature that any change breaks."""

from __future__ import annotations

import asyncio
import http.server
import io
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pypdf import PdfReader

from accounts.pdf import engine
from signatures import seal as sealing
from signatures.appending import append_pages
from signatures.seal import seal
from tests.judges import judged, pages_of, text_of
from tests.signatures.judges import is_valid, status_of
from tests.signatures.samples import pdf_of
from tests.signatures.test_papers import blank
from tests.sinks import mute


@pytest.fixture
def document() -> bytes:
    return pdf_of("Autorisation d’accès", language="fr-CA")


@pytest.fixture
def evidence() -> bytes:
    return part_of("Attestation")


def part_of(title: str) -> bytes:
    """A page of ours as the evidence is written: to be appended."""
    html = f'<html lang="fr-CA"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>'
    return engine.render(html=html, stylesheet="signatures/pdf/evidence.css", hue=165, is_part=True)


@pytest.fixture
def sealed(document: bytes, evidence: bytes) -> bytes:
    return seal(document=document, evidence=evidence, reason="Preuve de la signature")


def test_it_begins_with_the_document_and_ends_with_the_evidence(document, sealed):
    assert sealed[: len(document)] == document
    first, second = pages_of(sealed)
    assert "Le titulaire autorise la location" in first
    assert "Attestation" in second


def test_pyhanko_finds_one_signature_over_the_whole_file_and_trusts_it(sealed):
    status = status_of(sealed)
    assert status.bottom_line
    assert (status.intact, status.valid, status.trusted, status.docmdp_ok) == (True, True, True, True)
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.md_algorithm == "sha256"


def test_poppler_finds_it_valid_too(sealed, tmp_path):
    if shutil.which("pdfsig") is None:
        pytest.skip("no pdfsig: install the package poppler-utils")
    path = tmp_path / "sealed.pdf"
    path.write_bytes(sealed)
    said = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    path.write_bytes(flipped(sealed, 200))
    said = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" not in said


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_one_byte_changed_anywhere_is_detected(sealed, document):
    (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
    _start, hole, after, _length = signature.byte_range
    places = [*range(20, len(sealed), len(sealed) // 40), len(document) - 3]
    # Of the room kept for the signature, its last digits alone: the certificates beside it are not signed.
    last = hole + len(sealed[hole : after - 1].rstrip(b"0"))
    places = [at for at in places if not hole <= at < after] + [last - 20]
    assert len(places) > 30
    assert is_valid(sealed)
    assert [at for at in places if is_valid(flipped(sealed, at))] == []


def test_anything_added_afterwards_is_detected(sealed):
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    append_pages(writer=writer, part=PdfFileReader(io.BytesIO(part_of("Avenant"))))
    changed = io.BytesIO()
    writer.write(changed)
    assert changed.getvalue().startswith(sealed)
    assert "Avenant" in text_of(changed.getvalue())
    assert not is_valid(changed.getvalue())


def test_a_cut_file_is_detected(sealed):
    assert [cut for cut in (1, 50, 500, 5000) if is_valid(sealed[:-cut] + b"\n%%EOF\n")] == []


def test_the_sealed_file_is_still_pdf_a_3a_and_pdf_ua_1(sealed, tmp_path: Path):
    path = tmp_path / "sealed.pdf"
    path.write_bytes(sealed)
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=[path])
        assert is_good, said


@pytest.mark.parametrize("pages", [1, 3])
def test_a_document_of_another_program_is_sealed_as_well(evidence, pages):
    content = blank(pages=pages)
    sealed = seal(document=content, evidence=evidence, reason="Preuve")
    assert is_valid(sealed)
    assert sealed.startswith(content)
    assert len(PdfReader(io.BytesIO(sealed)).pages) == pages + 1
    assert "Attestation" in text_of(sealed)


class Authority(NamedTuple):
    url: str
    certificate: Any
    asked: list[bytes]


@pytest.fixture
def authority() -> Iterator[Authority]:
    """A time-stamping authority on this machine: pyHanko's own, behind HTTP as RFC 3161 says."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Heure")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (certificate,) = load_certs_from_pemder_data(made.public_bytes(serialization.Encoding.PEM))
    stamper = DummyTimeStamper(certificate, load_private_key_from_pemder_data(pem, passphrase=None))
    asked: list[bytes] = []

    class Stamp(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = stamper.request_tsa_response(tsp.TimeStampReq.load(asked[-1])).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Stamp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Authority(f"http://127.0.0.1:{server.server_port}/", certificate, asked)
        server.shutdown()
        thread.join()


def test_with_a_time_server_the_moment_is_stamped(document, evidence, authority, settings):
    settings.TIMESTAMP_URL = authority.url
    sealed = seal(document=document, evidence=evidence, reason="Preuve")
    assert authority.asked
    status = status_of(sealed, stamped_by=authority.certificate)
    assert status.bottom_line
    stamp = status.timestamp_validity
    assert (stamp.intact, stamp.valid, stamp.trusted) == (True, True, True)
    assert abs(stamp.timestamp - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_thread_that_runs_an_event_loop_seals_as_well(document, evidence):
    async def within() -> bytes:
        return seal(document=document, evidence=evidence, reason="Preuve")

    with ThreadPoolExecutor(max_workers=1) as apart:
        assert is_valid(apart.submit(asyncio.run, within()).result())


def test_without_a_time_server_there_is_no_stamp(sealed):
    assert status_of(sealed).timestamp_validity is None


def test_a_time_server_that_is_not_there_seals_nothing(document, evidence, settings):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.TIMESTAMP_URL = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    with pytest.raises(TimestampRequestError):
        seal(document=document, evidence=evidence, reason="Preuve")


def test_a_time_server_that_is_silent_is_not_waited_for_long(document, evidence, settings, monkeypatch):
    assert sealing.TIMESTAMP_SECONDS <= 10
    monkeypatch.setattr(sealing, "TIMESTAMP_SECONDS", 0.3)
    with mute() as port:
        settings.TIMESTAMP_URL = f"http://127.0.0.1:{port}/"
        with pytest.raises(TimestampRequestError):
            seal(document=document, evidence=evidence, reason="Preuve")
