"""A customer: one account in one merchant's books."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower, Trim
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from accounts.spelling import Capitals, DigitsBackwards, PlainAfterOneWord, PlainAfterTwoWords, PlainText
from organizations.models.merchants import Address, Merchant
from organizations.permissions import Feature, Permission

if TYPE_CHECKING:
    from accounts.models import User

# No vowels and no look-alikes: an id spells no word and survives being read aloud.
PUBLIC_ID_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


def new_public_id() -> str:
    """Ten random characters: 47 bits, never sequential."""
    return "".join(secrets.choice(PUBLIC_ID_ALPHABET) for _position in range(10))


class CustomerQuerySet(models.QuerySet["Customer"]):
    def for_user(self, user: User) -> CustomerQuerySet:
        """Open customers of which this person is a member today."""
        from organizations.models.members import Membership  # noqa: PLC0415 - members point at customers

        mine = Membership.objects.active().filter(user=user)
        return self.open().filter(pk__in=mine.values("customer_id"))

    def for_agent(self, user: User) -> CustomerQuerySet:
        return self.filter(merchant__in=Merchant.objects.for_agent(user))

    def open(self) -> CustomerQuerySet:
        return self.filter(closed_at=None)


class Customer(Address):
    class Kind(models.TextChoices):
        INDIVIDUAL = "individual", _("Individual")
        BUSINESS = "business", _("Business")
        MEMBER = "member", _("Member company")

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    # Without an index of its own: that of the number begins with it.
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="customers", verbose_name=_("merchant"), db_index=False
    )
    number = models.CharField(_("number"), max_length=40, help_text=_("As in the merchant’s books."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=200, help_text=_("As in the merchant’s books."))
    email = models.EmailField(
        _("contact e-mail"), blank=True, help_text=_("Whoever confirms it is recognised, except for a member company.")
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True, help_text=_("E.164, or as in the books."))
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.FRENCH)
    neq = models.CharField("NEQ", max_length=10, blank=True)
    program = models.CharField(_("programme"), max_length=40, blank=True)
    terms_days = models.PositiveSmallIntegerField(_("terms, days"), default=0, help_text=_("0: due on receipt."))
    credit_limit = models.DecimalField(
        _("credit limit"), max_digits=12, decimal_places=2, null=True, blank=True, help_text=_("CAD; empty: none set.")
    )
    features = ArrayField(
        models.CharField(max_length=10, choices=Feature),
        verbose_name=_("contracts and subscriptions"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Set by an agent: some permissions are worth nothing without them."),
    )
    opened_at = models.DateTimeField(
        _("space opened"), null=True, blank=True, editable=False, help_text=_("When its first person came in.")
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, help_text=_("From then on nobody gets in."))
    held_at = models.DateTimeField(_("on hold"), null=True, blank=True, editable=False)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    hold_reason = models.CharField(
        _("reason of the hold"),
        max_length=500,
        blank=True,
        db_default="",
        help_text=_("Read by agents at the counters."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [(permission.value, str(permission.name)) for permission in Permission]
        default_permissions = ("add", "change", "delete", "view")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="customer_number_unique"),
            models.CheckConstraint(
                condition=models.Q(email=Lower(Trim("email"))),
                name="customer_email_normalized",
            ),
            models.CheckConstraint(
                condition=models.Q(credit_limit=None) | models.Q(credit_limit__gte=0),
                name="customer_credit_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(features__contained_by=list(Feature)), name="customer_features_known"
            ),
            models.CheckConstraint(
                condition=models.Q(held_at=None, held_by=None, hold_reason="")
                | (models.Q(held_at__isnull=False, held_by__isnull=False) & ~models.Q(hold_reason="")),
                name="customer_hold_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["email"], name="customer_email"),
            models.Index(fields=["merchant", "name", "id"], name="customer_by_name"),
            models.Index(fields=["merchant", "-created_at", "-id"], name="customer_by_creation"),
            models.Index(F("merchant"), PlainText("name"), name="customer_word_1"),
            models.Index(F("merchant"), PlainAfterOneWord("name"), name="customer_word_2"),
            models.Index(F("merchant"), PlainAfterTwoWords("name"), name="customer_word_3"),
            models.Index(F("merchant"), Capitals("number"), name="customer_number_start"),
            models.Index(DigitsBackwards("phone"), name="customer_phone_end"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    def get_absolute_url(self) -> str:
        return reverse("portal:home", args=[self.public_id])

    def permissions_for(self, user: User) -> frozenset[Permission]:
        """What this person may do for this customer, now: their role's, and what was granted beyond it."""
        from organizations.access import permissions_of  # noqa: PLC0415 - access asks members, who point at customers

        return permissions_of(customer=self, user=user)
