"""The agents' pages of merchants, customers, people, messages and history."""

from organizations.admin import activations, customers, history, members, merchants, messages

__all__ = ("activations", "customers", "history", "members", "merchants", "messages")
