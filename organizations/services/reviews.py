"""The quarterly review: begun and reminded by the clock, each person confirmed or removed by an administrator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.access import who_holds, who_may_be_asked
from organizations.letters import absolute, write_to
from organizations.models import (
    AuditEvent,
    CompanyLink,
    Confirmation,
    Customer,
    CustomerQuerySet,
    Membership,
    Review,
)
from organizations.permissions import Permission
from organizations.refusals import Refusal
from organizations.services.mandates import lock_customer
from organizations.services.members import remove_member
from organizations.team import described

REMINDED_AFTER = timedelta(days=14)
LISTED = 50  # people a letter names at most; the page lists everybody
SWEEP = 500  # companies one sweep handles at most
Event = AuditEvent.Event


class ReviewOver(Refusal):
    sentence: str | Promise = _("This review is over: nothing was changed.")


class NothingToConfirm(Refusal):
    sentence: str | Promise = _("This person has no access any more, or was named after this review began.")


def quarter_of(*, day: date) -> date:
    """The first day of its quarter."""
    return date(day.year, day.month - (day.month - 1) % 3, 1)


def look_after_reviews() -> None:
    """What is due: reviews that begin, reminders, and those with nobody left. Each in its own transaction; twice is
    once.
    """
    quarter = quarter_of(day=timezone.localdate())
    for customer in _without_review(quarter)[:SWEEP]:
        begin_review(customer=customer, quarter=quarter)
    for settled in Review.objects.settled().order_by("pk")[:SWEEP]:
        close_settled(review=settled)
    late = Review.objects.open().filter(reminded_at=None, opened_at__lte=timezone.now() - REMINDED_AFTER)
    for review in late.order_by("pk")[:SWEEP]:
        remind(review=review)


@transaction.atomic
def begin_review(*, customer: Customer, quarter: date) -> Review:
    """Ask everybody who manages a company's access who still needs theirs; the review before ends. Twice is once."""
    customer = lock_customer(pk=customer.pk)
    known = Review.objects.filter(customer=customer, quarter=quarter).first()
    if known is not None:
        return known
    for former in Review.objects.open().filter(customer=customer):
        _close(former, by=None)
    review = Review.objects.create(customer=customer, quarter=quarter)
    audit.record(event=Event.REVIEW_BEGUN, customer=customer, by=None, quarter=quarter.isoformat())
    _write(review, is_reminder=False)
    return review


@transaction.atomic
def remind(*, review: Review) -> Review:
    """Write once more about whoever is left; a second time does nothing."""
    review = _lock(review)
    if review.closed_at is not None or review.reminded_at is not None or _closed_when_done(review, by=None):
        return review
    review.reminded_at = timezone.now()
    review.save(update_fields=["reminded_at"])
    audit.record(event=Event.REVIEW_REMINDED, customer=review.customer, by=None)
    _write(review, is_reminder=True)
    return review


@transaction.atomic
def close_settled(*, review: Review) -> Review:
    """Everybody left lost their access elsewhere: it is over."""
    review = _lock(review)
    if review.closed_at is None:
        _closed_when_done(review, by=None)
    return review


@transaction.atomic
def confirm_member(*, review: Review, membership: Membership, by: User) -> Confirmation:
    """One person keeps what they may do. Two administrators at once are one; the first is the one kept."""
    review = _lock(review)
    known = Confirmation.objects.filter(review=review, membership=membership).first()
    if known is not None:
        return known
    _refuse_over(review)
    if not review.waiting().filter(pk=membership.pk).exists():
        raise NothingToConfirm
    confirmation = Confirmation.objects.create(review=review, membership=membership, confirmed_by=by)
    audit.record(
        event=Event.MEMBER_CONFIRMED,
        customer=review.customer,
        by=by,
        member=membership.pk,
        email=membership.email or membership.name,
        role=membership.role,
    )
    _closed_when_done(review, by=by)
    return confirmation


@transaction.atomic
def confirm_rest(*, review: Review, by: User) -> int:
    """Everybody who is left keeps what they may do; how many. The history says it in one line."""
    review = _lock(review)
    _refuse_over(review)
    now = timezone.now()
    rest = [
        Confirmation(review=review, membership_id=pk, confirmed_by=by, confirmed_at=now)
        for pk in review.waiting().order_by("pk").values_list("pk", flat=True)
    ]
    Confirmation.objects.bulk_create(rest, batch_size=2000)
    audit.record(event=Event.REST_CONFIRMED, customer=review.customer, by=by, number=len(rest))
    _closed_when_done(review, by=by)
    return len(rest)


@transaction.atomic
def remove_reviewed(*, review: Review, membership: Membership, by: User) -> Membership:
    """One person needs it no more: their access ends as from their own page. Raises LastAdministrator, ReviewOver."""
    review = _lock(review)
    if membership.removed_at is None:
        _refuse_over(review)
    removed = remove_member(membership=membership, by=by)
    if review.closed_at is None:
        _closed_when_done(review, by=by)
    return removed


def _without_review(quarter: date) -> CustomerQuerySet:
    """Member companies that were there when the quarter began, with somebody in charge and somebody else.

    Where nobody of the company is in charge, somebody of its parent company.
    """
    begun = timezone.make_aware(datetime.combine(quarter, time.min))
    today = timezone.localdate()
    people = Membership.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=today), customer=OuterRef("pk"), removed_at=None
    )
    in_charge = Membership.objects.in_charge().filter(customer=OuterRef("pk"))
    links = CompanyLink.objects.in_force().filter(subsidiary=OuterRef(OuterRef("pk")))
    above = Membership.objects.in_charge().filter(customer__in=links.values("parent"))
    somebody_else = Q(Exists(in_charge), second__isnull=False) | Q(~Exists(in_charge) & Exists(above), Exists(people))
    reviewed = Review.objects.filter(customer=OuterRef("pk"), quarter=quarter)
    companies = Customer.objects.open().filter(kind=Customer.Kind.MEMBER, opened_at__lt=begun)
    companies = companies.annotate(second=Subquery(people.order_by("pk").values("pk")[1:2]))
    return companies.filter(~Exists(reviewed), somebody_else).order_by("pk")


def _lock(review: Review) -> Review:
    """After its customer, as everything about a team."""
    customer = lock_customer(pk=review.customer_id)
    locked = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    locked.customer = customer
    return locked


def _refuse_over(review: Review) -> None:
    if review.closed_at is not None:
        raise ReviewOver


def _closed_when_done(review: Review, *, by: User | None) -> bool:
    if review.waiting().exists():
        return False
    _close(review, by=by)
    return True


def _close(review: Review, *, by: User | None) -> None:
    left = review.waiting().count()
    review.closed_at = timezone.now()
    review.save(update_fields=["closed_at"])
    audit.record(event=Event.REVIEW_CLOSED, customer=review.customer, by=by, left=left)


def _write(review: Review, *, is_reminder: bool) -> None:
    """To everybody who manages access, who has it, in the reader's language."""
    customer = review.customer
    rows = review.waiting().select_related("user").with_granted().order_by("listed", "pk")
    people = list(rows[: LISTED + 1])
    for person in _readers(customer):
        with translation.override(person.language):
            listed = [described(membership=row, customer=customer) for row in people[:LISTED]]
        write_to(
            merchant=customer.merchant,
            to=person.email,
            template="organizations/emails/access_review",
            context={
                "customer": customer,
                "person": person,
                "people": listed,
                "has_more": len(people) > LISTED,
                "is_reminder": is_reminder,
                "action_url": absolute(reverse("organizations:team-review", args=[customer.public_id])),
            },
            language=person.language,
        )


def _readers(customer: Customer) -> Iterable[User]:
    holders = [
        *who_holds(customer=customer, permission=Permission.MANAGE_TEAM),
        *who_may_be_asked(customer=customer),
    ]
    return {holder.user.pk: holder.user for holder in holders if holder.user is not None}.values()
