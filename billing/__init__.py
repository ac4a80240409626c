"""Invoices, payments, and the PDF of a document."""
