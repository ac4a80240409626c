"""The addresses a merchant may write to, and where each stands today; the proofs are in consents."""

from __future__ import annotations

import uuid
from datetime import datetime

import pgtrigger
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from newsletter.models.topics import Topic
from organizations.models import Merchant


def never_emptied() -> pgtrigger.Trigger:
    """No TRUNCATE, unless the session itself says that it may: what empties a database of tests or measurements."""
    return pgtrigger.Trigger(
        name="never_emptied",
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func="RAISE EXCEPTION 'Cannot empty %', TG_TABLE_NAME;",
        condition=pgtrigger.Condition("current_setting('comptoir.may_empty', true) IS DISTINCT FROM 'on'"),
    )


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def without_refusal(self) -> SubscriberQuerySet:
        """Who has not said no to every topic: a purchase may still imply a consent of theirs."""
        refused = Subscription.objects.filter(
            subscriber=OuterRef(OuterRef("pk")), topic=OuterRef("pk"), left_at__isnull=False
        )
        return self.filter(Exists(Topic.objects.filter(~Exists(refused), merchant=OuterRef("merchant"))))


class Subscriber(models.Model):
    """An address known to one merchant's newsletter."""

    class Suppression(models.TextChoices):
        BOUNCE = "bounce", _("Hard bounce")
        COMPLAINT = "complaint", _("Complaint")

    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="subscribers", verbose_name=_("merchant"), db_index=False
    )
    email = models.EmailField(_("e-mail address"), max_length=254)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.FRENCH)
    key = models.UUIDField(default=uuid.uuid4, editable=False, help_text=_("Makes the links of this person; for good."))
    soft_bounces = models.PositiveSmallIntegerField(
        _("soft bounces"), default=0, help_text=_("In a row; enough of them suppress the address.")
    )
    suppressed_at = models.DateTimeField(
        _("suppressed"), null=True, blank=True, help_text=_("No campaign leaves for it; service mail does.")
    )
    suppressed_for = models.CharField(_("reason"), max_length=9, choices=Suppression, blank=True)
    measured_at = models.DateTimeField(
        _("agreed to be measured"),
        null=True,
        editable=False,
        help_text=_("Openings and clicks are kept since; written by the ledger alone, empty without a consent."),
    )
    created_at = models.DateTimeField(_("known since"), default=timezone.now, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "email"], name="subscriber_unique"),
            models.UniqueConstraint(fields=["key"], name="subscriber_key_unique"),
            models.CheckConstraint(condition=Q(email=Lower(Trim("email"))), name="subscriber_email_normalized"),
            models.CheckConstraint(
                condition=Q(suppressed_at=None, suppressed_for="")
                | (Q(suppressed_at__isnull=False) & ~Q(suppressed_for="")),
                name="subscriber_suppression_has_reason",
            ),
        ]
        triggers = [
            # The ledger names people by this row.
            pgtrigger.ReadOnly(name="address_is_final", fields=["email", "merchant", "key"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="measured_by_the_ledger",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.measured_at IS DISTINCT FROM NEW.measured_at AND pg_trigger_depth() = 0"
                ),
            ),
            pgtrigger.Protect(
                name="never_born_measured",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.measured_at IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return self.email


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def active(self, *, at: datetime | None = None) -> SubscriptionQuerySet:
        """Consent in force: express, or implied and not expired; whoever left is not here."""
        consent = Q(express_at__isnull=False) | Q(implied_until__gt=at or timezone.now())
        return self.filter(consent, left_at=None)


class Subscription(models.Model):
    """Where one address stands with one topic: what the ledger says, kept by the database alone."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="subscriptions", db_index=False)
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="subscriptions", db_index=False)
    express_at = models.DateTimeField(_("express consent"), null=True)
    implied_until = models.DateTimeField(_("implied consent until"), null=True)
    left_at = models.DateTimeField(_("left"), null=True, help_text=_("Only a new express consent ends it."))

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "topic"], name="subscription_unique"),
        ]
        indexes = [
            models.Index(
                fields=["topic", "subscriber"],
                include=["express_at", "implied_until"],
                condition=Q(left_at=None),
                name="subscription_audience",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="kept_by_the_ledger",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
            ),
            never_emptied(),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} · {self.topic}"

    @property
    def is_active(self) -> bool:
        has_implied = self.implied_until is not None and self.implied_until > timezone.now()
        return self.left_at is None and (self.express_at is not None or has_implied)
