"""A message to many: what it says, to whom, and one row for each of them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.formats import percent
from accounts.models import Language
from newsletter.models.subscribers import Subscriber
from newsletter.models.topics import Topic, in_language
from organizations.models import Branch, Customer, Merchant

if TYPE_CHECKING:
    from accounts.models import User


def new_public_id() -> str:
    return secrets.token_hex(6)


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def due(self) -> CampaignQuerySet:
        """Scheduled, and their time has come."""
        return self.filter(status=Campaign.Status.SCHEDULED, scheduled_at__lte=timezone.now())

    def leaving(self) -> CampaignQuerySet:
        return self.filter(status=Campaign.Status.SENDING)

    def published(self) -> CampaignQuerySet:
        """Those of the public archive, newest first."""
        return self.filter(status=Campaign.Status.SENT, is_public=True).order_by("-finished_at", "-pk")

    def readable(self) -> CampaignQuerySet:
        """Public, and in somebody's inbox already: the link in it leads somewhere whatever became of the rest."""
        return self.filter(is_public=True, started_at__isnull=False)


class Campaign(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        SENDING = "sending", _("Being sent")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped by itself")
        CANCELED = "canceled", pgettext_lazy("of a campaign", "Canceled")
        SENT = "sent", pgettext_lazy("of a campaign", "Sent")

    class Stop(models.TextChoices):
        """What made it stop by itself."""

        BOUNCES = "bounces", _("%(count)s addresses of %(total)s do not exist (%(share)s).")
        REFUSALS = "refusals", _("The mail server refused %(count)s messages of %(total)s (%(share)s): %(detail)s")
        COMPLAINTS = "complaints", _("%(count)s people of %(total)s complained (%(share)s).")
        UNWRITABLE = "unwritable", _("The message cannot be written. %(detail)s")
        NOBODY = "nobody", _("Nobody received it: no message was accepted (recipients: %(count)s). %(detail)s")

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("merchant"), db_index=False
    )
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("topic"))
    subject_fr = models.CharField(_("subject in French"), max_length=150)
    subject_en = models.CharField(_("subject in English"), max_length=150, blank=True)
    preheader_fr = models.CharField(
        _("preheader in French"), max_length=150, blank=True, help_text=_("Shown after the subject in the inbox.")
    )
    preheader_en = models.CharField(_("preheader in English"), max_length=150, blank=True)
    body_fr = models.TextField(
        _("text in French"),
        help_text=_(
            "Markdown: **bold**, ## title, - list, [link](https://…). A link alone in its paragraph is a button."
        ),
    )
    body_en = models.TextField(_("text in English"), blank=True)
    to_language = models.CharField(
        _("language of the readers"), max_length=5, choices=Language, blank=True, help_text=_("Empty: both.")
    )
    to_kind = models.CharField(
        _("kind of customer"), max_length=10, choices=Customer.Kind, blank=True, help_text=_("Empty: everybody.")
    )
    to_branch = models.ForeignKey(
        Branch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customers of the branch"),
        help_text=_("Who bought or rented there; empty: everybody."),
    )
    to_purchased_since = models.DateField(
        _("last purchase since"), null=True, blank=True, help_text=_("Empty: everybody.")
    )
    is_public = models.BooleanField(_("in the public archive"), default=True)
    status = models.CharField(
        _("status"), max_length=9, choices=Status, default=Status.DRAFT, editable=False, help_text=_("Set by services.")
    )
    scheduled_at = models.DateTimeField(_("leaves"), null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("began"), null=True, blank=True, editable=False)
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    stopped_for = models.CharField(
        _("stopped because"), max_length=10, choices=Stop, blank=True, editable=False, help_text=_("Set by services.")
    )
    stopped_count = models.PositiveIntegerField(default=0, editable=False, help_text=_("Recipients in trouble."))
    stopped_of = models.PositiveIntegerField(default=0, editable=False, help_text=_("Recipients written to."))
    stopped_detail = models.CharField(max_length=300, blank=True, editable=False)
    # Kept with each chunk: counting a million rows after every hundred of them would be most of the work.
    tried = models.PositiveIntegerField(default=0, editable=False, help_text=_("Since it began or was resumed."))
    bounced = models.PositiveIntegerField(default=0, editable=False, help_text=_("Of those tried."))
    refused = models.PositiveIntegerField(default=0, editable=False, help_text=_("Of those tried."))
    complained = models.PositiveIntegerField(default=0, editable=False, help_text=_("Of those tried."))
    next_claim_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text=_("While a worker waits for its turn, it is in the future.")
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)
    created_by: models.ForeignKey[User | None, User | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_at__isnull=False), name="campaign_scheduled_has_moment"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["sending", "paused", "stopped", "sent"]) | Q(started_at__isnull=False),
                name="campaign_begun_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(status__in=["sent", "canceled"]), name="campaign_ended_is_over"
            ),
            models.CheckConstraint(
                condition=~Q(status="stopped") | ~Q(stopped_for=""), name="campaign_stopped_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="campaign_of_merchant"),
            models.Index(fields=["status"], condition=Q(status__in=["scheduled", "sending"]), name="campaign_at_work"),
        ]
        triggers = [
            # What was announced to people stays what they received.
            pgtrigger.Protect(
                name="begun_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.started_at IS NOT NULL AND (OLD.topic_id, OLD.subject_fr, OLD.subject_en, OLD.preheader_fr,"
                    " OLD.preheader_en, OLD.body_fr, OLD.body_en) IS DISTINCT FROM (NEW.topic_id, NEW.subject_fr,"
                    " NEW.subject_en, NEW.preheader_fr, NEW.preheader_en, NEW.body_fr, NEW.body_en)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.subject_fr

    def get_absolute_url(self) -> str:
        return reverse("newsletter:archive-detail", args=[self.public_id])

    @property
    def address_in_language(self) -> str:
        """Its page in the language of the moment, whatever the reader's."""
        return f"{self.get_absolute_url()}?language={(get_language() or '')[:2]}"

    @property
    def subject(self) -> str:
        return in_language(french=self.subject_fr, english=self.subject_en or self.subject_fr)

    @property
    def preheader(self) -> str:
        return in_language(french=self.preheader_fr, english=self.preheader_en)

    @property
    def body(self) -> str:
        return in_language(french=self.body_fr, english=self.body_en or self.body_fr)

    @property
    def why_stopped(self) -> str:
        """In the language of the moment; empty unless it stopped by itself."""
        if not self.stopped_for:
            return ""
        share = percent(round(self.stopped_count * 100 / (self.stopped_of or 1), 2), get_language() or "")
        words = {"count": self.stopped_count, "total": self.stopped_of, "share": share, "detail": self.stopped_detail}
        return str(self.Stop(self.stopped_for).label) % words

    @property
    def is_editable(self) -> bool:
        return self.status == self.Status.DRAFT


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def waiting(self) -> RecipientQuerySet:
        return self.filter(status__in=[Recipient.Status.QUEUED, Recipient.Status.SENDING])


class Recipient(models.Model):
    """One message of a campaign to one subscriber, and what became of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Unsubscribed before sending")
        CANCELED = "canceled", _("Canceled")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="recipients", db_index=False)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    claimed_at = models.DateTimeField(_("taken by a worker"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    bounced_at = models.DateTimeField(_("bounced"), null=True, help_text=_("Hard bounces alone."))
    soft_at = models.DateTimeField(_("soft bounce"), null=True, help_text=_("Told once or ten times, it counts once."))
    complained_at = models.DateTimeField(_("complained"), null=True)
    left_at = models.DateTimeField(_("left"), null=True, help_text=_("By a link of this very message."))
    is_measured = models.BooleanField(
        _("measured"),
        default=False,
        db_default=False,
        help_text=_("Its message asked the mail service to tell; set when it is taken, ended by its reader."),
    )
    opened_at = models.DateTimeField(_("first opened"), null=True, help_text=_("Erased with the consent."))
    clicked_at = models.DateTimeField(_("link first followed"), null=True, help_text=_("Whichever; erased likewise."))
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "subscriber"], name="recipient_once"),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False) | (~Q(status="sent") & Q(sent_at=None)),
                name="recipient_sent_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(status="sending", claimed_at__isnull=False) | (~Q(status="sending") & Q(claimed_at=None)),
                name="recipient_claim_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(opened_at=None, clicked_at=None) | Q(is_measured=True, status="sent"),
                name="recipient_observed_was_measured",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "id"], condition=Q(status="queued"), name="recipient_queued"),
            models.Index(fields=["claimed_at"], condition=Q(status="sending"), name="recipient_sending"),
            models.Index(
                fields=["campaign"],
                condition=Q(bounced_at__isnull=False) | Q(complained_at__isnull=False),
                name="recipient_trouble",
            ),
            models.Index(fields=["subscriber"], condition=Q(is_measured=True), name="recipient_measured"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} → {self.subscriber}"
