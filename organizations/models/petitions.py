"""What people ask of a company: to join it, or to take it over when its administrators are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer
from organizations.models.merchants import Merchant

if TYPE_CHECKING:
    from accounts.models import User


class JoinRequestQuerySet(models.QuerySet["JoinRequest"]):
    def asked_by(self, user: User) -> JoinRequestQuerySet:
        """The last time for each number, the latest first: the same whether anybody ever answers."""
        numbers = self.filter(user=user).order_by("merchant", "customer_number", "-asked_at", "-pk")
        last = numbers.distinct("merchant", "customer_number")
        return self.filter(pk__in=last.values("pk")).order_by("-asked_at", "-pk")


class JoinRequest(models.Model):
    """Somebody asks to join the company of a number; the same row whether or not there is one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="join_requests")
    customer_number = models.CharField(_("customer number"), max_length=40)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="join_requests", help_text=_("Never shown to them.")
    )
    message = models.TextField(_("message"), max_length=500, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    is_accepted = models.BooleanField(_("accepted"), null=True, editable=False)

    objects = JoinRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, is_accepted=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False, is_accepted__isnull=False),
                name="join_request_decision_is_whole",
            ),
            models.UniqueConstraint(
                fields=["merchant", "user", "customer_number"],
                condition=Q(decided_at=None),
                name="join_request_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "id"], condition=Q(decided_at=None), name="join_request_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.customer_number}"


class TakeOverQuerySet(models.QuerySet["TakeOver"]):
    def open(self) -> TakeOverQuerySet:
        return self.filter(decided_at=None, opposed_at=None, withdrawn_at=None)

    def ripe(self) -> TakeOverQuerySet:
        """Nobody opposed it in time: an agent may decide."""
        return self.open().filter(decidable_at__lte=timezone.now())

    def for_agent(self, user: User) -> TakeOverQuerySet:
        return self.filter(customer__merchant__in=Merchant.objects.for_agent(user))


class TakeOver(models.Model):
    """A member asks to administer a company whose administrators are gone; everybody is told, and an agent decides."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="take_overs")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    reason = models.TextField(_("reason"), max_length=1000)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    decidable_at = models.DateTimeField(_("decided from"), help_text=_("Until then any administrator may oppose it."))
    opposed_at = models.DateTimeField(_("opposed"), null=True, blank=True, editable=False)
    opposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("opposed by"),
    )
    withdrawn_at = models.DateTimeField(
        _("withdrawn"), null=True, blank=True, editable=False, help_text=_("Whoever asked has left since.")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    is_accepted = models.BooleanField(_("accepted"), null=True, editable=False)
    decision = models.TextField(_("what was verified, or why not"), blank=True)

    objects = TakeOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("take-over")
        verbose_name_plural = _("take-overs")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(decided_at=None, opposed_at=None, withdrawn_at=None),
                name="take_over_one_open",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(opposed_at=None, decided_at=None), name="take_over_ends_one_way"
            ),
            models.CheckConstraint(condition=Q(decidable_at__gt=F("asked_at")), name="take_over_cools_off"),
            models.CheckConstraint(
                condition=Q(opposed_at=None, opposed_by=None) | Q(opposed_at__isnull=False, opposed_by__isnull=False),
                name="take_over_opposition_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, is_accepted=None, decision="")
                | (Q(decided_at__gte=F("decidable_at"), opposed_at=None, decided_by__isnull=False)
                   & Q(is_accepted__isnull=False) & ~Q(decision="")),
                name="take_over_decided_in_time_with_reason",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.asked_by} · {self.customer}"

    @property
    def is_open(self) -> bool:
        return self.opposed_at is None and self.decided_at is None and self.withdrawn_at is None
