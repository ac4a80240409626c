"""The whole policy: what a member may do, and which role may do it. Asked by access.requires."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Permission(models.TextChoices):
    """One thing a member may do for one customer; the value is guardian's codename."""

    VIEW_INVOICES = "view_invoices", _("See invoices and balances")
    MANAGE_TEAM = "manage_team", _("Give and withdraw access")
    VIEW_ORGANIZATION = "view_organization", _("See the company’s identity")
    MANAGE_ORGANIZATION = "manage_organization", _("Declare the company’s identity")
    RENT = "rent", _("Rent and reserve")
    PICK_UP = "pick_up", _("Pick up and return")

    @property
    def description(self) -> str:
        return str(DESCRIPTIONS[self])


DESCRIPTIONS = {
    Permission.VIEW_INVOICES: _("Read and download invoices and credit notes, and see what is due."),
    Permission.MANAGE_TEAM: _("Invite people, choose what they may do, and end their access."),
    Permission.VIEW_ORGANIZATION: _("Read the legal name and the NEQ we have, and whether they are verified."),
    Permission.MANAGE_ORGANIZATION: _(
        "Declare or change the legal name, the NEQ and the administrator, and follow it."
    ),
    Permission.RENT: _("Rent or reserve equipment in the company’s name, and pick it up."),
    Permission.PICK_UP: _("Pick up and return what somebody else rented in the company’s name."),
}


class Role(models.TextChoices):
    OWNER = "owner", _("Owner or signatory")
    ADMINISTRATOR = "administrator", _("Administrator")
    EDITOR = "editor", _("Editor")
    VISITOR = "visitor", _("Visitor")
    ACCOUNTANT = "accountant", _("Accountant")
    BUYER = "buyer", _("Buyer")
    REQUESTER = "requester", _("Requester")


ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.EDITOR: frozenset({Permission.RENT, Permission.PICK_UP}),
    Role.VISITOR: frozenset({Permission.PICK_UP}),
    Role.ACCOUNTANT: frozenset({Permission.VIEW_INVOICES, Permission.VIEW_ORGANIZATION}),
    Role.BUYER: frozenset({Permission.RENT, Permission.PICK_UP}),
    Role.REQUESTER: frozenset(),
}

# Who may open a member company's space first: the people entitled to represent it.
OPENING_ROLES = frozenset({Role.OWNER, Role.ADMINISTRATOR})
