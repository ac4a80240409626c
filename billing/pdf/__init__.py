"""Documents as files: tagged, archival, the same bytes for the same document on every machine."""

from billing.pdf.invoice import render_invoice

__all__ = ("render_invoice",)
