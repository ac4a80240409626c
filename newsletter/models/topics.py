"""What a merchant writes about, the words people agree to, and how its campaigns leave."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from organizations.models import Merchant

if TYPE_CHECKING:
    from accounts.models import User


def in_language(*, french: str, english: str, language: str | None = None) -> str:
    """One of two texts: of the language named, else of the moment."""
    return english if (language or get_language() or "").startswith("en") else french


class Newsletter(models.Model):
    """How the campaigns of one merchant leave, and which implied consents it takes."""

    merchant = models.OneToOneField(
        Merchant, on_delete=models.PROTECT, related_name="newsletter", verbose_name=_("merchant")
    )
    takes_invoices = models.BooleanField(
        _("implied consent from invoices"),
        default=False,
        help_text=_("For two years after a purchase or rental, to the topics that take implied consent."),
    )
    takes_inquiries = models.BooleanField(
        _("implied consent from inquiries"),
        default=False,
        help_text=_("For six months after a request, to the topics that take implied consent."),
    )
    per_minute = models.PositiveIntegerField(
        _("messages per minute"),
        default=600,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text=_("What the mail service accepts; a campaign never leaves faster."),
    )
    measures = models.BooleanField(
        _("openings and clicks are measured"),
        default=False,
        help_text=_(
            "By the mail service, and only of readers who agree to it in their preferences (Québec’s Law 25): they may "
            "take it back there, and their figures are erased. Turned off, nothing more is kept."
        ),
    )
    next_claim_at = models.DateTimeField(
        default=timezone.now,
        editable=False,
        help_text=_("Keeps all its campaigns together to the messages per minute."),
    )
    most_bounces = models.DecimalField(
        _("most bounces, per cent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(5),
        help_text=_("Beyond, a campaign stops by itself: from ten of them on, fewer say nothing."),
    )
    most_complaints = models.DecimalField(
        _("most complaints, per cent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal("0.30"),
        help_text=_("Beyond, a campaign stops by itself: from three of them on, fewer say nothing."),
    )

    class Meta:
        verbose_name = _("newsletter")
        verbose_name_plural = _("newsletters")
        constraints = [
            models.CheckConstraint(condition=models.Q(per_minute__gte=1), name="newsletter_rate_positive"),
            models.CheckConstraint(
                condition=models.Q(most_bounces__gte=0, most_complaints__gte=0), name="newsletter_limits_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.merchant.name


class TopicQuerySet(models.QuerySet["Topic"]):
    def offered(self) -> TopicQuerySet:
        """Those one may subscribe to, in the order of their making."""
        return self.filter(closed_at=None).order_by("pk")


class Topic(models.Model):
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="topics", verbose_name=_("merchant"), db_index=False
    )
    slug = models.SlugField(_("code"), help_text=_("In import files; never changes."))
    name_fr = models.CharField(_("name in French"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    about_fr = models.CharField(_("description in French"), max_length=250, blank=True)
    about_en = models.CharField(_("description in English"), max_length=250, blank=True)
    takes_implied = models.BooleanField(
        _("takes implied consent"), default=False, help_text=_("When the merchant turned it on.")
    )
    closed_at = models.DateTimeField(
        _("closed"), null=True, blank=True, help_text=_("From then on nobody can subscribe to it.")
    )

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        constraints = [models.UniqueConstraint(fields=["merchant", "slug"], name="topic_slug_unique")]
        triggers = [
            # The ledger names topics by this row.
            pgtrigger.Trigger(
                name="agreed_to_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("name_fr", "name_en", "slug", "merchant"),
                func="""
                    IF EXISTS (SELECT 1 FROM newsletter_subscription WHERE topic_id = OLD.id) THEN
                        RAISE EXCEPTION 'Cannot rename a topic that the ledger names';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(french=self.name_fr, english=self.name_en)

    @property
    def about(self) -> str:
        return in_language(french=self.about_fr, english=self.about_en)


class Wording(models.Model):
    """The sentence somebody agrees to, in both languages. A change is a new version: the old ones stay proofs."""

    class Purpose(models.TextChoices):
        NEWS = "news", _("Receiving a topic")
        MEASURING = "measuring", _("Openings and clicks")

    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="wordings", verbose_name=_("merchant"), db_index=False
    )
    purpose = models.CharField(
        _("what is agreed to"), max_length=9, choices=Purpose, default=Purpose.NEWS, db_default=Purpose.NEWS
    )
    version = models.PositiveIntegerField(_("version"), help_text=_("1 for the first; the highest is the one shown."))
    text_fr = models.TextField(_("French"), max_length=1000)
    text_en = models.TextField(_("English"), max_length=1000)
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)
    created_by: models.ForeignKey[User | None, User | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "purpose", "version"], name="wording_version_unique")
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.merchant} · {self.version}"

    @property
    def text(self) -> str:
        return in_language(french=self.text_fr, english=self.text_en)

    def text_in(self, *, language: str) -> str:
        return in_language(french=self.text_fr, english=self.text_en, language=language)
