"""What a company asks the credit desk about a refusal at a counter, and the answer; one for each refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.counter import CounterDecision
from organizations.models.customers import Customer
from organizations.models.merchants import Merchant

if TYPE_CHECKING:
    from accounts.models import User


class CounterCaseQuerySet(models.QuerySet["CounterCase"]):
    def open(self) -> CounterCaseQuerySet:
        return self.filter(answered_at=None)

    def for_agent(self, user: User) -> CounterCaseQuerySet:
        return self.filter(decision__merchant__in=Merchant.objects.for_agent(user))


class CounterCase(models.Model):
    decision = models.OneToOneField(
        CounterDecision, on_delete=models.PROTECT, related_name="case", verbose_name=_("refusal")
    )
    message = models.TextField(_("message"), max_length=1000, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    answer = models.TextField(_("answer"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("answered by"),
    )

    objects = CounterCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("question about a refusal")
        verbose_name_plural = _("questions about refusals")
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
                name="counter_case_answer_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(answered_at=None), name="counter_case_open"),
        ]

    def __str__(self) -> str:
        return f"{self.decision.person} · {self.decision.customer}"

    @property
    def customer(self) -> Customer:
        return self.decision.customer
