"""People who sign in, and the messages we owe them. What they may do is in organizations."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import ClassVar

import idna
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts.spelling import DigitsBackwards, PlainText


class Language(models.TextChoices):
    FRENCH = "fr-ca", _("French")
    ENGLISH = "en-ca", _("English")


def normalize_email(email: str) -> str:
    """The one spelling of an address: no spaces around, lower case, an internationalised domain as mail servers name
    it. Two spellings are one person.

    Not casefold: it writes ß as ss and ſ as s, which other mailboxes are called; of domains IDNA 2008, for the same
    reason. What is no domain stays as it was written.
    """
    local, at, domain = email.strip().lower().rpartition("@")
    if at and not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return f"{local}{at}{domain}"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        user = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=normalize_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail address"), max_length=254)
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.FRENCH)
    is_staff = models.BooleanField(_("agent"), default=False, help_text=_("May sign in to the agents’ admin."))
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(fields=["email"], name="user_email_unique"),
            models.CheckConstraint(
                condition=models.Q(email=Lower(Trim("email"))),
                name="user_email_normalized",
            ),
        ]
        indexes = [
            models.Index(PlainText("last_name", "first_name"), name="user_last_first"),
            models.Index(PlainText("first_name", "last_name"), name="user_first_last"),
            models.Index(DigitsBackwards("phone"), name="user_phone_end"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def clean(self) -> None:
        self.email = normalize_email(self.email)

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.email


class OutgoingMessageQuerySet(models.QuerySet["OutgoingMessage"]):
    def due(self) -> OutgoingMessageQuerySet:
        """Queued messages whose time has come."""
        return self.filter(status=OutgoingMessage.Status.QUEUED, due_at__lte=timezone.now())

    def waiting(self) -> OutgoingMessageQuerySet:
        return self.exclude(status=OutgoingMessage.Status.SENT)

    def failed(self) -> OutgoingMessageQuerySet:
        return self.filter(status=OutgoingMessage.Status.FAILED)


class OutgoingMessage(models.Model):
    """One e-mail or SMS: a row written with the change it announces, delivered by the worker."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("SMS")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text=_("Makes the Message-ID."))
    channel = models.CharField(_("channel"), max_length=5, choices=Channel, default=Channel.EMAIL)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.QUEUED)
    merchant_slug = models.SlugField(_("merchant"), blank=True, help_text=_("Whose agents see it; empty: nobody’s."))
    template = models.CharField(_("template"), max_length=100)
    language = models.CharField(_("language"), max_length=5, choices=Language)
    sender_name = models.CharField(_("sender"), max_length=120, blank=True)
    reply_to = models.EmailField(_("reply to"), blank=True)
    recipient = models.CharField(_("recipient"), max_length=254, help_text=_("E-mail address or E.164 phone."))
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(_("HTML"), blank=True)
    headers = models.JSONField(_("more headers"), default=dict, blank=True)
    is_sensitive = models.BooleanField(
        _("sensitive"), default=False, help_text=_("Carries a link or code: its text is blanked once sent.")
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    claimed_at = models.DateTimeField(_("taken by a worker"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    delivered_at = models.DateTimeField(
        _("delivered"), null=True, blank=True, help_text=_("Told by the mail service, when it tells.")
    )
    returned_at = models.DateTimeField(
        _("returned"), null=True, blank=True, help_text=_("Told by the mail service: it reached nobody.")
    )
    return_reason = models.CharField(_("reason for the return"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    objects = OutgoingMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="sent", sent_at__isnull=False)
                | (~models.Q(status="sent") & models.Q(sent_at=None)),
                name="message_sent_has_moment",
            ),
            models.CheckConstraint(
                condition=models.Q(return_reason="") | models.Q(returned_at__isnull=False),
                name="message_return_has_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(status="queued"), name="message_due"),
            models.Index(fields=["claimed_at"], condition=models.Q(status="sending"), name="message_sending"),
            models.Index(fields=["merchant_slug", "-id"], name="message_merchant"),
            models.Index(fields=["recipient", "-id"], name="message_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.template} → {self.recipient}"
