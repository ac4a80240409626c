"""Invitations: the link that leaves once a mandate is signed, and what its holder does with it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, User, normalize_email
from organizations import audit
from organizations.letters import absolute, language_of, write_to
from organizations.models import AuditEvent, Invitation, Mandate, Membership
from organizations.permissions import OPENING_ROLES
from organizations.refusals import Refusal
from organizations.services import recognition
from organizations.services.effects import put_in_effect, where_missing
from organizations.services.mandates import (
    AuthorityLost,
    GivenToOneself,
    lock_customer,
    lock_mandate,
    refuse_lost_authority,
)
from organizations.services.profiles import ProfileInUse, complete_profile, profile_in_use

LASTS = timedelta(days=14)
# A letter sent this recently is the same click, not a new wish.
SAME_CLICK = timedelta(minutes=1)


class InvitationUnknown(Refusal):
    sentence: str | Promise = _("This invitation is incomplete, was replaced, or was never ours")


class InvitationOver(Refusal):
    """An invitation of ours that opens nothing any more; its page says more."""

    def __init__(self, *, invitation: Invitation) -> None:
        super().__init__()
        self.invitation = invitation


class InvitationExpired(InvitationOver):
    sentence: str | Promise = _("This invitation has expired")


class InvitationRevoked(InvitationOver):
    sentence: str | Promise = _("This invitation was withdrawn")


class InvitationAccepted(InvitationOver):
    sentence: str | Promise = _("This invitation was already accepted")


class SomebodyElse(Refusal):
    sentence: str | Promise = _("This invitation was sent to another address than yours.")


class AlreadyIn(Refusal):
    sentence: str | Promise = _(
        "You already have access to this company with this profile. Ask an administrator to change it there."
    )


class NotSigned(Refusal):
    sentence: str | Promise = _("This invitation is not signed yet: nothing can leave before.")


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def send_invitation(*, mandate: Mandate) -> Invitation:
    """Mail a new link, which replaces the one before. Under the customer's lock, once the mandate is signed."""
    token = secrets.token_urlsafe(32)
    customer, now = mandate.customer, timezone.now()
    invitation = Invitation.objects.filter(mandate=mandate).first() or Invitation(mandate=mandate)
    invitation.token_hash, invitation.sent_at, invitation.expires_at = hash_of(token), now, now + LASTS
    invitation.opened_at = None
    invitation.message = write_to(
        merchant=customer.merchant,
        to=mandate.email,
        template="organizations/emails/invitation",
        context={
            "customer": customer,
            "mandate": mandate,
            "invitation": invitation,
            "inviter": mandate.prepared_by,
            "action_url": absolute(reverse("organizations:invitation", args=[token])),
        },
        language=language_of(email=mandate.email, otherwise=mandate.language),
        is_sensitive=True,
    )
    invitation.save()
    return invitation


@transaction.atomic
def resend_invitation(*, mandate: Mandate, by: User) -> Invitation:
    """Send the same invitation again, with fourteen days; the former link stops working. Two clicks are one."""
    lock_customer(pk=mandate.customer_id)
    mandate = lock_mandate(mandate=mandate)
    invitation = Invitation.objects.filter(mandate=mandate).first()
    if invitation is None or mandate.signed_at is None:
        raise NotSigned
    _refuse_over(invitation, is_late_fine=True)
    if invitation.sent_at > timezone.now() - SAME_CLICK:
        return invitation
    return send_invitation(mandate=mandate)


def invitation_of(*, token: str) -> Invitation:
    """The invitation of a link that still works; else the refusal says why. One query."""
    rows = Invitation.objects.select_related(
        "mandate__customer__merchant", "mandate__prepared_by", "mandate__membership"
    )
    invitation = rows.filter(token_hash=hash_of(token)).first()
    if invitation is None:
        raise InvitationUnknown
    _refuse_over(invitation)
    return invitation


def mark_opened(*, token: str) -> None:
    """Its page was opened by a browser: noted once."""
    live = Invitation.objects.open().filter(token_hash=hash_of(token), opened_at=None)
    live.update(opened_at=timezone.now())


def is_theirs(*, invitation: Invitation, user: User) -> bool:
    """Whether this person holds the address it was sent to, or is the member it is about. One query."""
    membership = invitation.mandate.membership
    if membership is not None and membership.user_id is not None:
        return membership.user_id == user.pk
    return invitation.mandate.email in recognition.confirmed_addresses(user=user)


@transaction.atomic
def accept_as_new(*, token: str, password: str, first_name: str, last_name: str, language: str) -> User:
    """Create the person at the address the link proves, and let them in: one transaction, once.

    Raises ProfileInUse when somebody uses that address already: they sign in.
    """
    invitation = _lock(token=token)
    mandate = invitation.mandate
    if mandate.membership is not None and mandate.membership.user_id is not None:
        raise ProfileInUse
    user = complete_profile(
        email=mandate.email,
        password=password,
        first_name=first_name,
        last_name=last_name,
        language=language if language in Language else mandate.language,
    )
    _accept(invitation, user=user)
    return user


@transaction.atomic
def accept_invitation(*, token: str, by: User) -> str:
    """Let in a person who has a profile, signed in as the one invited; says to which page: where they asked, or home.

    Raises SomebodyElse, AlreadyIn, GivenToOneself.
    """
    invitation = _lock(token=token)
    if not is_theirs(invitation=invitation, user=by):
        raise SomebodyElse
    return _accept(invitation, user=by) or invitation.mandate.customer.get_absolute_url()


def known_person(*, invitation: Invitation) -> User | None:
    """The profile that must sign in to accept, when there is one."""
    membership = invitation.mandate.membership
    if membership is not None and membership.user is not None:
        return membership.user
    return profile_in_use(email=invitation.mandate.email)


def _lock(*, token: str) -> Invitation:
    """The invitation of a link that works, its customer, its mandate and itself locked in the order of everything."""
    found = invitation_of(token=token)
    lock_customer(pk=found.mandate.customer_id)
    mandate = lock_mandate(mandate=found.mandate)
    invitation = Invitation.objects.select_for_update(of=("self",)).get(pk=found.pk)
    invitation.mandate = mandate
    if invitation.token_hash != hash_of(token):
        raise InvitationUnknown
    _refuse_over(invitation)
    return invitation


def _refuse_over(invitation: Invitation, *, is_late_fine: bool = False) -> None:
    if invitation.accepted_at is not None:
        raise InvitationAccepted(invitation=invitation)
    if invitation.revoked_at is not None or invitation.mandate.customer.closed_at is not None:
        raise InvitationRevoked(invitation=invitation)
    if invitation.expires_at <= timezone.now() and not is_late_fine:
        raise InvitationExpired(invitation=invitation)


def _accept(invitation: Invitation, *, user: User) -> str:
    """Says where what they receive was missing, if they asked for it."""
    mandate = invitation.mandate
    if user == mandate.prepared_by:  # an address they confirmed since
        raise GivenToOneself
    try:
        refuse_lost_authority(mandate=mandate)
    except AuthorityLost as lost:
        raise InvitationRevoked(invitation=invitation) from lost
    membership = _membership_for(mandate, user=user)
    back = where_missing(mandate=mandate, membership=membership)
    if membership.user_id is None:
        membership.user, membership.linked_at = user, timezone.now()
    put_in_effect(mandate=mandate, membership=membership)
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    if mandate.role in OPENING_ROLES:
        recognition.open_space(customer=mandate.customer, by=user)
    audit.record(
        event=AuditEvent.Event.INVITATION_ACCEPTED,
        customer=mandate.customer,
        by=user,
        mandate=mandate.pk,
        member=membership.pk,
        email=mandate.email,
        role=mandate.role,
    )
    return back


def _membership_for(mandate: Mandate, *, user: User) -> Membership:
    """The row that becomes theirs: the one named, the one on file, one that is over, or a new one."""
    if mandate.membership is not None and mandate.membership.removed_at is None:
        return mandate.membership
    lasting = Membership.objects.filter(customer=mandate.customer, removed_at=None)
    mine = lasting.filter(user=user).first()
    if mine is not None:
        if lasting.active().filter(pk=mine.pk).exists():
            raise AlreadyIn
        return mine
    on_file = lasting.filter(email=normalize_email(mandate.email)).first()
    if on_file is not None and on_file.user_id is None:
        return on_file
    return Membership(
        customer=mandate.customer,
        email=mandate.email if on_file is None else "",  # still on file for another profile, whose row keeps it
        first_name=mandate.first_name or user.first_name,
        last_name=mandate.last_name or user.last_name,
        phone=mandate.phone,
    )
