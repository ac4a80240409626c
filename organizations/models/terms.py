"""What a person may do for a customer, and within which edges: of a membership in force, or of a mandate to sign."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from organizations.permissions import Role


class Terms(models.Model):
    """A role and its edges; the branches are each model's own. No limit is empty: zero allows nothing."""

    role = models.CharField(_("role"), max_length=14, choices=Role)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True, help_text=_("Last day included."))
    ceiling = models.DecimalField(
        _("ceiling"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("CAD for one transaction, taxes included. Empty: no limit. 0: nothing."),
    )
    requires_purchase_order = models.BooleanField(_("purchase order compulsory"), default=False, db_default=False)

    class Meta:
        abstract = True


# Named after the model of each: "%(class)s" is Django's mark.
TERMS_CONSTRAINTS = (
    models.CheckConstraint(
        condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
        name="%(class)s_ends_after_start",
    ),
    models.CheckConstraint(condition=Q(ceiling=None) | Q(ceiling__gte=0), name="%(class)s_ceiling_not_negative"),
)
