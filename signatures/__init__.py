"""Signing any document with a one-time code, and the sealed file that proves it."""
