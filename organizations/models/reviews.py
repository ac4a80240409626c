"""Every quarter the administrators of a company look at who has access: the review, and each person confirmed in it."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer
from organizations.models.members import Membership, MembershipQuerySet

QUARTERS = (1, 4, 7, 10)  # the months they begin in


class ReviewQuerySet(models.QuerySet["Review"]):
    def open(self) -> ReviewQuerySet:
        return self.filter(closed_at=None)

    def settled(self) -> ReviewQuerySet:
        """Open, with nobody left to look at: whoever was left lost their access elsewhere."""
        waiting = _unconfirmed(
            customer=OuterRef("customer"), opened_at=OuterRef("opened_at"), review=OuterRef(OuterRef("pk"))
        )
        return self.open().filter(~Exists(waiting))


class Review(models.Model):
    """One look of one company at its people; of somebody named since it began a mandate speaks already."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="reviews")
    quarter = models.DateField(_("quarter"), help_text=_("Its first day."))
    opened_at = models.DateTimeField(_("begun"), default=timezone.now, editable=False)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(
        _("closed"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Everybody is looked at, or the next one began."),
    )

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review of access")
        verbose_name_plural = _("reviews of access")
        constraints = [
            models.UniqueConstraint(fields=["customer", "quarter"], name="review_one_a_quarter"),
            models.UniqueConstraint(fields=["customer"], condition=Q(closed_at=None), name="review_one_open"),
            models.CheckConstraint(
                condition=Q(quarter__day=1, quarter__month__in=QUARTERS), name="review_quarter_is_its_first_day"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")), name="review_closed_once_begun"
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], condition=Q(closed_at=None), name="review_open")]

    def __str__(self) -> str:
        return f"{self.customer} · {self.quarter:%Y-%m}"

    def waiting(self) -> MembershipQuerySet:
        """Whom nobody confirmed nor removed yet."""
        return _unconfirmed(customer=self.customer_id, opened_at=self.opened_at, review=self.pk)


class Confirmation(models.Model):
    """One person still needs what they may do: who said so, and when."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="confirmations")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="confirmations")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(_("confirmed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("confirmation of access")
        verbose_name_plural = _("confirmations of access")
        constraints = [
            models.UniqueConstraint(fields=["review", "membership"], name="confirmation_one_a_person"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.membership} · {self.confirmed_at:%Y-%m-%d}"


def _unconfirmed(*, customer: Any, opened_at: Any, review: Any) -> MembershipQuerySet:
    """Of a review, or of each of a query."""
    lasting = Q(ends_on=None) | Q(ends_on__gte=timezone.localdate())
    people = Membership.objects.filter(lasting, customer=customer, removed_at=None, created_at__lte=opened_at)
    return people.filter(~Exists(Confirmation.objects.filter(review=review, membership=OuterRef("pk"))))
