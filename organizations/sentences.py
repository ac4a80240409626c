"""The history in words: the sentence of a fact, made from its code and data in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organizations.models import AuditEvent, Verification
from organizations.permissions import Permission

Event = AuditEvent.Event

SENTENCES: dict[str, str | Promise] = {
    Event.CUSTOMER_RECOGNIZED: _("%(by)s was recognised by e-mail as %(customer)s."),
    Event.CUSTOMER_LINKED: _("%(by)s linked %(email)s to %(customer)s."),
    Event.CUSTOMER_OPENED: _("%(by)s opened the space of %(customer)s."),
    Event.CUSTOMER_EMAIL_CHANGED: _(
        "%(by)s changed the contact e-mail of %(customer)s from %(old)s to %(new)s: %(reason)s"
    ),
    Event.ACCESS_REQUESTED: _("%(by)s, recognised by nobody, asked for access."),
    Event.ACCESS_REFUSED: _("%(by)s refused access to %(email)s."),
    Event.ACTIVATION_SENT: _("%(by)s sent an activation request for %(customer)s to %(email)s."),
    Event.ACTIVATION_USED: _("%(by)s opened the activation request of %(customer)s and chose a password."),
    Event.PERMISSION_ASKED: _("%(by)s asked for a permission on %(customer)s: %(permission)s"),
    Event.MEMBER_REMOVED: _("%(by)s ended the membership of %(email)s in %(customer)s."),
    Event.CARD_MADE: _("%(by)s made a card for %(email)s in %(customer)s."),
    Event.CUSTOMER_HELD: _("%(by)s put %(customer)s on hold at the counters: %(reason)s"),
    Event.CUSTOMER_RELEASED: _("%(by)s lifted the hold of %(customer)s."),
    Event.MEMBER_LEFT: _("%(by)s declared that %(email)s left %(customer)s."),
    Event.IDENTITY_SUBMITTED: _("%(by)s declared %(customer)s to be %(name)s, NEQ %(neq)s."),
    Event.IDENTITY_COMPARED: _("%(by)s compared %(name)s, of %(customer)s, with the register again."),
    Event.IDENTITY_OBSERVED: _("%(by)s recorded what the public register shows of %(name)s, of %(customer)s: %(fact)s"),
    Event.ORGANIZATION_VERIFIED: _("%(by)s verified %(name)s as the identity of %(customer)s."),
    Event.ORGANIZATION_REFUSED: _("%(by)s refused %(name)s as the identity of %(customer)s: %(reasons)s"),
    Event.ORGANIZATION_QUESTIONED: _("%(by)s asked %(customer)s for more about %(name)s."),
    Event.ALERT_DISMISSED: _("%(by)s kept %(name)s, of %(customer)s, verified in spite of the register: %(reason)s"),
    Event.ALERT_FORWARDED: _("%(by)s asked %(customer)s, verified as %(name)s, to declare its identity again."),
    Event.ORGANIZATION_WITHDRAWN: _("%(by)s withdrew the verification of %(name)s, of %(customer)s: %(reasons)s"),
    Event.MANDATE_PREPARED: _("%(by)s prepared a mandate for %(email)s at %(customer)s."),
    Event.MANDATE_SIGNED: _("%(by)s signed the mandate of %(email)s at %(customer)s."),
    Event.MANDATE_CANCELLED: _("%(by)s gave up the mandate of %(email)s at %(customer)s."),
    Event.INVITATION_ACCEPTED: _("%(by)s accepted the invitation sent to %(email)s for %(customer)s."),
    Event.MEMBER_CHANGED: _("What %(email)s may do at %(customer)s changed, by the mandate %(by)s signed."),
    Event.MEMBER_REDUCED: _("%(by)s reduced what %(email)s may do at %(customer)s."),
    Event.PROOF_ACCEPTED: _("%(by)s accepted the proof of authority of %(email)s at %(customer)s."),
    Event.PROOF_REFUSED: _("%(by)s refused the proof of authority of %(email)s at %(customer)s."),
    Event.JOIN_ASKED: _("%(by)s asked to join %(customer)s."),
    Event.JOIN_DECIDED: _("%(by)s answered the request of %(email)s to join %(customer)s."),
    Event.TAKE_OVER_ASKED: _("%(by)s asked to take over the access of %(customer)s."),
    Event.TAKE_OVER_OPPOSED: _("%(by)s opposed that %(email)s take over the access of %(customer)s."),
    Event.TAKE_OVER_WITHDRAWN: _("%(email)s, who asked to take over the access of %(customer)s, has left: it is over."),
    Event.LINK_ASKED: _("%(by)s asked that %(subsidiary)s be linked to %(parent)s as its subsidiary."),
    Event.LINK_CONFIRMED: _("%(by)s confirmed %(subsidiary)s as a subsidiary of %(parent)s."),
    Event.LINK_REFUSED: _("%(by)s refused to link %(subsidiary)s to %(parent)s."),
    Event.LINK_ENDED: _("%(by)s ended the link of %(subsidiary)s to its parent company %(parent)s."),
    Event.CASE_OPENED: _("%(by)s asked the credit desk about the refusal of %(person)s, of %(customer)s."),
    Event.CASE_ANSWERED: _("%(by)s answered about the refusal of %(person)s, of %(customer)s."),
    Event.TAKE_OVER_DECIDED: _("%(by)s decided whether %(email)s takes over the access of %(customer)s."),
    Event.REVIEW_BEGUN: _("%(by)s asked the administrators of %(customer)s who still needs access."),
    Event.REVIEW_REMINDED: _("%(by)s reminded the administrators of %(customer)s to say who still needs access."),
    Event.REVIEW_CLOSED: _("%(by)s ended the review of access to %(customer)s. People not looked at: %(left)s."),
    Event.MEMBER_CONFIRMED: _("%(by)s confirmed what %(email)s may do at %(customer)s."),
    Event.REST_CONFIRMED: _("%(by)s confirmed everybody else at %(customer)s. People: %(number)s."),
}

NEW_LINK_ASKED = _("The holder of the expired link sent to %(email)s asked for a new one.")


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        """A fact written by an older version may lack a detail: the sentence stays readable."""
        return "…"


def sentence(event: AuditEvent) -> str:
    """One fact as a sentence in the current language. Reads `by` and `customer`: select them with the events."""
    words = _Words({key: value or "–" for key, value in event.data.items()})
    permission = event.data.get("permission")
    if permission in Permission:
        words["permission"] = Permission(permission).label
    words |= _labels(event.data)
    sentences = SENTENCES
    if event.event == Event.ACCESS_REQUESTED and "activation" in event.data:
        sentences = {**SENTENCES, Event.ACCESS_REQUESTED: NEW_LINK_ASKED}
    words["by"] = str(event.by) if event.by else str(_("The portal"))
    words["customer"] = str(event.customer) if event.customer else "–"
    return str(sentences.get(event.event, event.get_event_display())) % words


def _labels(data: dict[str, Any]) -> dict[str, str]:
    """What a verification keeps as codes: the reasons of a refusal, parted by commas, and the fact looked at."""
    labels = {}
    reasons = [code for code in str(data.get("reasons", "")).split(",") if code in Verification.Reason]
    if reasons:
        labels["reasons"] = ", ".join(str(Verification.Reason(code).label) for code in reasons)
    if data.get("fact") in Verification.Fact:
        labels["fact"] = str(Verification.Fact(data["fact"]).label)
    return labels
