"""What is asked to be signed, everything that happened to it, and the sealed file that follows from that evidence."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Language, OutgoingMessage
from signatures.parties import Sender

TRIES = 5
COPY_LASTS = timedelta(days=30)


class Document(models.Model):
    """The exact bytes somebody is asked to sign, kept with the evidence: whatever happens to files, they are here."""

    sha256 = models.CharField(max_length=64, unique=True, help_text=_("Of the file, in hexadecimal."))
    content = models.BinaryField()
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes."))
    page_count = models.PositiveIntegerField(_("pages"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("document to sign")
        verbose_name_plural = _("documents to sign")
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.sha256[:12]


class SignatureRequestQuerySet(models.QuerySet["SignatureRequest"]):
    def with_papers(self) -> SignatureRequestQuerySet:
        """With what is known of the documents, without their bytes."""
        return self.select_related("french", "english").defer("french__content", "english__content")

    def waiting(self) -> SignatureRequestQuerySet:
        """Not decided yet, and still in time."""
        return self.filter(state=SignatureRequest.State.WAITING, expires_at__gt=timezone.now())

    def past(self) -> SignatureRequestQuerySet:
        """Out of time, and not said so yet."""
        return self.filter(state=SignatureRequest.State.WAITING, expires_at__lte=timezone.now())

    def signed(self) -> SignatureRequestQuerySet:
        """Signed, whether or not the sealed file is made."""
        return self.filter(state__in=[SignatureRequest.State.SIGNED, SignatureRequest.State.SEALED])

    def about(self, *, purpose: str, subject_key: str) -> SignatureRequestQuerySet:
        """Of one thing of an app above this one, as it named it when it asked."""
        return self.filter(purpose=purpose, subject_key=subject_key)


class SignatureRequest(models.Model):
    """One person asked to sign one document. Who, what and for whom never change; the state only goes forward."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the signature")
        SIGNED = "signed", _("Signed, being sealed")
        SEALED = "sealed", _("Signed and sealed")
        DECLINED = "declined", pgettext_lazy("signature", "Declined")
        EXPIRED = "expired", pgettext_lazy("signature", "Expired")
        CANCELLED = "cancelled", pgettext_lazy("signature", "Cancelled")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text=_("Makes the link."))
    token_hash = models.CharField(max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the token."))
    purpose = models.SlugField(
        _("purpose"), max_length=40, help_text=_("What it is for, as the app that asks calls it.")
    )
    subject_key = models.CharField(_("subject"), max_length=100, help_text=_("Which one, as that app finds it again."))
    french = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+", verbose_name=_("French document"))
    french_title = models.CharField(_("title in French"), max_length=200)
    english = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("English document")
    )
    english_title = models.CharField(_("title in English"), max_length=200, blank=True)
    language = models.CharField(
        _("language signed"),
        max_length=5,
        choices=Language,
        default=Language.FRENCH,
        help_text=_("French, unless the signer expressly chose English after it."),
    )
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="signature_requests",
        verbose_name=_("signer"),
        help_text=_("Only this person, signed in; nobody named: whoever has the link and the code."),
    )
    signer_name = models.CharField(_("signer’s name"), max_length=200)
    signer_email = models.EmailField(_("signer’s e-mail"))
    signer_phone = models.CharField(_("signer’s phone"), max_length=20, blank=True, help_text=_("E.164; for the code."))
    signer_language = models.CharField(_("language of our messages"), max_length=5, choices=Language)
    capacity = models.CharField(_("capacity"), max_length=200, blank=True, help_text=_("In which the person signs."))
    merchant_slug = models.SlugField(_("merchant"), blank=True, help_text=_("Whose agents see it; empty: nobody’s."))
    sender_name = models.CharField(_("asked by"), max_length=120)
    sender_email = models.EmailField(_("asked by: e-mail"))
    sender_phone = models.CharField(_("asked by: phone"), max_length=40, help_text=_("E.164."))
    sender_extension = models.CharField(_("asked by: extension"), max_length=10, blank=True)
    sender_hue = models.PositiveSmallIntegerField(default=165, help_text=_("Of its accent colour, in degrees."))
    back_path = models.CharField(
        max_length=500, blank=True, help_text=_("Where the signer goes on afterwards, as the app that asks says.")
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    remind_at = models.DateTimeField(
        _("next reminder"), null=True, blank=True, help_text=_("Set by the portal; empty: none any more.")
    )
    state = models.CharField(
        _("state"),
        max_length=9,
        choices=State,
        default=State.WAITING,
        help_text=_("Set by the portal; goes forward only."),
    )
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended unsigned"), null=True, blank=True)

    objects = SignatureRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", signed_at=None, ended_at=None)
                | Q(state__in=["signed", "sealed"], signed_at__isnull=False, ended_at=None)
                | Q(state__in=["declined", "expired", "cancelled"], signed_at=None, ended_at__isnull=False),
                name="signature_state_has_its_moment",
            ),
            models.CheckConstraint(
                condition=Q(english=None, english_title="") | (Q(english__isnull=False) & ~Q(english_title="")),
                name="signature_english_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(language="fr-ca") | Q(english__isnull=False), name="signature_language_is_there"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("requested_at")), name="signature_expires_after_asked"),
            models.CheckConstraint(
                condition=Q(signer_email=Lower(Trim("signer_email"))), name="signature_email_normalized"
            ),
            models.UniqueConstraint(
                fields=["purpose", "subject_key", "signer_email"],
                condition=Q(state="waiting"),
                name="signature_one_waiting",
            ),
        ]
        indexes = [
            models.Index(fields=["purpose", "subject_key"], name="signature_subject"),
            models.Index(fields=["merchant_slug", "-id"], name="signature_merchant"),
            models.Index(fields=["expires_at"], condition=Q(state="waiting"), name="signature_expiring"),
            models.Index(fields=["remind_at"], condition=Q(state="waiting"), name="signature_reminding"),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="asked_is_final",
                exclude=["token_hash", "language", "remind_at", "state", "signed_at", "ended_at"],
            ),
            pgtrigger.Protect(
                name="over_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__df="waiting")
                & (
                    pgtrigger.Q(old__language__df=pgtrigger.F("new__language"))
                    | pgtrigger.Q(old__signed_at__df=pgtrigger.F("new__signed_at"))
                    | pgtrigger.Q(old__ended_at__df=pgtrigger.F("new__ended_at"))
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="begins_waiting", operation=pgtrigger.Insert, condition=pgtrigger.Q(new__state__df="waiting")
            ),
            pgtrigger.FSM(
                name="state_goes_forward",
                field="state",
                transitions=[
                    ("waiting", "signed"),
                    ("waiting", "declined"),
                    ("waiting", "expired"),
                    ("waiting", "cancelled"),
                    ("signed", "sealed"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.french_title} · {self.signer_name}"

    @property
    def sender(self) -> Sender:
        return Sender(
            slug=self.merchant_slug,
            name=self.sender_name,
            email=self.sender_email,
            phone=self.sender_phone,
            phone_extension=self.sender_extension,
            hue=self.sender_hue,
        )

    @property
    def copy_until(self) -> datetime | None:
        """Until when the link of a signed request shows the signer their copy; after that, they ask for it."""
        return self.signed_at + COPY_LASTS if self.signed_at else None

    @property
    def is_over(self) -> bool:
        """Nothing is to be signed any more, whatever the reason."""
        return self.state != self.State.WAITING or self.expires_at <= timezone.now()

    def document_in(self, language: str) -> Document | None:
        """What is signed, in one language; the English one may not exist."""
        return self.english if language == Language.ENGLISH else self.french

    def title_in(self, language: str) -> str:
        """Its title in a language, in French when there is no English document."""
        return self.english_title if language == Language.ENGLISH and self.english_title else self.french_title

    @property
    def document(self) -> Document:
        """The one signed, or to be signed as things stand."""
        return self.document_in(self.language) or self.french

    @property
    def title(self) -> str:
        """Of the document signed."""
        return self.title_in(self.language)


class SignatureEventQuerySet(models.QuerySet["SignatureEvent"]):
    def of(self, kind: SignatureEvent.Kind) -> SignatureEventQuerySet:
        return self.filter(kind=kind)


class SignatureEvent(models.Model):
    """One fact of the evidence: what, when, who, from where, about which bytes. Its sentence is made when read."""

    class Kind(models.TextChoices):
        REQUESTED = "requested", _("Signature asked for")
        HANDED_OVER = "handed_over", _("Document handed over")
        VIEWED = "viewed", _("Document opened")
        CODE_SENT = "code_sent", _("Code sent")
        CODE_WRONG = "code_wrong", _("Wrong code")
        CONSENT_GIVEN = "consent_given", _("Consent given")
        SIGNED = "signed", pgettext_lazy("event", "Signed")
        DECLINED = "declined", pgettext_lazy("event", "Declined")
        CANCELLED = "cancelled", pgettext_lazy("event", "Cancelled")
        REMINDED = "reminded", _("Reminder sent")
        EXPIRED = "expired", pgettext_lazy("event", "Expired")
        SEALED = "sealed", _("Sealed")
        SEAL_FAILED = "seal_failed", _("Could not be sealed")

    # The list below begins with it.
    request = models.ForeignKey(SignatureRequest, on_delete=models.PROTECT, related_name="events", db_index=False)
    kind = models.CharField(_("event"), max_length=13, choices=Kind)
    at = models.DateTimeField(_("moment"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("person")
    )
    address = models.CharField(_("address"), max_length=254, blank=True, help_text=_("E-mail or phone written to."))
    channel = models.CharField(_("channel"), max_length=5, choices=OutgoingMessage.Channel, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=400, blank=True)
    document_sha256 = models.CharField(max_length=64, help_text=_("Of the document at that moment, in hexadecimal."))
    data = models.JSONField(_("details"), default=dict)

    objects = SignatureEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("evidence")
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="code_sent") | (~Q(address="") & ~Q(channel="")),
                name="signature_event_code_has_address",
            ),
            models.CheckConstraint(
                condition=~Q(kind="declined") | Q(data__has_key="reason"), name="signature_event_refusal_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(kind="consent_given") | (Q(data__has_key="version") & Q(data__has_key="text")),
                name="signature_event_consent_has_words",
            ),
            models.UniqueConstraint(fields=["request"], condition=Q(kind="signed"), name="signature_event_signed_once"),
        ]
        indexes = [
            models.Index(fields=["request", "id"], name="signature_event_list"),
            models.Index(fields=["address", "at"], condition=Q(kind="code_sent"), name="signature_event_codes_to"),
            models.Index(fields=["ip", "at"], condition=Q(kind="code_sent"), name="signature_event_codes_from"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.at:%Y-%m-%d %H:%M}"


class OneTimeCode(models.Model):
    """A code that left: its keyed hash, and how often it was tried. Only the newest of a request works."""

    request = models.ForeignKey(SignatureRequest, on_delete=models.PROTECT, related_name="codes")
    code_hash = models.CharField(
        max_length=64, help_text=_("Keyed hash of the code, the request, its signer and the document.")
    )
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Codes compared with it, right or wrong."))
    used_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tries__lte=TRIES), name="code_not_tried_for_ever"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("sent_at")), name="code_expires_after_sent"),
            models.UniqueConstraint(fields=["request"], condition=Q(replaced_at=None), name="code_one_live_a_request"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} · {self.sent_at:%Y-%m-%d %H:%M}"


class SealQuerySet(models.QuerySet["Seal"]):
    def owed(self) -> SealQuerySet:
        """Signed, not sealed yet, and due for a (new) try."""
        return self.filter(sealed_at=None, due_at__lte=timezone.now())

    def failed(self) -> SealQuerySet:
        """Not made yet, and at least one try failed."""
        return self.filter(sealed_at=None).exclude(last_error="")

    def given_up(self) -> SealQuerySet:
        """Tried until trying again helps nobody: a person must look."""
        return self.filter(sealed_at=None, due_at=None)


class Seal(models.Model):
    """The sealed file of a signature: owed from the moment of signing, made once, then only read."""

    request = models.OneToOneField(SignatureRequest, on_delete=models.PROTECT, related_name="seal")
    file = models.FileField(_("file"), max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("Of the sealed file, in hexadecimal."))
    size = models.PositiveIntegerField(_("size"), default=0, help_text=_("Bytes."))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    due_at = models.DateTimeField(_("due"), null=True, default=timezone.now, help_text=_("Empty: not tried any more."))
    sealed_at = models.DateTimeField(_("sealed"), null=True, blank=True)

    objects = SealQuerySet.as_manager()

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed_at=None, file="", sha256="")
                | (Q(sealed_at__isnull=False) & ~Q(file="") & ~Q(sha256="")),
                name="seal_made_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False) | Q(sealed_at__isnull=False) | ~Q(last_error=""),
                name="seal_given_up_says_why",
            ),
            models.UniqueConstraint(fields=["sha256"], condition=~Q(sha256=""), name="seal_sha256_unique"),
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(sealed_at=None), name="seal_owed")]
        triggers = [
            pgtrigger.Protect(
                name="sealed_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__sealed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.request)
