"""Merchants and their customers, the people of a customer, and what happened."""

from organizations.models.alerts import RegisterAlert, WatchedEdition
from organizations.models.cases import CounterCase
from organizations.models.companies import Organization
from organizations.models.counter import Card, CounterDecision
from organizations.models.customers import Customer, CustomerQuerySet
from organizations.models.groups import CompanyLink
from organizations.models.history import AuditEvent
from organizations.models.mandates import Invitation, Mandate
from organizations.models.members import Grant, Membership, MembershipQuerySet
from organizations.models.merchants import AgentGrant, Branch, Merchant, MerchantQuerySet
from organizations.models.petitions import JoinRequest, TakeOver
from organizations.models.requests import AccessRequest, ActivationRequest
from organizations.models.reviews import Confirmation, Review
from organizations.models.verifications import Observation, Verification

__all__ = (
    "AccessRequest",
    "ActivationRequest",
    "AgentGrant",
    "AuditEvent",
    "Branch",
    "Card",
    "CompanyLink",
    "Confirmation",
    "CounterCase",
    "CounterDecision",
    "Customer",
    "CustomerQuerySet",
    "Grant",
    "Invitation",
    "JoinRequest",
    "Mandate",
    "Membership",
    "MembershipQuerySet",
    "Merchant",
    "MerchantQuerySet",
    "Observation",
    "Organization",
    "RegisterAlert",
    "Review",
    "TakeOver",
    "Verification",
    "WatchedEdition",
)
