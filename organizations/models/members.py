"""The people of a customer: their role, since when and until when, and what they were granted beyond it."""

from __future__ import annotations

from datetime import date

import pgtrigger
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from accounts.spelling import DigitsBackwards, PlainText
from organizations.models.customers import Customer
from organizations.models.guards import KEEPS_AN_ADMINISTRATOR
from organizations.models.listing import LISTED_OF_MEMBER
from organizations.models.merchants import Branch
from organizations.models.terms import TERMS_CONSTRAINTS, Terms
from organizations.permissions import OPENING_ROLES, Role


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self, *, on: date | None = None) -> MembershipQuerySet:
        """In force on that day (today): begun, not ended, not removed, of a customer that is open."""
        day = on or timezone.localdate()
        return self.filter(
            Q(starts_on=None) | Q(starts_on__lte=day),
            Q(ends_on=None) | Q(ends_on__gte=day),
            removed_at=None,
            customer__closed_at=None,
        )

    def with_granted(self) -> MembershipQuerySet:
        """With `granted`: the codes ticked for each person beyond their role."""
        granted = Grant.objects.filter(content_object=OuterRef("customer_id"), user=OuterRef("user_id"))
        return self.annotate(granted=ArraySubquery(granted.values("permission__codename")))

    def in_charge(self, *, on: date | None = None) -> MembershipQuerySet:
        """People in, who can manage access that day (today) and for good: the last of them stays.

        Nobody whose profile is closed is: they cannot sign in.
        """
        # `user__isnull` says again what the join does: the index of these people holds it.
        in_charge = self.active(on=on).filter(user__isnull=False, role__in=OPENING_ROLES, ends_on=None)
        return in_charge.filter(user__is_active=True)

    def waiting(self) -> MembershipQuerySet:
        """On file, in force, and not yet linked to a person who signs in."""
        return self.active().filter(user=None)

    def ended(self) -> MembershipQuerySet:
        """Of people who had come in, and whose access is over: removed, past their last day, or the customer closed."""
        is_past = Q(ends_on__lt=timezone.localdate())
        return self.exclude(user=None).filter(
            Q(removed_at__isnull=False) | is_past | Q(customer__closed_at__isnull=False)
        )


class Membership(Terms):
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    email = models.EmailField(_("e-mail on file"), blank=True)
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    branches = models.ManyToManyField(
        Branch, blank=True, related_name="+", verbose_name=_("branches"), help_text=_("None: all of them.")
    )
    listed = models.TextField(default="", editable=False, db_collation="C")  # organizations.models.listing
    linked_at = models.DateTimeField(_("linked"), null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "user"], condition=Q(removed_at=None), name="membership_one_per_person"
            ),
            models.UniqueConstraint(
                fields=["customer", "email"],
                condition=Q(removed_at=None) & ~Q(email=""),
                name="membership_one_per_email",
            ),
            models.CheckConstraint(
                condition=Q(email=Lower(Trim("email"))),
                name="membership_email_normalized",
            ),
            models.CheckConstraint(
                condition=Q(user=None, linked_at=None) | Q(user__isnull=False, linked_at__isnull=False),
                name="membership_link_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(removed_by=None) | Q(removed_at__isnull=False), name="membership_removal_has_moment"
            ),
            *TERMS_CONSTRAINTS,
        ]
        indexes = [
            models.Index(fields=["user", "customer"], condition=Q(removed_at=None), name="membership_of_person"),
            models.Index(fields=["email"], condition=Q(removed_at=None, user=None), name="membership_waiting"),
            models.Index(fields=["customer", "listed", "id"], name="membership_team"),
            models.Index(fields=["customer", "role", "listed", "id"], name="membership_team_role"),
            models.Index(
                fields=["customer", "role", "id"],
                condition=Q(removed_at=None, ends_on=None, user__isnull=False),
                name="membership_in_charge",
            ),
            models.Index(PlainText("last_name", "first_name"), name="membership_last_first"),
            models.Index(PlainText("first_name", "last_name"), name="membership_first_last"),
            models.Index(DigitsBackwards("phone"), name="membership_phone_end"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="keeps_an_administrator",
                operation=pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.After,
                timing=pgtrigger.Immediate,
                func=KEEPS_AN_ADMINISTRATOR,
            ),
            pgtrigger.Trigger(
                name="listed",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("first_name", "last_name", "email", "user_id"),
                when=pgtrigger.Before,
                func=LISTED_OF_MEMBER,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {Role(self.role).label}"

    def get_role_display(self) -> str:  # type: ignore[no-redef]  # Django lets a class say it otherwise
        """The role in the person's words: nobody is the owner or signatory of an individual."""
        if self.role == Role.OWNER and self.customer.kind == Customer.Kind.INDIVIDUAL:
            return str(_("Account holder"))
        return str(Role(self.role).label)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


class Grant(UserObjectPermissionBase):
    """A permission ticked for one person beyond their role: guardian's table, with a real foreign key."""

    content_object = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="grants")

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = _("granted access")
        verbose_name_plural = _("granted access")

    def __str__(self) -> str:
        return f"{self.user}: {self.permission} → {self.content_object}"
