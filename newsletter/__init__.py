"""Newsletters: consent that can be proved, campaigns, leaving."""
