"""Who may give what to somebody, and within which edges: asked when it is prepared, signed and accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import prefetch_related_objects
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations.access import giver_at, granted_to, permissions_by, through_of
from organizations.models import Customer, Membership
from organizations.permissions import OPENING_ROLES, Permission, Role
from organizations.refusals import Refusal
from organizations.terms import Wish, terms_of

EDGES = {
    "ends_on": _("Last day"),
    "ceiling": _("Most for one transaction"),
    "requires_purchase_order": _("Purchase order"),
    "branches": _("Branches"),
}


class BeyondReach(Refusal):
    sentence: str | Promise = _("You may not give this. Ask an administrator of the company.")


class ChargeLost(BeyondReach):
    sentence: str | Promise = _("You do not manage this company’s access any more: nothing was changed.")


class AdministratorBeyond(BeyondReach):
    sentence: str | Promise = _(
        "%(name)s administers the company: only another administrator changes or ends that access. Nothing was changed."
    )


class RoleBeyond(BeyondReach):
    sentence: str | Promise = _(
        "Only an administrator gives the role “%(role)s”. Choose another one, or ask an administrator."
    )


class VisitorsOnly(BeyondReach):
    sentence: str | Promise = _(
        "You may invite visitors, with nothing beyond that role. Choose it, or ask an administrator."
    )


class BeyondEdges(BeyondReach):
    """Says which edges, by their field, in the order of the form."""

    sentence: str | Promise = _(
        "Who does not administer the company gives no wider limits than their own, and yours are narrower here: "
        "%(words)s. Give the same or less, or ask an administrator."
    )

    def __init__(self, *, edges: frozenset[str]) -> None:
        self.edges = [edge for edge in EDGES if edge in edges]
        super().__init__(words=", ".join(str(EDGES[edge]) for edge in self.edges))


class RightOfNoUse(Refusal):
    sentence: str | Promise = _("“%(permission)s” needs %(needs)s, which this customer does not have.")


def refuse_useless(*, customer: Customer, rights: Iterable[Permission]) -> None:
    """Raise RightOfNoUse for what the customer's contracts and subscriptions do not let be used."""
    for right in rights:
        if not right.is_available(customer.features):
            raise RightOfNoUse(permission=right.label, needs=right.needs)


def refuse_beyond_reach(*, giver: Membership, wish: Wish, had: Wish | None = None) -> None:
    """An administrator gives everything; who manages the team, all but that role; an editor invites visitors.

    But administrators nobody gives wider edges than their own; those somebody `had`, and keeps, are not given.
    """
    if giver.role in OPENING_ROLES:
        return
    held = permissions_by(membership=giver)
    is_visit = wish.role == Role.VISITOR and not wish.beyond_role
    manages = Permission.MANAGE_TEAM in held and wish.role not in OPENING_ROLES
    if not manages and not (is_visit and Permission.INVITE_VISITORS in held):
        raise _why_beyond(wish, held=held)
    own = replace(terms_of(membership=giver), starts_on=None)  # begun: nothing is given before today
    wider = wish.wider_edges(own)
    if had is not None and not wish.gains_over(had):
        wider &= wish.wider_edges(had)
    if wider:
        raise BeyondEdges(edges=wider)


def refuse_administrator(*, giver: Membership | None, membership: Membership) -> None:
    """Raise ChargeLost when the giver no longer manages the team, AdministratorBeyond when it is above them."""
    if giver is None or Permission.MANAGE_TEAM not in permissions_by(membership=giver, customer=membership.customer):
        raise ChargeLost
    if membership.role in OPENING_ROLES and giver.role not in OPENING_ROLES:
        raise AdministratorBeyond(name=str(membership.user or membership.name))


def _why_beyond(wish: Wish, *, held: frozenset[Permission]) -> BeyondReach:
    if Permission.MANAGE_TEAM in held:
        return RoleBeyond(role=Role(wish.role).label)
    return VisitorsOnly() if Permission.INVITE_VISITORS in held else BeyondReach()


def giver_at_present(*, customer: Customer, by: User) -> Membership:
    """By what a person gives access at this customer today, with what was granted to them; raises BeyondReach."""
    giver = giver_at(customer=customer, user=by) if by.is_active else None
    if giver is None:
        raise BeyondReach
    if through_of(giver=giver) is None:
        giver.customer = customer
    # Asked for each person otherwise.
    vars(giver)["granted"] = granted_to(membership=giver)
    if giver.role not in OPENING_ROLES:
        prefetch_related_objects([giver], "branches")
    return giver
