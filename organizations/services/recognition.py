"""Who is whose: a confirmed e-mail address that is on file makes its person a member.

The contact address of an individual or a business that is not a member opens it at once. A company opens by
somebody on file who may represent it (OPENING_ROLES); the others on file follow.
"""

from __future__ import annotations

from datetime import date

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, normalize_email
from organizations import audit
from organizations.letters import absolute, write_to
from organizations.models import ActivationRequest, AuditEvent, Customer, Membership
from organizations.permissions import OPENING_ROLES, Role


def confirmed_addresses(*, user: User) -> set[str]:
    """The addresses this person proved to hold."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return {normalize_email(address) for address in addresses}


def recognize(*, user: User) -> list[Customer]:
    """Link the person to every customer their confirmed addresses open; says which are new.

    May run at any time, any number of times: three queries when nothing changes.
    """
    addresses = confirmed_addresses(user=user) if user.is_active else set()
    if not addresses:
        return []
    found = set(_known_by_contact(user=user, addresses=addresses).values_list("pk", flat=True))
    may_come_in = Q(role__in=OPENING_ROLES) | Q(customer__opened_at__isnull=False)
    mine = Membership.objects.filter(customer=OuterRef("customer"), user=user, removed_at=None)
    on_file = _on_file(addresses=addresses).filter(may_come_in, ~Exists(mine))
    found |= set(on_file.values_list("customer_id", flat=True))
    return [customer for pk in sorted(found) if (customer := _recognize_at(pk=pk, user=user, addresses=addresses))]


@transaction.atomic
def link_contact(*, customer: Customer, user: User, email: str) -> Membership:
    """Make the holder of an address an owner of the customer, or return the membership they have; opens it.

    The caller holds the customer's lock and has decided that this address is theirs: what the file said of their
    role and dates gives way.
    """
    lasting = Membership.objects.filter(customer=customer, removed_at=None)
    if (present := lasting.active().filter(user=user).first()) is not None:
        return present
    membership = lasting.filter(user=user).first() or lasting.filter(email=email, user=None).first()
    if membership is None:
        membership = Membership(customer=customer, email=email, first_name=user.first_name, last_name=user.last_name)
    membership.user, membership.linked_at, membership.role = user, timezone.now(), Role.OWNER
    membership.starts_on = membership.ends_on = None
    membership.save()
    open_space(customer=customer, by=user)
    return membership


def open_space(*, customer: Customer, by: User) -> None:
    """Mark the space as opened, once, and let in the people on file who were waiting for it. Needs the lock."""
    if customer.opened_at is not None:
        return
    customer.opened_at = timezone.now()
    customer.save(update_fields=["opened_at"])
    audit.record(event=AuditEvent.Event.CUSTOMER_OPENED, customer=customer, by=by)
    _let_in_those_who_waited(customer=customer)


def mark_activations_used(*, customer: Customer, addresses: set[str]) -> None:
    """Whoever is in needs no link any more, however they came in."""
    live = ActivationRequest.objects.filter(customer=customer, email__in=addresses, used_at=None, revoked_at=None)
    live.update(used_at=timezone.now())


def waiting_for_opening(*, user: User) -> list[tuple[Customer, Membership | None]]:
    """Companies where the person is on file and may not come in yet, or only by the contact address: whom to ask.

    A membership is there when the company still has to be opened by somebody who may; else nobody is known by it.
    """
    addresses = confirmed_addresses(user=user)
    mine = Membership.objects.filter(customer=OuterRef("pk"), user=user, removed_at=None)
    companies = (
        Customer.objects.open()
        .filter(~Exists(mine))
        .filter(
            Q(kind=Customer.Kind.MEMBER, email__in=addresses - {""})
            | Exists(_on_file(addresses=addresses).filter(customer=OuterRef("pk")))
        )
        .select_related("merchant")
    )
    memberships = {row.customer_id: row for row in _on_file(addresses=addresses).order_by("-pk")}
    return [(company, memberships.get(company.pk)) for company in companies.order_by("name", "pk")]


def _known_by_contact(*, user: User, addresses: set[str]) -> QuerySet[Customer]:
    """Customers a contact address opens, unless the person is in, was sent away, or another came in by it."""
    theirs = Membership.objects.filter(customer=OuterRef("pk"))
    # Losing access because the address changed is not being sent away: it comes back with the address.
    changed = AuditEvent.objects.filter(
        customer=OuterRef("customer"),
        event=AuditEvent.Event.CUSTOMER_EMAIL_CHANGED,
        at__gte=OuterRef("removed_at"),
    )
    sent_away = theirs.filter(~Exists(changed), user=user, email=OuterRef("email"), removed_at__isnull=False)
    return (
        Customer.objects.open()
        .filter(email__in=addresses - {""})
        .exclude(kind=Customer.Kind.MEMBER)
        .filter(
            ~Exists(theirs.filter(user=user, removed_at=None)),
            ~Exists(sent_away),
            ~Exists(theirs.filter(email=OuterRef("email"), user__isnull=False, removed_at=None)),
        )
    )


def _on_file(*, addresses: set[str]) -> QuerySet[Membership]:
    """Memberships of these addresses without a person, that last or are still to begin."""
    today = timezone.localdate()
    return Membership.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=today),
        email__in=addresses - {""},
        user=None,
        removed_at=None,
        customer__closed_at=None,
    )


@transaction.atomic
def _recognize_at(*, pk: int, user: User, addresses: set[str]) -> Customer | None:
    """At one customer, under its lock; what was true before the lock is asked again."""
    customer = Customer.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=pk)
    if Membership.objects.filter(customer=customer, user=user, removed_at=None).exists():
        return None
    if _known_by_contact(user=user, addresses=addresses).filter(pk=pk).exists():
        membership: Membership | None = link_contact(customer=customer, user=user, email=customer.email)
    else:
        membership = _link_on_file(customer=customer, user=user, addresses=addresses)
    if membership is None:
        return None
    mark_activations_used(customer=customer, addresses=addresses)
    audit.record(event=AuditEvent.Event.CUSTOMER_RECOGNIZED, customer=customer, by=user, email=membership.email)
    return customer


def _link_on_file(*, customer: Customer, user: User, addresses: set[str]) -> Membership | None:
    """The membership waiting for this person: now if the space is open or they may open it, else later."""
    waiting = list(_on_file(addresses=addresses).filter(customer=customer).order_by("pk"))
    openers = [membership for membership in waiting if may_open(membership=membership)]
    chosen = openers or (waiting if customer.opened_at is not None else [])
    if not chosen:
        return None
    link_member(membership=chosen[0], user=user)
    if openers:
        open_space(customer=customer, by=user)
    return chosen[0]


def link_member(*, membership: Membership, user: User) -> None:
    """Give a membership on file its person; the caller holds the customer's lock and has decided."""
    membership.user, membership.linked_at = user, timezone.now()
    membership.save(update_fields=["user", "linked_at"])


def may_open(*, membership: Membership, on: date | None = None) -> bool:
    """On file, today, as somebody entitled to represent the company."""
    day = on or timezone.localdate()
    has_begun = membership.starts_on is None or membership.starts_on <= day
    has_ended = membership.ends_on is not None and membership.ends_on < day
    return membership.role in OPENING_ROLES and has_begun and not has_ended and membership.removed_at is None


def _let_in_those_who_waited(*, customer: Customer) -> None:
    """People on file who had already confirmed their address; each is told by mail."""
    on_file = Membership.objects.filter(customer=customer, user=None, removed_at=None).exclude(email="")
    waiting = {membership.email: membership for membership in on_file}
    holders = EmailAddress.objects.filter(email__in=waiting, verified=True, user__is_active=True).select_related("user")
    for address in holders.order_by("pk"):
        membership = waiting[address.email]
        if Membership.objects.filter(customer=customer, user=address.user, removed_at=None).exists():
            continue
        link_member(membership=membership, user=address.user)
        mark_activations_used(customer=customer, addresses={address.email})
        audit.record(
            event=AuditEvent.Event.CUSTOMER_RECOGNIZED, customer=customer, by=address.user, email=address.email
        )
        write_to(
            merchant=customer.merchant,
            to=address.email,
            template="organizations/emails/space_opened",
            context={
                "customer": customer,
                "person": address.user,
                "action_url": absolute(reverse("portal:home", args=[customer.public_id])),
            },
            language=address.user.language,
        )


def ended_customers(*, user: User) -> list[Customer]:
    """Customers this person could open once and no longer can, to be told so instead of « not on file »."""
    over = Membership.objects.ended().filter(user=user)
    lost = Customer.objects.filter(pk__in=over.values("customer_id")).exclude(pk__in=Customer.objects.for_user(user))
    return list(lost.select_related("merchant").order_by("name", "pk"))
