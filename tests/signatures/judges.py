"""The judge of a sealed file: the validation that `pyhanko sign validate` runs, with our certificate as the root."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from signatures import certificates


def status_of(content: bytes, *, stamped_by: Any = None) -> PdfSignatureStatus:
    """What pyHanko says of the only signature of a file. In a thread of its own: Playwright keeps a loop in ours."""
    with ThreadPoolExecutor(max_workers=1) as apart:
        return apart.submit(_status_of, content, stamped_by).result()


def _status_of(content: bytes, stamped_by: Any) -> PdfSignatureStatus:
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    trusted = ValidationContext(trust_roots=[certificates.signer().signing_cert])
    stampers = ValidationContext(trust_roots=[stamped_by]) if stamped_by is not None else None
    return validate_pdf_signature(signature, trusted, ts_validation_context=stampers)


def is_valid(content: bytes) -> bool:
    """Whether it accepts the file: whole, unchanged, trusted."""
    try:
        return status_of(content).bottom_line
    except Exception:  # noqa: BLE001 - a broken file makes a parser stumble over anything, which is a no
        return False
