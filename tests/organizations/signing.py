"""Mandates prepared and signed as people do, for the tests of what follows."""

from __future__ import annotations

import re

from accounts.models import OutgoingMessage, User
from organizations.models import Customer, Invitation, Mandate, Membership
from organizations.permissions import Permission, Role
from organizations.services.mandates import Invitee, ask_to_sign, prepare_invitations
from organizations.terms import Wish
from signatures.models import SignatureRequest
from signatures.parties import Origin
from signatures.services import signing
from signatures.wordings import CURRENT

AT_HOME = Origin(ip="203.0.113.7", user_agent="Mozilla/5.0")
NEW = "noe@acme.example"


def wished(role: str = Role.VISITOR, *granted: Permission, **edges: object) -> Wish:
    return Wish(role=role, granted=frozenset(granted), **edges)


def invitee(email: str = NEW, **facts: str) -> Invitee:
    return Invitee(**{"first_name": "Noé", "last_name": "Roy", "email": email} | facts)


def prepared(customer: Customer, by: User, *emails: str, wish: Wish | None = None) -> Mandate:
    """The first mandate of a batch that is asked to be signed."""
    people = [(invitee(email), wish or wished()) for email in emails or (NEW,)]
    batch = prepare_invitations(customer=customer, people=people, by=by)
    ask_to_sign(customer=customer, batch=batch, by=by, origin=AT_HOME)
    return Mandate.objects.filter(batch=batch).earliest("pk")


def code_for(request: SignatureRequest, by: User) -> str:
    """The document is opened and a code is sent: this one."""
    signing.hand_over(request=request, language="fr-ca", by=by, origin=AT_HOME)
    signing.send_code(request=request, language="fr-ca", by=by, origin=AT_HOME)
    message = OutgoingMessage.objects.filter(template="signatures/emails/code").latest("pk")
    return re.search(r"\b\d{6}\b", message.text)[0]


def sign(request: SignatureRequest, by: User, code: str = "") -> SignatureRequest:
    """With the code sent before; none given: the whole way."""
    code = code or code_for(request, by)
    return signing.sign(request=request, code=code, consent=CURRENT, by=by, origin=AT_HOME)


def sign_batch(batch: object, by: User) -> None:
    mandate = Mandate.objects.filter(batch=batch).earliest("pk")
    sign(ask_to_sign(customer=mandate.customer, batch=batch, by=by, origin=AT_HOME), by)


def invited(customer: Customer, by: User, email: str = NEW, *, wish: Wish | None = None) -> str:
    """Invite and sign; the token of the link that left."""
    mandate = prepared(customer, by, email, wish=wish)
    sign(mandate.signature, by)
    return token_mailed_to(email)


def token_mailed_to(email: str) -> str:
    letter = OutgoingMessage.objects.filter(recipient=email, template="organizations/emails/invitation").latest("pk")
    return re.search(r"/invitations/([\w-]+)/", letter.text)[1]


def member(user: User) -> Membership:
    return Membership.objects.get(user=user, removed_at=None)


def only_invitation() -> Invitation:
    return Invitation.objects.select_related("message", "mandate").get()
