"""The ledger: who agreed to what, when and how, and who withdrew. The database refuses to rewrite it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from newsletter.models.subscribers import Subscriber, never_emptied
from newsletter.models.topics import Topic, Wording
from organizations.models import Merchant

if TYPE_CHECKING:
    from accounts.models import User


class SignUp(models.Model):
    """Somebody typed an address in a form: nothing is agreed to until its owner follows the link."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=5, choices=Language)
    topics = models.ManyToManyField(Topic, related_name="+")
    wording = models.ForeignKey(Wording, on_delete=models.PROTECT, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower(Trim("email"))), name="sign_up_email_normalized"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="sign_up_lasts"),
        ]
        indexes = [
            models.Index(fields=["merchant", "email", "-created_at"], name="sign_up_of_address"),
            models.Index(fields=["expires_at"], condition=Q(confirmed_at=None), name="sign_up_unconfirmed"),
        ]
        triggers = [
            # Once confirmed it is part of the proof; before that, only its confirmation is written.
            pgtrigger.ReadOnly(name="typed_is_final", exclude=["confirmed_at"]),
            pgtrigger.Protect(
                name="confirmed_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__confirmed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"


class Consent(models.Model):
    """One act of one person on one topic, or on being measured: a consent given, or withdrawn."""

    class Act(models.TextChoices):
        GIVEN = "given", _("Given")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Kind(models.TextChoices):
        EXPRESS = "express", _("Express")
        IMPLIED = "implied", _("Implied")

    class Channel(models.TextChoices):
        WEB_FORM = "web_form", _("Web form, confirmed by e-mail")
        PROFILE = "profile", _("Profile, signed in")
        PREFERENCES = "preferences", _("Preferences page")
        LINK = "link", _("Link in a message")
        ONE_CLICK = "one_click", _("Unsubscribe button of the mail program")
        MAILTO = "mailto", _("Unsubscribe message")
        COUNTER = "counter", _("Counter")
        PHONE = "phone", _("Phone")
        IMPORT = "import", _("Import")
        INVOICE = "invoice", _("Purchase or rental")
        INQUIRY = "inquiry", _("Inquiry")
        COMPLAINT = "complaint", _("Complaint as unwanted mail")
        SERVICE = "service", _("Unsubscribed at the mail service")

    class Basis(models.TextChoices):
        PURCHASE = "purchase", _("After a purchase")
        INQUIRY = "inquiry", _("After an inquiry")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="consents", db_index=False)
    purpose = models.CharField(
        _("what is agreed to"),
        max_length=9,
        choices=Wording.Purpose,
        default=Wording.Purpose.NEWS,
        db_default=Wording.Purpose.NEWS,
    )
    topic = models.ForeignKey(
        Topic,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("topic"),
        db_index=False,
        help_text=_("Empty for openings and clicks, which are of no topic."),
    )
    act = models.CharField(_("act"), max_length=9, choices=Act)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind, blank=True, help_text=_("Empty for a withdrawal."))
    at = models.DateTimeField(_("moment"), default=timezone.now)
    recorded_at = models.DateTimeField(
        _("recorded"),
        default=timezone.now,
        db_default=Now(),
        editable=False,
        help_text=_("When it was written here: later than its moment for what is imported."),
    )
    channel = models.CharField(_("channel"), max_length=11, choices=Channel)
    wording = models.ForeignKey(
        Wording, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("wording"), db_index=False
    )
    language = models.CharField(
        _("language"), max_length=5, choices=Language, blank=True, help_text=_("The wording was shown in it.")
    )
    sign_up = models.ForeignKey(SignUp, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    by: models.ForeignKey[User | None, User | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("noted by"),
        db_index=False,
    )
    source = models.CharField(
        _("source"), max_length=300, blank=True, help_text=_("The invoice, the inquiry, or the evidence on file.")
    )
    expires_at = models.DateTimeField(
        _("expires"), null=True, help_text=_("Of an implied consent: two years after a purchase, six months otherwise.")
    )
    reason = models.CharField(
        _("reason"), max_length=300, blank=True, help_text=_("Of a withdrawal, when one is given.")
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(
                condition=Q(act="withdrawn", kind="", expires_at=None) | (Q(act="given") & ~Q(kind="")),
                name="consent_given_has_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="implied") | (Q(expires_at__isnull=False) & ~Q(source="")),
                name="consent_implied_has_source_and_end",
            ),
            models.CheckConstraint(
                condition=~Q(kind="express") | Q(expires_at=None), name="consent_express_never_expires"
            ),
            models.CheckConstraint(
                condition=~Q(kind="express") | Q(wording__isnull=False) | ~Q(source=""),
                name="consent_express_is_proved",
            ),
            models.CheckConstraint(condition=Q(wording=None) | ~Q(language=""), name="consent_wording_has_language"),
            models.CheckConstraint(
                condition=Q(purpose="news", topic__isnull=False) | Q(purpose="measuring", topic=None),
                name="consent_to_news_has_topic",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="measuring", kind="implied"), name="consent_to_measuring_is_express"
            ),
            models.CheckConstraint(
                condition=~Q(channel__in=["counter", "phone"]) | Q(by__isnull=False), name="consent_oral_names_agent"
            ),
        ]
        indexes = [models.Index(fields=["subscriber", "id"], name="consent_of_subscriber")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            never_emptied(),
            pgtrigger.Trigger(
                name="keep_subscriptions",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    INSERT INTO newsletter_subscription AS s
                        (subscriber_id, topic_id, express_at, implied_until, left_at)
                    SELECT DISTINCT ON (subscriber_id, topic_id) subscriber_id, topic_id,
                        CASE WHEN kind = 'express' THEN at END,
                        CASE WHEN kind = 'implied' THEN expires_at END,
                        CASE WHEN act = 'withdrawn' THEN at END
                    FROM added WHERE purpose = 'news' ORDER BY subscriber_id, topic_id, id DESC
                    ON CONFLICT (subscriber_id, topic_id) DO UPDATE SET
                        express_at = CASE WHEN EXCLUDED.left_at IS NOT NULL THEN NULL
                            ELSE COALESCE(s.express_at, EXCLUDED.express_at) END,
                        implied_until = CASE WHEN EXCLUDED.left_at IS NOT NULL THEN NULL
                            ELSE GREATEST(s.implied_until, EXCLUDED.implied_until) END,
                        left_at = EXCLUDED.left_at
                    -- An implied consent never brings back who left.
                    WHERE s.left_at IS NULL OR EXCLUDED.left_at IS NOT NULL OR EXCLUDED.express_at IS NOT NULL;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="keep_measuring",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    UPDATE newsletter_subscriber AS s
                    SET measured_at = CASE WHEN l.act = 'given' THEN COALESCE(s.measured_at, l.at) END
                    FROM (
                        SELECT DISTINCT ON (subscriber_id) subscriber_id, act, at
                        FROM added WHERE purpose = 'measuring' ORDER BY subscriber_id, id DESC
                    ) AS l WHERE s.id = l.subscriber_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        at = timezone.localtime(self.at)
        return f"{self.subscriber} · {self.matter} · {self.get_act_display()} · {at:%Y-%m-%d %H:%M}"

    @property
    def words_shown(self) -> str:
        """What the person read, in the language they read it in; empty where nothing was shown."""
        return self.wording.text_in(language=self.language) if self.wording else ""

    @property
    def matter(self) -> str:
        """What it is about, in the language of the moment."""
        return self.topic.name if self.topic else self.get_purpose_display()

    @property
    def basis(self) -> Basis | None:
        """What implies it, told by how long it lasts: two years or six months (Loi canadienne anti-pourriel, 10)."""
        if self.expires_at is None:
            return None
        return self.Basis.PURCHASE if self.expires_at - self.at > timedelta(days=366) else self.Basis.INQUIRY
