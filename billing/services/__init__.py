"""What can be done in billing: issue a document, record a payment."""

from billing.services.invoices import LineDraft, document_name, issue_invoice, letterhead_for
from billing.services.payments import record_payment

__all__ = ("LineDraft", "document_name", "issue_invoice", "letterhead_for", "record_payment")
