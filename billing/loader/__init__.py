"""Imports of issued documents and of payments, from the merchant's books."""
