"""Mandates: the signed increase of somebody's rights; and the invitation by which a new person accepts theirs."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Language, OutgoingMessage
from organizations.models.customers import Customer
from organizations.models.groups import CompanyLink
from organizations.models.members import Membership
from organizations.models.merchants import Branch
from organizations.models.terms import TERMS_CONSTRAINTS, Terms
from organizations.permissions import NEEDING_PROOF, Permission
from signatures.models import SignatureRequest


class MandateQuerySet(models.QuerySet["Mandate"]):
    def unsigned(self) -> MandateQuerySet:
        return self.filter(signed_at=None, ended_at=None)

    def live(self) -> MandateQuerySet:
        """Neither given up, nor ended, nor replaced by a later one."""
        return self.filter(ended_at=None)

    def in_force(self, *, on: date) -> MandateQuerySet:
        """What authorised people on that day: signed and in effect by its end, not ended before it."""
        begins = timezone.make_aware(datetime.combine(on, time.min))
        return self.filter(
            Q(ended_at=None) | Q(ended_at__gte=begins),
            Q(starts_on=None) | Q(starts_on__lte=on),
            Q(ends_on=None) | Q(ends_on__gte=on),
            effective_at__lt=begins + timedelta(days=1),
        )

    def proved(self) -> MandateQuerySet:
        """With a proof of authority an agent accepted."""
        return self.filter(proof_decided_at__isnull=False, proof_refusal="").exclude(proof="")

    def opened_by(self, *, member: Membership) -> MandateQuerySet:
        """What this member prepared or sent and nobody accepted yet: here on their own authority, and at subsidiaries.

        It ends with them.
        """
        here = Q(customer=member.customer_id, through=None)
        below = Q(through__parent=member.customer_id)
        return self.live().filter(here | below, prepared_by=member.user_id, effective_at=None)

    def after(self, *, place: Mandate | None) -> MandateQuerySet:
        """By name, those that come after one; from the first when there is none."""
        rows = self.order_by("last_name", "first_name", "pk")
        if place is None:
            return rows
        by_name = Tuple(F("last_name"), F("first_name"), F("pk"))
        return rows.filter(TupleGreaterThan(by_name, (place.last_name, place.first_name, place.pk)))

    def proof_waiting(self) -> MandateQuerySet:
        """Signed, with a proof of authority nobody looked at yet."""
        return self.filter(proof_decided_at=None, signed_at__isnull=False, ended_at=None).exclude(proof="")


class Mandate(Terms):
    """Who may do what, within which edges, on whose authority: the whole of a person's access once it is in effect."""

    class FileState(enum.StrEnum):
        READY = enum.auto()
        OWED = enum.auto()
        GIVEN_UP = enum.auto()  # tried until trying again helps nobody: a person looks

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="mandates")
    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="mandates",
        help_text=_("Empty until the person comes in."),
    )  # fmt: skip
    batch = models.UUIDField(default=uuid.uuid4, editable=False, help_text=_("Those signed together."))
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    email = models.EmailField(_("e-mail"), blank=True, help_text=_("Empty: for the counter only."))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.FRENCH)
    granted = ArrayField(
        models.CharField(max_length=40, choices=Permission), default=list, blank=True, verbose_name=_("granted access")
    )
    branches = models.ManyToManyField(Branch, blank=True, related_name="+", verbose_name=_("branches"))
    signature = models.ForeignKey(
        SignatureRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("signature")
    )
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("on the authority of")
    )
    through = models.ForeignKey(
        CompanyLink, on_delete=models.PROTECT, null=True, blank=True, related_name="mandates",
        verbose_name=_("as administrator of the parent company"),
    )  # fmt: skip
    prepared_at = models.DateTimeField(_("prepared"), default=timezone.now, editable=False)
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True, editable=False)
    effective_at = models.DateTimeField(_("in effect"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    proof = models.FileField(_("proof of authority"), max_length=200, blank=True)
    proof_decided_at = models.DateTimeField(_("proof decided"), null=True, blank=True, editable=False)
    proof_decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    proof_refusal = models.TextField(_("why the proof was refused"), blank=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates")
        constraints = [
            *TERMS_CONSTRAINTS,
            models.CheckConstraint(condition=Q(email=Lower(Trim("email"))), name="mandate_email_normalized"),
            models.CheckConstraint(
                condition=Q(effective_at=None) | Q(signed_at__isnull=False), name="mandate_effective_once_signed"
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None) | Q(signature__isnull=False), name="mandate_signed_by_a_signature"
            ),
            models.CheckConstraint(
                condition=Q(effective_at=None) | Q(membership__isnull=False), name="mandate_effective_for_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(granted__overlap=sorted(NEEDING_PROOF)) | ~Q(proof=""), name="mandate_proof_is_there"
            ),
            models.CheckConstraint(
                condition=Q(proof_decided_at=None, proof_decided_by=None, proof_refusal="")
                | Q(proof_decided_at__isnull=False, proof_decided_by__isnull=False),
                name="mandate_proof_decision_is_whole",
            ),
            models.UniqueConstraint(
                fields=["customer", "email"],
                condition=Q(effective_at=None, ended_at=None, membership=None) & ~Q(email=""),
                name="mandate_one_waiting_a_person",
            ),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(effective_at=None, ended_at=None),
                name="mandate_one_waiting_a_member",
            ),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(effective_at__isnull=False, ended_at=None),
                name="mandate_one_in_force_a_member",
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], name="mandate_batch"),
            models.Index(fields=["customer", "-id"], name="mandate_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {self.customer}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def file_state(self) -> FileState | None:
        """Where its signed file stands; none before the signature. Reads `signature` and its seal."""
        if self.signed_at is None or self.signature is None:
            return None
        seal = self.signature.seal
        if seal.sealed_at is not None:
            return self.FileState.READY
        return self.FileState.OWED if seal.due_at is not None else self.FileState.GIVEN_UP

    @property
    def is_proved(self) -> bool:
        return self.proof_decided_at is not None and not self.proof_refusal


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Waiting for their person, whether or not it is too late."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """A link that lets one person accept one mandate. Only the hash of its token is kept."""

    class State(models.TextChoices):
        SENT = "sent", pgettext_lazy("invitation", "Sent")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Not delivered")
        OPENED = "opened", pgettext_lazy("invitation", "Opened")
        ACCEPTED = "accepted", _("Accepted")
        EXPIRED = "expired", pgettext_lazy("invitation", "Expired")
        REVOKED = "revoked", _("Revoked")

    mandate = models.OneToOneField(Mandate, on_delete=models.PROTECT, related_name="invitation")
    token_hash = models.CharField(max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the token."))
    message = models.ForeignKey(
        OutgoingMessage, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("message")
    )
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_accepted_or_revoked"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(self.mandate)

    @property
    def state(self) -> State:
        """Where it stands. Reads `message`: select it with the rows."""
        by_hand = [
            (self.accepted_at, self.State.ACCEPTED),
            (self.revoked_at, self.State.REVOKED),
            (self.expires_at <= timezone.now(), self.State.EXPIRED),
            (self.opened_at, self.State.OPENED),
        ]
        return next((state for is_so, state in by_hand if is_so), self._state_of_mail())

    def _state_of_mail(self) -> State:
        """Delivered only where the mail service said so: a server that took it may still return it."""
        if self.message is None:
            return self.State.SENT
        if self.message.returned_at or self.message.status == OutgoingMessage.Status.FAILED:
            return self.State.FAILED
        return self.State.DELIVERED if self.message.delivered_at else self.State.SENT
