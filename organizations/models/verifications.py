"""Each time a company declares who it is: what the register said of it, what agents saw, what was decided."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from organizations.models.companies import Identity
from organizations.models.customers import Customer
from registry.models import Edition


class VerificationQuerySet(models.QuerySet["Verification"]):
    def open(self) -> VerificationQuerySet:
        return self.filter(state=Verification.State.PENDING)


class Verification(Identity):
    """One declaration, its comparison with one edition of the register, and the decision: never rewritten after it."""

    class State(models.TextChoices):
        PENDING = "pending", _("To verify")
        VERIFIED = "verified", _("Verified")
        REFUSED = "refused", pgettext_lazy("verification", "Refused")
        MORE_ASKED = "more_asked", _("More information asked for")
        SUPERSEDED = "superseded", _("Replaced by a newer one")

    class Reason(models.TextChoices):
        """Why a company is refused; an address never is a reason."""

        NAME = "name", _("The legal name does not match")
        NEQ = "neq", _("The NEQ does not match")
        ADMINISTRATOR = "administrator", _("The administrator does not match")
        STATUS = "status", _("The registration is not in force")
        OTHER = "other", _("Another reason")

    class Fact(models.TextChoices):
        """What is compared, in the order people read it."""

        NEQ = "neq", _("NEQ")
        NAME = "name", _("Legal name")
        STATUS = "status", _("Registration")
        ADMINISTRATOR = "administrator", _("Administrator")
        ADDRESS = "address", _("Address")

    class Verdict(models.TextChoices):
        MATCHES = "matches", _("Matches")
        DIFFERS = "differs", _("Differs")
        UNKNOWN = "unknown", _("Not in the register")
        UNCHECKED = "unchecked", _("Cannot be checked here")
        NOTED = "noted", _("For information")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="verifications")
    note = models.TextField(
        _("what the company adds"), max_length=1000, blank=True, help_text=_("To the agent who decides.")
    )
    edition = models.ForeignKey(
        Edition,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("edition of the register"),
        help_text=_("Compared with; empty: none was loaded."),
    )
    facts = models.JSONField(
        _("comparison"),
        default=list,
        help_text=_("A list of fact, declared, registered, verdict, code, params: codes, never sentences."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    reasons = ArrayField(
        models.CharField(max_length=13, choices=Reason), verbose_name=_("reasons"), default=list, blank=True
    )
    words = models.TextField(_("words to the company"), max_length=2000, blank=True)
    is_automatic = models.BooleanField(
        _("decided by itself"), default=False, help_text=_("All that could be checked matched; never a refusal.")
    )
    needs_credit_review = models.BooleanField(
        _("credit review"), default=False, help_text=_("The NEQ of a verified company changes. Changes nothing itself.")
    )
    submitted_at = models.DateTimeField(_("submitted"), default=timezone.now, editable=False)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = VerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(state="pending"), name="verification_one_open"),
            # A refusal is always a person's: Law 25, section 12.1 of the Act, on decisions by machines alone.
            models.CheckConstraint(
                condition=Q(state__in=["pending", "superseded"], decided_at=None, decided_by=None, is_automatic=False)
                | Q(state="verified", decided_at__isnull=False, decided_by=None, is_automatic=True)
                | Q(
                    state__in=["verified", "refused", "more_asked"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    is_automatic=False,
                ),
                name="verification_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(state="refused", reasons__len__gt=0) | (~Q(state="refused") & Q(reasons=[])),
                name="verification_refusal_has_reasons",
            ),
            models.CheckConstraint(
                condition=Q(reasons__contained_by=["name", "neq", "administrator", "status", "other"]),
                name="verification_reasons_are_known",
            ),
            models.CheckConstraint(
                condition=~Q(words="") | (~Q(state="more_asked") & ~Q(reasons__contains=["other"])),
                name="verification_other_reason_has_words",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="verification_of_customer"),
            models.Index(fields=["neq"], name="verification_neq"),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state <> 'pending'"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.legal_name} · {self.get_state_display()}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.PENDING

    @property
    def reason_labels(self) -> list[str]:
        return [str(self.Reason(code).label) for code in self.reasons]


class Observation(models.Model):
    """What an agent saw on the public register, which holds what the open data lacks: the evidence of a decision."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="observations")
    fact = models.CharField(_("about"), max_length=13, choices=Verification.Fact)
    seen = models.CharField(_("what the register shows"), max_length=500)
    verdict = models.CharField(
        _("verdict"),
        max_length=7,
        choices=[choice for choice in Verification.Verdict.choices if choice[0] in {"matches", "differs"}],
    )
    seen_on = models.DateField(_("seen on"))
    capture = models.FileField(_("capture"), max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, editable=False, help_text=_("Of the capture, in hexadecimal."))
    at = models.DateTimeField(_("recorded"), default=timezone.now, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")

    class Meta:
        verbose_name = _("observation")
        verbose_name_plural = _("observations")
        constraints = [
            models.CheckConstraint(condition=~Q(seen=""), name="observation_says_what"),
            models.CheckConstraint(
                condition=Q(capture="", sha256="") | (~Q(capture="") & ~Q(sha256="")),
                name="observation_capture_is_whole",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_fact_display()}: {self.seen}"
