"""What agents decide at a counter, kept for good, and the cards people show there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer, new_public_id
from organizations.models.members import Membership
from organizations.models.merchants import Branch, Merchant

if TYPE_CHECKING:
    from accounts.models import User

TRIES = 5


def new_secret() -> str:
    return secrets.token_hex(20)


class CardQuerySet(models.QuerySet["Card"]):
    def live(self) -> CardQuerySet:
        return self.filter(revoked_at=None)


class Card(models.Model):
    """What a person shows at a counter instead of spelling their name: on their phone, or printed with a PIN."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("On the phone")
        PRINTED = "printed", _("Printed")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="cards")
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    secret = models.CharField(
        max_length=40, default=new_secret, editable=False, help_text=_("A code is made of it and of the SECRET_KEY.")
    )
    pin_hash = models.CharField(max_length=128, blank=True, editable=False)
    tries = models.PositiveSmallIntegerField(_("wrong PINs"), default=0, editable=False)
    used_step = models.BigIntegerField(
        default=0, editable=False, help_text=_("The last code a decision was made on: it serves once.")
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = CardQuerySet.as_manager()

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "kind"], condition=Q(revoked_at=None), name="card_one_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="phone", pin_hash="") | (Q(kind="printed") & ~Q(pin_hash="")),
                name="card_printed_has_a_pin",
            ),
            models.CheckConstraint(condition=Q(tries__lt=TRIES) | Q(revoked_at__isnull=False), name="card_tries_end"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.membership}"


class CounterDecisionQuerySet(models.QuerySet["CounterDecision"]):
    def for_agent(self, user: User) -> CounterDecisionQuerySet:
        return self.filter(merchant__in=Merchant.objects.for_agent(user))

    def refusals(self) -> CounterDecisionQuerySet:
        return self.filter(act=CounterDecision.Act.REFUSED)


class CounterDecision(models.Model):
    """One person at one counter: what the portal answered, and what the agent did. Never rewritten."""

    class Answer(models.TextChoices):
        RENT = "rent", _("May rent and pick up")
        PICK_UP = "pick_up", _("May pick up only")
        NO = "no", _("No")

    class Reason(models.TextChoices):
        NONE = "", _("Nothing against it")
        UNLISTED = "unlisted", _("Not on the list")
        CLOSED = "closed", _("Customer closed")
        ON_HOLD = "on_hold", _("Company on hold")
        NOT_OPENED = "not_opened", _("Space not opened")
        REMOVED = "removed", _("Access withdrawn")
        ENDED = "ended", _("Access ended")
        PROFILE = "profile", _("Profile closed")
        NOT_BEGUN = "not_begun", _("Access not begun")
        OTHER_BRANCH = "other_branch", _("Not at this branch")
        NO_RIGHT = "no_right", _("Neither rents nor picks up")
        PICK_UP_RIGHT = "pick_up_right", _("Picks up and returns only")
        CEILING = "ceiling", _("Above the ceiling")
        NOT_THEM = "not_them", _("Identity not established")

    class Act(models.TextChoices):
        RENTED = "rented", _("Let go: rental")
        PICKED_UP = "picked_up", _("Let go: pick-up or return")
        REFUSED = "refused", _("Refused")

    class Shown(models.TextChoices):
        NAME = "name", _("A name")
        PHONE = "phone", _("The card on the phone")
        PRINTED = "printed", _("The printed card")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("branch"))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="counter_decisions")
    membership = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        related_name="counter_decisions",
        help_text=_("None: unlisted."),
    )
    person = models.CharField(_("person"), max_length=200, help_text=_("The name as it was that day."))
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("agent")
    )
    answer = models.CharField(_("answer"), max_length=7, choices=Answer)
    reason = models.CharField(_("reason"), max_length=13, choices=Reason, blank=True)
    details = models.JSONField(
        default=dict,
        editable=False,
        help_text=_("What the sentence of the reason said that day: a day, words, a limit."),
    )
    act = models.CharField(_("decision"), max_length=9, choices=Act)
    shown = models.CharField(_("shown"), max_length=7, choices=Shown, default=Shown.NAME)
    amount = models.DecimalField(
        _("amount"), max_digits=12, decimal_places=2, null=True, blank=True, help_text=_("CAD, taxes included.")
    )
    purchase_order = models.CharField(_("purchase order"), max_length=60, blank=True)
    is_told = models.BooleanField(default=False, help_text=_("The company’s administrators were written to."))
    at = models.DateTimeField(_("moment"), default=timezone.now)

    objects = CounterDecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision at a counter")
        verbose_name_plural = _("decisions at a counter")
        constraints = [
            models.CheckConstraint(
                condition=~Q(answer="no") | Q(act="refused"), name="counter_decision_no_lets_nobody_go"
            ),
            models.CheckConstraint(
                condition=~Q(act="rented") | Q(answer="rent"), name="counter_decision_rents_with_the_right"
            ),
            models.CheckConstraint(
                condition=Q(membership__isnull=False) | Q(reason="unlisted"), name="counter_decision_on_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(act="refused") | ~Q(reason=""), name="counter_decision_refusal_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(amount=None) | Q(amount__gte=0), name="counter_decision_amount_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="counter_decision_of_customer"),
            models.Index(fields=["merchant", "-id"], name="counter_decision_of_merchant"),
            models.Index(fields=["membership", "-id"], name="counter_decision_of_person"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.get_act_display()}"
