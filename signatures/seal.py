"""The sealed file: the document as signed, its evidence after it, and the installation's PAdES signature over both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from django.conf import settings
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper

from signatures import certificates
from signatures.appending import append_pages

FIELD = "Seal"
TIMESTAMP_SECONDS = 10


def seal(*, document: bytes, evidence: bytes, reason: str) -> bytes:
    """One PDF that begins with the document byte for byte and allows no change (ETSI EN 319 142-1, B-B; with a time
    stamp, B-T). Raises what keeps it from being made: a certificate we cannot read, a time server that is silent.
    """
    writer = IncrementalPdfFileWriter(BytesIO(document))
    append_pages(writer=writer, part=PdfFileReader(BytesIO(evidence)))
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason,
    )
    stamper = None
    if settings.TIMESTAMP_URL:
        stamper = RequestsHTTPTimeStamper(settings.TIMESTAMP_URL, timeout=TIMESTAMP_SECONDS)
    signer = PdfSigner(metadata, signer=certificates.signer(), timestamper=stamper)
    # pyHanko runs an event loop, which a thread that has one already refuses: it gets a thread of its own.
    with ThreadPoolExecutor(max_workers=1) as apart:
        return apart.submit(signer.sign_pdf, writer).result().getvalue()
