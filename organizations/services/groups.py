"""Parent companies and subsidiaries: a link is asked for or declared, confirmed or refused by an agent, and ended."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import membership_of, who_can_grant
from organizations.letters import absolute, write_to
from organizations.models import AuditEvent, CompanyLink, Customer, Mandate, Merchant
from organizations.permissions import OPENING_ROLES
from organizations.refusals import Refusal
from organizations.services.mandates import NoTeam, end_mandate, lock_customer
from organizations.services.reach import BeyondReach
from organizations.services.requests import ReasonMissing

LINKS_A_DAY = 5
Event = AuditEvent.Event


class OwnNumber(Refusal):
    sentence: str | Promise = _("This is your own customer number. Type that of the subsidiary.")


class TooManyLinks(Refusal):
    sentence: str | Promise = _("You asked several times today already. Call us: we will help you.")


class LinkDecided(Refusal):
    sentence: str | Promise = _("This was decided already. Nothing was changed.")


class SubsidiaryUnknown(Refusal):
    sentence: str | Promise = _("No open member company of this merchant has the number %(number)s.")


class HasParent(Refusal):
    sentence: str | Promise = _("%(company)s has a parent company already: end that link first.")


class MakesCircle(Refusal):
    sentence: str | Promise = _("%(company)s is above this company already: a company cannot be above itself.")


@transaction.atomic
def ask_link(*, parent: Customer, customer_number: str, message: str, by: User) -> CompanyLink:
    """An administrator names a subsidiary by its number; agents look at it. Who asks never learns whether it exists.

    The same twice is once. Raises BeyondReach, OwnNumber, TooManyLinks.
    """
    parent = lock_customer(pk=parent.pk)
    asker = membership_of(customer=parent, user=by)
    if asker is None or asker.role not in OPENING_ROLES:
        raise BeyondReach
    if customer_number == parent.number:
        raise OwnNumber
    mine = CompanyLink.objects.filter(parent=parent)
    known = mine.waiting().filter(customer_number=customer_number) | mine.in_force().filter(
        subsidiary__number=customer_number
    )
    if (same := known.order_by("-pk").first()) is not None:
        return same
    if mine.filter(asked_at__gt=timezone.now() - timedelta(days=1)).count() >= LINKS_A_DAY:
        raise TooManyLinks
    return _open(parent, customer_number=customer_number, message=message, by=by)


@transaction.atomic
def declare_link(*, parent: Customer, customer_number: str, by: User) -> CompanyLink:
    """An agent declares it; it waits for the same decision as one that was asked. Raises NoTeam, OwnNumber."""
    parent = lock_customer(pk=parent.pk)
    if parent.kind != Customer.Kind.MEMBER or parent.closed_at is not None:
        raise NoTeam
    if customer_number == parent.number:
        raise OwnNumber
    if (company := company_named(parent=parent, customer_number=customer_number)) is None:
        raise SubsidiaryUnknown(number=customer_number)
    waiting = CompanyLink.objects.waiting().filter(parent=parent, customer_number=company.number)
    return waiting.first() or _open(parent, customer_number=company.number, message="", by=by)


@transaction.atomic
def confirm_link(*, link: CompanyLink, decision: str, by: User) -> CompanyLink:
    """From now on the parent's administrators manage the subsidiary's team; both companies' are told.

    Raises ReasonMissing, LinkDecided, SubsidiaryUnknown, HasParent, MakesCircle.
    """
    if not (decision := decision.strip()):
        raise ReasonMissing
    # One at a time for a merchant: two that would close a circle wait for each other.
    Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=link.parent.merchant_id)
    link = _lock(link)
    subsidiary = company_named(parent=link.parent, customer_number=link.customer_number)
    if subsidiary is None or subsidiary.pk == link.parent_id:
        raise SubsidiaryUnknown(number=link.customer_number)
    if CompanyLink.objects.filter(is_accepted=True, ended_at=None, subsidiary=subsidiary).exists():
        raise HasParent(company=subsidiary.name)
    if subsidiary.pk in _above(link.parent):
        raise MakesCircle(company=subsidiary.name)
    subsidiary = lock_customer(pk=subsidiary.pk)
    link.subsidiary, link.is_accepted = subsidiary, True
    _decide(link, decision=decision, by=by)
    _record(Event.LINK_CONFIRMED, link, by=by)
    _tell(link, link.parent, subsidiary)
    return link


@transaction.atomic
def refuse_link(*, link: CompanyLink, decision: str, by: User) -> CompanyLink:
    """In words the company that asked reads: they must not say whether the number is anybody's."""
    if not (decision := decision.strip()):
        raise ReasonMissing
    link = _lock(link)
    link.is_accepted = False
    _decide(link, decision=decision, by=by)
    _record(Event.LINK_REFUSED, link, by=by)
    _tell(link, link.parent)
    return link


@transaction.atomic
def end_link(*, link: CompanyLink, by: User) -> CompanyLink:
    """From the very next request nobody comes in by it; what was signed by it and not accepted ends. Twice is once."""
    parent = lock_customer(pk=link.parent_id)
    found = CompanyLink.objects.select_for_update(of=("self",)).select_related("subsidiary").get(pk=link.pk)
    if found.subsidiary_id is None or found.ended_at is not None:
        return found
    found.parent, found.subsidiary = parent, lock_customer(pk=found.subsidiary_id)
    found.ended_at, found.ended_by = timezone.now(), by
    found.save(update_fields=["ended_at", "ended_by"])
    waiting = Mandate.objects.live().filter(through=found, effective_at=None)
    for mandate in waiting.select_for_update(of=("self",)).order_by("pk"):
        end_mandate(mandate=mandate, by=by)
    _record(Event.LINK_ENDED, found, by=by)
    _tell(found, parent, found.subsidiary)
    return found


def company_named(*, parent: Customer, customer_number: str) -> Customer | None:
    """The open member company of that number, at the merchant of the parent. One query."""
    companies = Customer.objects.open().filter(merchant=parent.merchant_id, kind=Customer.Kind.MEMBER)
    return companies.filter(number=customer_number).first()


def _open(parent: Customer, *, customer_number: str, message: str, by: User) -> CompanyLink:
    link = CompanyLink.objects.create(parent=parent, customer_number=customer_number, message=message, asked_by=by)
    _record(Event.LINK_ASKED, link, by=by)
    return link


def _lock(link: CompanyLink) -> CompanyLink:
    """After its parent: what is not decided yet."""
    parent = lock_customer(pk=link.parent_id)
    found = CompanyLink.objects.select_for_update(of=("self",)).select_related("asked_by").get(pk=link.pk)
    if found.decided_at is not None:
        raise LinkDecided
    found.parent = parent
    return found


def _decide(link: CompanyLink, *, decision: str, by: User) -> None:
    link.decided_at, link.decided_by, link.decision = timezone.now(), by, decision
    link.save(update_fields=["subsidiary", "is_accepted", "decided_at", "decided_by", "decision"])


def _above(customer: Customer) -> set[int]:
    """The companies above one, itself included. As many queries as there are floors; the database keeps it finite."""
    found: set[int] = set()
    above: int | None = customer.pk
    links = CompanyLink.objects.filter(is_accepted=True, ended_at=None)
    while above is not None:
        found.add(above)
        above = links.filter(subsidiary=above).values_list("parent", flat=True).first()
    return found


def _record(event: AuditEvent.Event, link: CompanyLink, *, by: User) -> None:
    """In the history of both companies, as far as there are two."""
    subsidiary = link.subsidiary or company_named(parent=link.parent, customer_number=link.customer_number)
    named = str(subsidiary or link.customer_number)
    for customer in filter(None, [link.parent, subsidiary]):
        audit.record(event=event, customer=customer, by=by, parent=str(link.parent), subsidiary=named, link=link.pk)


def _tell(link: CompanyLink, *companies: Customer) -> None:
    """Write to the administrators of each company."""
    for company in companies:
        is_parent = company.pk == link.parent_id
        page = "organizations:subsidiaries" if is_parent else "organizations:team"
        for membership in who_can_grant(customer=company):
            if (person := membership.user) is None:
                continue
            write_to(
                merchant=link.parent.merchant,
                to=person.email,
                template="organizations/emails/company_link",
                context={
                    "customer": company,
                    "link": link,
                    "subsidiary": link.subsidiary,
                    "person": person,
                    "is_parent": is_parent,
                    "action_url": absolute(reverse(page, args=[company.public_id])),
                },
                language=person.language,
            )
