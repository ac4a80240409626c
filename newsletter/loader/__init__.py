"""Importing subscribers with the evidence of their consent."""
