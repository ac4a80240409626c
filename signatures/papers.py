"""What can be signed: a PDF that opens, is nobody's secret, bears no signature yet and is not too heavy."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.refusals import Refusal
from signatures.models import Document

LARGEST = 20 * 1024 * 1024  # bytes


class DocumentRefused(Refusal):
    """The file cannot be signed as it is."""


class DocumentUnreadable(DocumentRefused):
    sentence: str | Promise = _("This file is not a PDF that can be opened.")


class DocumentProtected(DocumentRefused):
    sentence: str | Promise = _("This PDF is protected by a password: remove it first.")


class DocumentSignedAlready(DocumentRefused):
    sentence: str | Promise = _("This PDF bears a digital signature already, which adding another would break.")


class DocumentTooLarge(DocumentRefused):
    sentence: str | Promise = _("This PDF is too large to be signed: 20 megabytes at most.")


def keep(*, content: bytes) -> Document:
    """The row of these bytes, one however often they come; raises DocumentRefused for what could not be sealed."""
    if len(content) > LARGEST:
        raise DocumentTooLarge
    digest = hashlib.sha256(content).hexdigest()
    known = Document.objects.filter(sha256=digest).defer("content").first()
    if known is not None:
        return known
    fields = {"content": content, "size": len(content), "page_count": page_count(content=content)}
    return Document.objects.get_or_create(sha256=digest, defaults=fields)[0]


class _Read(NamedTuple):
    is_encrypted: bool
    is_signed: bool
    page_count: int


def page_count(*, content: bytes) -> int:
    """How many pages it has; raises DocumentRefused."""
    try:
        read = _read(content)
    except Exception as trouble:  # in a file that is none, or is broken, a parser stumbles over anything
        raise DocumentUnreadable from trouble
    if read.is_encrypted:
        raise DocumentProtected
    if read.is_signed:
        raise DocumentSignedAlready
    if read.page_count < 1:
        raise DocumentUnreadable
    return read.page_count


def _read(content: bytes) -> _Read:
    # Half a second to load: whoever never asks for a signature does not pay for it.
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - see above

    reader = PdfFileReader(BytesIO(content))
    if reader.encrypted:
        return _Read(is_encrypted=True, is_signed=False, page_count=0)
    signatures = list(reader.embedded_signatures)
    return _Read(is_encrypted=False, is_signed=bool(signatures), page_count=int(reader.root["/Pages"]["/Count"]))
