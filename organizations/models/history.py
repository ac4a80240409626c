"""What happened: an append-only list that the database itself refuses to rewrite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from organizations.models.customers import Customer
from organizations.models.merchants import Merchant

if TYPE_CHECKING:
    from accounts.models import User


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def for_agent(self, user: User) -> AuditEventQuerySet:
        """What one merchant's agents wrote is invisible to the other merchants."""
        return self.filter(merchant__in=Merchant.objects.for_agent(user))


class AuditEvent(models.Model):
    """One fact: a code and its data. The sentence is made from them when somebody reads it."""

    class Event(models.TextChoices):
        CUSTOMER_RECOGNIZED = "customer_recognized", _("Recognised by e-mail")
        CUSTOMER_LINKED = "customer_linked", _("Linked by an agent")
        CUSTOMER_OPENED = "customer_opened", _("Space opened")
        CUSTOMER_EMAIL_CHANGED = "customer_email_changed", _("Contact e-mail changed")
        ACCESS_REQUESTED = "access_requested", _("Access requested")
        ACCESS_REFUSED = "access_refused", _("Access refused")
        ACTIVATION_SENT = "activation_sent", _("Activation request sent")
        ACTIVATION_USED = "activation_used", _("Activated")
        PERMISSION_ASKED = "permission_asked", _("Permission asked for")
        MEMBER_REMOVED = "member_removed", _("Member removed")
        CARD_MADE = "card_made", _("Card made")
        CUSTOMER_HELD = "customer_held", _("Put on hold")
        CUSTOMER_RELEASED = "customer_released", _("Hold lifted")
        MEMBER_LEFT = "member_left", _("Declared gone")
        IDENTITY_SUBMITTED = "identity_submitted", _("Identity declared")
        IDENTITY_COMPARED = "identity_compared", _("Identity compared again")
        IDENTITY_OBSERVED = "identity_observed", _("Public register looked at")
        ORGANIZATION_VERIFIED = "organization_verified", _("Organization verified")
        ORGANIZATION_REFUSED = "organization_refused", _("Organization refused")
        ORGANIZATION_QUESTIONED = "organization_questioned", _("More information asked for")
        ALERT_DISMISSED = "alert_dismissed", _("Kept verified after a change in the register")
        ALERT_FORWARDED = "alert_forwarded", _("New verification asked for")
        MANDATE_PREPARED = "mandate_prepared", _("Mandate prepared")
        MANDATE_SIGNED = "mandate_signed", _("Mandate signed")
        MANDATE_CANCELLED = "mandate_cancelled", _("Mandate given up")
        INVITATION_ACCEPTED = "invitation_accepted", _("Invitation accepted")
        MEMBER_CHANGED = "member_changed", _("Access changed")
        MEMBER_REDUCED = "member_reduced", _("Access reduced")
        PROOF_ACCEPTED = "proof_accepted", _("Proof of authority accepted")
        PROOF_REFUSED = "proof_refused", _("Proof of authority refused")
        JOIN_ASKED = "join_asked", _("Asked to join")
        JOIN_DECIDED = "join_decided", _("Request to join decided")
        TAKE_OVER_ASKED = "take_over_asked", _("Take-over asked for")
        TAKE_OVER_OPPOSED = "take_over_opposed", _("Take-over opposed")
        TAKE_OVER_WITHDRAWN = "take_over_withdrawn", _("Take-over withdrawn")
        TAKE_OVER_DECIDED = "take_over_decided", _("Take-over decided")
        REVIEW_BEGUN = "review_begun", _("Review of access begun")
        REVIEW_REMINDED = "review_reminded", _("Reminded of the review of access")
        REVIEW_CLOSED = "review_closed", _("Review of access ended")
        MEMBER_CONFIRMED = "member_confirmed", _("Access confirmed")
        REST_CONFIRMED = "rest_confirmed", _("All other access confirmed")
        LINK_ASKED = "link_asked", _("Subsidiary declared")
        LINK_CONFIRMED = "link_confirmed", _("Subsidiary confirmed")
        LINK_REFUSED = "link_refused", _("Subsidiary refused")
        LINK_ENDED = "link_ended", _("Subsidiary no more")
        CASE_OPENED = "case_opened", _("Refusal at a counter questioned")
        CASE_ANSWERED = "case_answered", _("Question about a refusal answered")
        ORGANIZATION_WITHDRAWN = "organization_withdrawn", _("Verification withdrawn")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, related_name="events")
    event = models.CharField(_("event"), max_length=40, choices=Event)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    data = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("moment"), default=timezone.now)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("history")
        indexes = [
            models.Index(fields=["customer", "-id"], name="event_of_customer"),
            models.Index(fields=["merchant", "-id"], name="event_of_merchant"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} · {self.at:%Y-%m-%d %H:%M}"
