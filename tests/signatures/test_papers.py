"""What can be signed: any PDF that opens, and nothing whose seal would be worth nothing."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from signatures import papers
from signatures.models import Document
from signatures.seal import seal
from tests.signatures.samples import FRENCH, pdf_of

pytestmark = pytest.mark.django_db


def blank(*, pages: int = 1, password: str = "") -> bytes:
    """A PDF of another program: no tags, no fonts."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=612, height=792)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def test_a_pdf_of_another_program_is_kept_byte_for_byte():
    content = blank(pages=3)
    document = papers.keep(content=content)
    document.refresh_from_db()
    assert bytes(document.content) == content
    assert (document.page_count, document.size) == (3, len(content))
    assert document.sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_bytes_are_one_row():
    assert papers.keep(content=blank()) == papers.keep(content=blank())
    assert Document.objects.count() == 1


def test_a_file_behind_a_password_is_refused():
    with pytest.raises(papers.DocumentProtected):
        papers.keep(content=blank(password="secret"))


def test_a_file_that_is_signed_already_is_refused():
    document = pdf_of(*FRENCH[:1], language=FRENCH[1])
    sealed = seal(document=document, evidence=document, reason="")
    with pytest.raises(papers.DocumentSignedAlready):
        papers.keep(content=sealed)


@pytest.mark.parametrize("pages", [0])
def test_a_file_without_a_page_is_refused(pages):
    with pytest.raises(papers.DocumentUnreadable):
        papers.keep(content=blank(pages=pages))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 600), byte=st.integers(0, 255))
def test_a_broken_file_is_refused_politely_or_opens(at, byte):
    whole = blank(pages=2)
    at %= len(whole)
    broken = whole[:at] + bytes([byte]) + whole[at + 1 :]
    with suppress(papers.DocumentRefused):
        assert papers.keep(content=broken).page_count >= 1


@pytest.mark.parametrize("cut", [1, 10, 200, 2000])
def test_a_file_cut_anywhere_is_refused_or_opens(cut):
    whole = blank(pages=2)
    try:
        document = papers.keep(content=whole[:-cut])
    except papers.DocumentUnreadable:
        assert not Document.objects.exists()
    else:
        assert document.page_count == 2
