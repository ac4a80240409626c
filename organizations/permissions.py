"""The whole policy: what a member may do, and which role may do it. Asked by access.requires."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(models.TextChoices):
    """One thing a member may do for one customer; the value is guardian's codename."""

    VIEW_INVOICES = "view_invoices", _("See invoices and balances")
    MANAGE_TEAM = "manage_team", _("Give and withdraw access")
    VIEW_ORGANIZATION = "view_organization", _("See the company’s identity")
    MANAGE_ORGANIZATION = "manage_organization", _("Declare the company’s identity")
    RENT = "rent", _("Rent and reserve")
    PICK_UP = "pick_up", _("Pick up and return")
    INVITE_VISITORS = "invite_visitors", _("Invite visitors")
    VIEW_DOCUMENTS = "view_documents", _("See contracts and schedules")
    FOLLOW_REQUESTS = "follow_requests", _("Follow and submit requests")
    OPERATE_FUNDS = "operate_funds", _("Act on granted funds")
    VIEW_TREASURY = "view_treasury", _("Follow the treasury")
    CHANGE_BANK_DETAILS = "change_bank_details", _("Change bank details")
    REQUEST_BUYOUT = "request_buyout", _("Ask for an early buy-out")
    PLACE_ORDERS = "place_orders", _("Place orders")
    SUBMIT_ORDERS = "submit_orders", _("Send orders for approval")
    APPROVE_ORDERS = "approve_orders", _("Approve orders")
    VIEW_PRICES = "view_prices", _("See prices")

    @property
    def description(self) -> str:
        return str(RIGHTS[self].description)

    @property
    def is_new(self) -> bool:
        return RIGHTS[self].is_new

    @property
    def needs_proof(self) -> bool:
        return RIGHTS[self].needs_proof

    def is_available(self, features: Collection[str]) -> bool:
        """Whether a customer with these contracts and subscriptions can use it at all."""
        return RIGHTS[self].needs is None or RIGHTS[self].needs in features

    @property
    def needs(self) -> str:
        """The contract or subscription without which it is worth nothing, in words; empty: none."""
        needed = RIGHTS[self].needs
        return str(needed.label) if needed else ""


class Feature(models.TextChoices):
    """A kind of contract or a subscription a customer has; agents say which."""

    FINANCING = "financing", _("a financing contract")
    EQUIPMENT = "equipment", _("a lease or long-term rental of equipment")
    TREASURY = "treasury", _("the treasury subscription")


class Right(NamedTuple):
    """What is true of a permission, whoever holds it."""

    description: str | Promise
    is_new: bool = False
    needs_proof: bool = False  # of authority: a document an agent accepts
    needs: Feature | None = None


RIGHTS = {
    Permission.VIEW_INVOICES: Right(
        _("Read and download invoices and credit notes, and see what is due. Worth nothing without “See prices”.")
    ),
    Permission.MANAGE_TEAM: Right(_("Invite people, choose what they may do, and end their access.")),
    Permission.VIEW_ORGANIZATION: Right(_("Read the legal name and the NEQ we have, and whether they are verified.")),
    Permission.MANAGE_ORGANIZATION: Right(
        _("Declare or change the legal name, the NEQ and the administrator, and follow it.")
    ),
    Permission.RENT: Right(_("Rent or reserve equipment in the company’s name, and pick it up.")),
    Permission.PICK_UP: Right(_("Pick up and return what somebody else rented in the company’s name.")),
    Permission.INVITE_VISITORS: Right(_("Invite people who may pick up and return, and nothing else.")),
    Permission.VIEW_DOCUMENTS: Right(_("Read and download contracts and repayment schedules, and ask for duplicates.")),
    Permission.FOLLOW_REQUESTS: Right(
        _("Continue, complete and submit requests others began, and read drafts of documents.")
    ),
    Permission.OPERATE_FUNDS: Right(
        _("Draw down or give up a credit, ask for early repayment and for a settlement statement."),
        is_new=True,
        needs=Feature.FINANCING,
    ),
    Permission.VIEW_TREASURY: Right(
        _("Open the treasury service, with everything the subscription includes."), needs=Feature.TREASURY
    ),
    Permission.CHANGE_BANK_DETAILS: Right(
        _("Change the account we draw from and pay into. Needs a proof of authority."), is_new=True, needs_proof=True
    ),
    Permission.REQUEST_BUYOUT: Right(
        _("Buy leased or rented equipment before the end. Needs a proof of authority."),
        is_new=True,
        needs_proof=True,
        needs=Feature.EQUIPMENT,
    ),
    Permission.PLACE_ORDERS: Right(_("Order in the company’s name, without anybody’s approval.")),
    Permission.SUBMIT_ORDERS: Right(_("Prepare an order and send it to somebody who approves it.")),
    Permission.APPROVE_ORDERS: Right(_("Change, place or refuse the orders others send for approval.")),
    Permission.VIEW_PRICES: Right(
        _("See the price of what is rented or ordered; without it, no amount shows anywhere.")
    ),
}
NEEDING_PROOF = frozenset(permission for permission in Permission if permission.needs_proof)


class Role(models.TextChoices):
    OWNER = "owner", _("Owner or signatory")
    ADMINISTRATOR = "administrator", _("Administrator")
    EDITOR = "editor", _("Editor")
    VISITOR = "visitor", _("Visitor")
    ACCOUNTANT = "accountant", _("Accountant")
    BUYER = "buyer", _("Buyer")
    REQUESTER = "requester", _("Requester")


EVERYTHING = frozenset(Permission) - NEEDING_PROOF
COMPANY_AND_BILLING = frozenset(
    {
        *(Permission.MANAGE_TEAM, Permission.VIEW_ORGANIZATION, Permission.MANAGE_ORGANIZATION),
        *(Permission.VIEW_INVOICES, Permission.VIEW_DOCUMENTS, Permission.OPERATE_FUNDS, Permission.VIEW_TREASURY),
    }
)
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.OWNER: EVERYTHING,
    Role.ADMINISTRATOR: EVERYTHING,
    Role.EDITOR: EVERYTHING - COMPANY_AND_BILLING,
    Role.VISITOR: frozenset({Permission.PICK_UP}),
    Role.ACCOUNTANT: frozenset(
        {Permission.VIEW_INVOICES, Permission.VIEW_ORGANIZATION, Permission.VIEW_DOCUMENTS, Permission.VIEW_PRICES}
    ),
    Role.BUYER: frozenset({Permission.RENT, Permission.PICK_UP, Permission.PLACE_ORDERS, Permission.VIEW_PRICES}),
    Role.REQUESTER: frozenset({Permission.SUBMIT_ORDERS}),  # with prices: VIEW_PRICES is ticked
}

# Who may open a member company's space first: the people entitled to represent it.
OPENING_ROLES = frozenset({Role.OWNER, Role.ADMINISTRATOR})


def permissions_with(*, role: str, granted: Collection[str], features: Collection[str]) -> frozenset[Permission]:
    """The role's permissions and those ticked beyond it, as far as the customer's contracts let them be used."""
    held = ROLE_PERMISSIONS[role] | {Permission(code) for code in granted if code in Permission}
    if Permission.MANAGE_TEAM in held:
        held |= {Permission.INVITE_VISITORS}
    return frozenset(permission for permission in held if permission.is_available(features))
