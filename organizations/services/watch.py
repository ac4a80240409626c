"""What changed in the register for companies already verified: noticed after each edition, decided by an agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.formats import long_moment
from accounts.models import User
from organizations import audit
from organizations.letters import tell_about_identity
from organizations.models import AuditEvent, Customer, Organization, RegisterAlert, Verification, WatchedEdition
from organizations.refusals import Refusal
from organizations.services.verification import AlreadyDecided, ReasonMissing, WordsMissing, withdraw_identity
from registry.models import Change, Edition

# What may make a verified name or number wrong; an address never does.
WATCHED = (Change.Kind.STRUCK_OFF, Change.Kind.LAPSED, Change.Kind.RENAMED, Change.Kind.MERGED)
State = RegisterAlert.State


class NoLongerVerified(Refusal):
    sentence: str | Promise = _("This company is not verified any more: nothing is left to decide.")


def watch_register() -> int:
    """Look through each edition not looked through yet; how many alerts that made. Twice is once."""
    new = Edition.objects.exclude(pk__in=WatchedEdition.objects.values("edition_id")).order_by("pk")
    return sum(_watch(edition=edition) for edition in new)


@transaction.atomic
def keep_verified(*, alert: RegisterAlert, words: str, by: User) -> RegisterAlert:
    """The change does not matter, for a reason that is kept. A second click changes nothing."""
    alert, is_new = _decide(alert, state=State.DISMISSED, words=words, by=by)
    if is_new:
        _record(AuditEvent.Event.ALERT_DISMISSED, alert, by=by, reason=alert.words)
    return alert


@transaction.atomic
def ask_again(*, alert: RegisterAlert, words: str, by: User) -> RegisterAlert:
    """Ask the company to declare itself again, by mail and on its page; it stays verified until that is decided."""
    alert, is_new = _decide(alert, state=State.FORWARDED, words=words, by=by)
    if is_new:
        _record(AuditEvent.Event.ALERT_FORWARDED, alert, by=by)
        _tell(alert, template="organization_asked_again")
    return alert


@transaction.atomic
def withdraw_verification(*, alert: RegisterAlert, reasons: Sequence[str], words: str, by: User) -> RegisterAlert:
    """The company is verified no more: new invoices bear a person's name, and its people are written to."""
    if not reasons:
        raise ReasonMissing
    kept = [code for code in Verification.Reason.values if code in reasons]
    alert, is_new = _decide(alert, state=State.WITHDRAWN, words=words, by=by, reasons=kept)
    if is_new:
        organization, at = alert.organization, alert.decided_at or timezone.now()
        withdraw_identity(organization=organization, declared_by=_who_declared(organization) or by, at=at)
        _record(AuditEvent.Event.ORGANIZATION_WITHDRAWN, alert, by=by, reasons=",".join(alert.reasons))
        _tell(alert, template="organization_withdrawn")
    return alert


@transaction.atomic
def _watch(*, edition: Edition) -> int:
    """The alerts of one edition, for companies verified before it came."""
    _watched, is_new = WatchedEdition.objects.get_or_create(edition=edition)
    if not is_new:
        return 0
    verified = Organization.objects.filter(verified_at__isnull=False).exclude(neq="")
    changes = list(Change.objects.filter(edition=edition, kind__in=WATCHED, neq__in=verified.values("neq")))
    by_hand = Q(verification=None) | Q(verification__edition=None)
    before = verified.filter(
        Q(verification__edition_id__lt=edition.pk) | (by_hand & Q(verified_at__lt=edition.imported_at)),
        neq__in={change.neq for change in changes},
    )
    concerned: dict[str, list[Organization]] = {}
    for organization in before:
        concerned.setdefault(organization.neq, []).append(organization)
    alerts = [
        RegisterAlert(organization=organization, change=change)
        for change in changes
        for organization in concerned.get(change.neq, ())
    ]
    RegisterAlert.objects.bulk_create(alerts)
    return len(alerts)


def _decide(
    alert: RegisterAlert, *, state: str, words: str, by: User, reasons: Sequence[str] = ()
) -> tuple[RegisterAlert, bool]:
    """The alert as decided, locked after its customer, and whether this call decided it."""
    customer_id = alert.organization.customer_id
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=customer_id)
    rows = RegisterAlert.objects.select_related("organization", "change", "decided_by")
    alert = rows.select_for_update(of=("self",)).get(pk=alert.pk)
    alert.organization.customer = customer
    if alert.state == state and alert.decided_by_id == by.pk:
        return alert, False
    if not alert.is_open:
        moment = long_moment(alert.decided_at, get_language() or "fr-ca")
        raise AlreadyDecided(person=alert.decided_by, moment=moment, state=alert.get_state_display())
    if alert.organization.verified_at is None:
        raise NoLongerVerified
    if not words.strip():
        raise WordsMissing
    alert.state, alert.words, alert.reasons = state, words.strip(), list(reasons)
    alert.decided_at, alert.decided_by = timezone.now(), by
    alert.save(update_fields=["state", "words", "reasons", "decided_at", "decided_by"])
    return alert, True


def _who_declared(organization: Organization) -> User | None:
    return organization.verification.submitted_by if organization.verification else None


def _record(event: AuditEvent.Event, alert: RegisterAlert, *, by: User, **data: str) -> None:
    facts: dict[str, Any] = {"alert": alert.pk, "name": alert.organization.legal_name, **data}
    audit.record(event=event, customer=alert.organization.customer, by=by, **facts)


def _tell(alert: RegisterAlert, *, template: str) -> None:
    tell_about_identity(
        customer=alert.organization.customer,
        template=template,
        context={"alert": alert, "organization": alert.organization},
    )
