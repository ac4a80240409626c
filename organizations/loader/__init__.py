"""Imports: the merchant's books come in as CSV files, checked line by line, loaded in whole records."""
