"""The companies whose portal this is, their counters, and the agents who serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase
from phonenumber_field.modelfields import PhoneNumberField

from accounts.countries import destinations

if TYPE_CHECKING:
    from accounts.models import User

SERVE_MERCHANT = "serve_merchant"


class Address(models.Model):
    """The postal address of a merchant, a counter or a customer."""

    address_line1 = models.CharField(_("address"), max_length=200, blank=True)
    address_line2 = models.CharField(_("address, continued"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    province = models.CharField(_("province"), max_length=50, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    country = models.CharField(_("country"), max_length=2, default="CA", help_text=_("ISO 3166, two letters."))

    class Meta:
        abstract = True

    @property
    def address_lines(self) -> list[str]:
        """The address as it is written on an envelope, without the country."""
        place = " ".join(part for part in (self.city, f"({self.province})" if self.province else "") if part)
        place = f"{place}  {self.postal_code}".strip()
        return [line for line in (self.address_line1, self.address_line2, place) if line]

    def envelope_lines(self, *, language: str) -> list[str]:
        """The same, with the country of mail that leaves ours."""
        destination = destinations(language=language).get(self.country, "")
        return [*self.address_lines, destination] if destination else self.address_lines


class MerchantQuerySet(models.QuerySet["Merchant"]):
    def for_agent(self, user: User) -> MerchantQuerySet:
        """The merchants this agent serves; a superuser serves all."""
        if not (user.is_active and user.is_staff):
            return self.none()
        if user.is_superuser:
            return self.all()
        return self.filter(agent_grants__user=user, agent_grants__permission__codename=SERVE_MERCHANT)

    def default(self) -> Merchant | None:
        """The merchant of public pages, and of commands that name none."""
        return self.order_by("-is_default", "pk").first()


class Merchant(Address):
    slug = models.SlugField(_("short name"), unique=True, help_text=_("In addresses and commands."))
    name = models.CharField(_("name"), max_length=120, help_text=_("As customers know it."))
    legal_name = models.CharField(_("legal name"), max_length=200)
    is_default = models.BooleanField(_("default"), default=False, help_text=_("Public pages are in its name."))
    hue = models.PositiveSmallIntegerField(
        _("hue"), default=165, validators=[MaxValueValidator(359)], help_text=_("Of its accent colour, in degrees.")
    )
    website = models.URLField(_("website"), blank=True)
    email = models.EmailField(_("account-opening desk: e-mail"))
    phone = PhoneNumberField(_("account-opening desk: phone"))
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)
    privacy_officer = models.CharField(_("privacy officer"), max_length=120, help_text=_("Title, published by law."))
    privacy_email = models.EmailField(_("privacy officer: e-mail"))
    verifies_by_itself = models.BooleanField(
        _("verifies companies by itself"),
        default=False,
        help_text=_(
            "When the NEQ, the legal name and the registration all match the register. A refusal is always a person’s."
        ),
    )
    gst_number = models.CharField(_("GST number"), max_length=20, help_text="123456789 RT 0001")
    qst_number = models.CharField(_("QST number"), max_length=20, help_text="1234567890 TQ 0001")

    objects = MerchantQuerySet.as_manager()

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        permissions = [(SERVE_MERCHANT, "Serve this merchant’s customers, as its agent")]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="merchant_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AgentGrant(UserObjectPermissionBase):
    """Guardian's permission of an agent on a merchant, with a real foreign key."""

    content_object = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="agent_grants")

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = _("agent’s access")
        verbose_name_plural = _("agents’ access")

    def __str__(self) -> str:
        return f"{self.user} → {self.content_object}"


class Branch(Address):
    """A counter where things are rented and picked up."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="branches")
    code = models.SlugField(_("code"), help_text=_("As in the merchant’s books and import files."))
    name = models.CharField(_("name"), max_length=120)
    phone = PhoneNumberField(_("phone"), blank=True)
    phone_extension = models.CharField(_("extension"), max_length=10, blank=True)

    class Meta:
        verbose_name = _("branch")
        verbose_name_plural = _("branches")
        constraints = [models.UniqueConstraint(fields=["merchant", "code"], name="branch_code_unique")]

    def __str__(self) -> str:
        return self.name
