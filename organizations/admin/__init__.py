"""The agents' pages of merchants, customers, people, messages, signatures and history."""

from organizations.admin import activations, customers, history, members, merchants, messages, signatures

__all__ = ("activations", "customers", "history", "members", "merchants", "messages", "signatures")
