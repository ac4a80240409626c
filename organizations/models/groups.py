"""Parent companies and their subsidiaries: asked for, confirmed by an agent, ended; never a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer
from organizations.models.merchants import Merchant

if TYPE_CHECKING:
    from accounts.models import User

SHOWN = 12
# Links are confirmed one after the other, so that two confirmed at the same instant make no circle either.
KEEPS_A_TREE = """
IF NEW.is_accepted AND NEW.ended_at IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('organizations_companylink'));
    IF (SELECT count(DISTINCT merchant_id) FROM organizations_customer
        WHERE id IN (NEW.parent_id, NEW.subsidiary_id)) > 1 THEN
        RAISE EXCEPTION 'companies % and % are of two merchants', NEW.parent_id, NEW.subsidiary_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'company_link_within_a_merchant';
    END IF;
    IF EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT NEW.parent_id
            UNION
            SELECT link.parent_id FROM organizations_companylink link JOIN above ON link.subsidiary_id = above.id
            WHERE link.is_accepted AND link.ended_at IS NULL AND link.id <> NEW.id
        )
        SELECT 1 FROM above WHERE id = NEW.subsidiary_id
    ) THEN
        RAISE EXCEPTION 'company % would be above itself', NEW.subsidiary_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'company_link_makes_no_circle';
    END IF;
END IF;
RETURN NULL;
"""


class CompanyLinkQuerySet(models.QuerySet["CompanyLink"]):
    def waiting(self) -> CompanyLinkQuerySet:
        return self.filter(decided_at=None)

    def in_force(self) -> CompanyLinkQuerySet:
        """Confirmed and not ended, between two companies that are open."""
        return self.filter(is_accepted=True, ended_at=None, parent__closed_at=None, subsidiary__closed_at=None)

    def for_agent(self, user: User) -> CompanyLinkQuerySet:
        return self.filter(parent__merchant__in=Merchant.objects.for_agent(user))


class CompanyLink(models.Model):
    """One company says another is its subsidiary. Which company has that number is looked up by who decides."""

    parent = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="subsidiary_links", verbose_name=_("parent company")
    )
    customer_number = models.CharField(_("customer number of the subsidiary"), max_length=40)
    message = models.TextField(_("message"), max_length=500, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    subsidiary = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="parent_links",
        verbose_name=_("subsidiary"),
        help_text=_("Empty until an agent confirms it: whoever asks never learns whose number it is."),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    is_accepted = models.BooleanField(_("accepted"), null=True, editable=False)
    decision = models.TextField(_("what was verified, or why not"), blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("ended by"),
    )

    objects = CompanyLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("parent and subsidiary")
        verbose_name_plural = _("parents and subsidiaries")
        constraints = [
            models.CheckConstraint(
                condition=Q(subsidiary=None) | ~Q(parent=F("subsidiary")), name="company_link_joins_two_companies"
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, is_accepted=None, decision="")
                | (Q(decided_at__isnull=False, decided_by__isnull=False, is_accepted__isnull=False) & ~Q(decision="")),
                name="company_link_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(is_accepted=True, subsidiary__isnull=False)
                | (Q(subsidiary=None) & (Q(is_accepted=None) | Q(is_accepted=False))),
                name="company_link_names_the_subsidiary_once_confirmed",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | Q(ended_at__isnull=False, ended_by__isnull=False, is_accepted=True),
                name="company_link_end_is_whole",
            ),
            models.UniqueConstraint(
                fields=["subsidiary"], condition=Q(is_accepted=True, ended_at=None), name="company_link_one_parent"
            ),
            models.UniqueConstraint(
                fields=["parent", "customer_number"], condition=Q(decided_at=None), name="company_link_one_waiting"
            ),
        ]
        indexes = [
            models.Index(
                fields=["parent", "subsidiary"],
                condition=Q(is_accepted=True, ended_at=None),
                name="company_link_of_parent",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="keeps_a_tree",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Immediate,
                func=KEEPS_A_TREE,
            )
        ]

    def __str__(self) -> str:
        return f"{self.parent} → {self.subsidiary or self.customer_number}"

    @property
    def customer(self) -> Customer:
        """The company that asks: what agents' pages call the customer of a row."""
        return self.parent


def subsidiaries_of(customer: str) -> ArraySubquery:
    """By name, up to twelve: the public id, name and number of each subsidiary of the customer at that path."""
    links = CompanyLink.objects.in_force().filter(parent=OuterRef(customer)).order_by("subsidiary__name", "pk")
    texts = ArrayField(models.TextField())
    words = Func(
        *(F(f"subsidiary__{field}") for field in ("public_id", "name", "number")),
        template="ARRAY[%(expressions)s]::text[]",
        output_field=texts,
    )
    return ArraySubquery(links.annotate(words=words).values("words")[:SHOWN])
