"""The agents' pages of merchants, customers, people, messages, signatures and history, and the companies to verify."""

from organizations.admin import (
    activations,
    alerts,
    counter,
    customers,
    groups,
    history,
    members,
    merchants,
    messages,
    petitions,
    signatures,
    verifications,
)

__all__ = (
    "activations",
    "alerts",
    "counter",
    "customers",
    "groups",
    "history",
    "members",
    "merchants",
    "messages",
    "petitions",
    "signatures",
    "verifications",
)
