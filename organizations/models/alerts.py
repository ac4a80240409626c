"""What an edition of the register says of a verified company, for an agent to look at: by itself it changes nothing."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.companies import Organization
from organizations.models.verifications import Verification
from registry.models import Change, Edition


class RegisterAlertQuerySet(models.QuerySet["RegisterAlert"]):
    def waiting(self) -> RegisterAlertQuerySet:
        """Not decided, of a company still verified, and not by an edition that says the same or more."""
        older = Q(organization__verification__edition_id__lt=F("change__edition_id"))
        return self.filter(
            older | Q(organization__verification=None) | Q(organization__verification__edition=None),
            state=RegisterAlert.State.OPEN,
            organization__verified_at__isnull=False,
        )

    def asking(self, *, organization: Organization) -> RegisterAlertQuerySet:
        """Those by which a new verification was asked for and none was submitted since."""
        latest = Verification.objects.filter(customer=organization.customer_id).order_by("-pk").values("submitted_at")
        last = Coalesce(models.Subquery(latest[:1]), F("organization__verified_at"))
        asked = self.filter(organization=organization, state=RegisterAlert.State.FORWARDED)
        return asked.annotate(last_submitted_at=last).filter(decided_at__gt=F("last_submitted_at"))


class RegisterAlert(models.Model):
    """One change of one verified company, and what an agent made of it."""

    class State(models.TextChoices):
        OPEN = "open", _("To look at")
        DISMISSED = "dismissed", _("Kept verified")
        FORWARDED = "forwarded", _("New verification asked for")
        WITHDRAWN = "withdrawn", _("Verification withdrawn")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="alerts")
    change = models.ForeignKey(
        Change, on_delete=models.PROTECT, related_name="+", verbose_name=_("change"), db_index=False
    )
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.OPEN)
    reasons = ArrayField(
        models.CharField(max_length=13, choices=Verification.Reason),
        verbose_name=_("reasons"),
        default=list,
        blank=True,
        help_text=_("Of a withdrawal."),
    )
    words = models.TextField(_("words"), max_length=2000, blank=True, help_text=_("Why: kept in the history."))
    noticed_at = models.DateTimeField(_("noticed"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = RegisterAlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("change in the register")
        verbose_name_plural = _("changes in the register")
        constraints = [
            models.UniqueConstraint(fields=["change", "organization"], name="register_alert_once"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None, decided_by=None)
                | (~Q(state="open") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="register_alert_decision_is_whole",
            ),
            models.CheckConstraint(condition=Q(state="open") | ~Q(words=""), name="register_alert_decision_has_words"),
            models.CheckConstraint(
                condition=Q(state="withdrawn", reasons__len__gt=0) | (~Q(state="withdrawn") & Q(reasons=[])),
                name="register_alert_withdrawal_has_reasons",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="final", operation=pgtrigger.Update, condition=pgtrigger.Condition("OLD.state <> 'open'")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.change.get_kind_display()}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def reason_labels(self) -> list[str]:
        return [str(Verification.Reason(code).label) for code in self.reasons]


class WatchedEdition(models.Model):
    """An edition whose changes were looked through for verified companies; one without this row still is to be."""

    edition = models.OneToOneField(Edition, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("moment"), default=timezone.now)

    class Meta:
        verbose_name = _("watched edition")
        verbose_name_plural = _("watched editions")

    def __str__(self) -> str:
        return str(self.edition)
