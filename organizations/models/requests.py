"""Ways in that wait for somebody: a person nobody recognised, a customer invited to open their space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from organizations.models.customers import Customer
from organizations.models.members import Membership
from organizations.models.merchants import Merchant

if TYPE_CHECKING:
    from accounts.models import User


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    def open(self) -> AccessRequestQuerySet:
        return self.filter(status=AccessRequest.Status.OPEN)

    def for_agent(self, user: User) -> AccessRequestQuerySet:
        return self.filter(merchant__in=Merchant.objects.for_agent(user))


class AccessRequest(models.Model):
    """A signed-in person whose e-mail is on no file, and what they say to be found."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting")
        LINKED = "linked", pgettext_lazy("request", "Linked")
        REFUSED = "refused", pgettext_lazy("request", "Refused")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="access_requests")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_requests")
    name = models.CharField(_("name"), max_length=200)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)
    customer_number = models.CharField(_("customer number"), max_length=40, blank=True)
    invoice_number = models.CharField(_("invoice number"), max_length=40, blank=True)
    invoice_total = models.DecimalField(
        _("total of that invoice"), max_digits=12, decimal_places=2, null=True, blank=True, help_text=_("CAD; a proof.")
    )
    message = models.TextField(_("message"), max_length=2000, blank=True)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.OPEN)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, help_text=_("Linked to, once decided.")
    )
    reason = models.TextField(_("reason"), blank=True, help_text=_("Of a refusal; the person reads it."))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("unrecognised person")
        verbose_name_plural = _("unrecognised people")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "user"], condition=Q(status="open"), name="access_request_one_open"
            ),
            models.CheckConstraint(
                condition=Q(status="open", decided_at=None, decided_by=None)
                | (~Q(status="open") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="access_request_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="linked") | Q(customer__isnull=False), name="access_request_linked_to_customer"
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | ~Q(reason=""), name="access_request_refusal_has_reason"
            ),
        ]
        indexes = [models.Index(fields=["merchant", "id"], condition=Q(status="open"), name="access_request_queue")]

    def __str__(self) -> str:
        return f"{self.name} · {self.user.email}"


class ActivationRequestQuerySet(models.QuerySet["ActivationRequest"]):
    def open(self) -> ActivationRequestQuerySet:
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


class ActivationRequest(models.Model):
    """A link an agent sent: whoever opens it chooses a password and is in. Only its hash is kept."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="activation_requests")
    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, blank=True, help_text=_("For a member company: of whom.")
    )
    email = models.EmailField(_("sent to"))
    token_hash = models.CharField(max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the token."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("replaced"), null=True, blank=True, editable=False)

    objects = ActivationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("activation request")
        verbose_name_plural = _("activation requests")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "email"],
                condition=Q(used_at=None, revoked_at=None),
                name="activation_request_one_live",
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None), name="activation_request_used_or_revoked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} → {self.customer}"
