"""The quarterly review: begun once a quarter, reminded once, answered person by person, over when nobody is left."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from accounts.models import OutgoingMessage, User
from organizations.access import grant_permission
from organizations.models import AuditEvent, Confirmation, Customer, Membership, Review
from organizations.permissions import Permission, Role
from organizations.sentences import sentence
from organizations.services.mandates import LastAdministrator
from organizations.services.members import remove_member
from organizations.services.reviews import (
    NothingToConfirm,
    ReviewOver,
    begin_review,
    confirm_member,
    confirm_rest,
    look_after_reviews,
    quarter_of,
    remove_reviewed,
)
from organizations.tasks import look_after_reviews as task
from tests import factories
from tests.organizations.signing import member

pytestmark = pytest.mark.django_db
Event = AuditEvent.Event
LONG_AGO = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)


@pytest.fixture
def company(acme: Customer, alice: User, bob: User, rita: User) -> Customer:
    """Acme, open for long, with three people."""
    Customer.objects.filter(pk=acme.pk).update(opened_at=LONG_AGO)
    Membership.objects.filter(customer=acme).update(created_at=LONG_AGO)
    return acme


@pytest.fixture
def review(today: datetime, company: Customer) -> Review:
    look_after_reviews()
    return Review.objects.get()


def letters() -> list[OutgoingMessage]:
    return list(OutgoingMessage.objects.filter(template="organizations/emails/access_review").order_by("pk"))


def happened(event: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=event).order_by("pk"))


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 1, 1), date(2026, 1, 1)),
        (date(2026, 3, 31), date(2026, 1, 1)),
        (date(2026, 11, 22), date(2026, 10, 1)),
        (date(2026, 12, 31), date(2026, 10, 1)),
    ],
)
def test_a_quarter_has_a_first_day(day, first):
    assert quarter_of(day=day) == first


def test_every_quarter_each_administrator_reads_who_has_access(today, company, alice, bob, rita):
    factories.MembershipFactory(customer=company, user=factories.UserFactory(email="deux@acme.example"))
    grant_permission(customer=company, user=bob, permission=Permission.VIEW_INVOICES)
    User.objects.filter(pk=bob.pk).update(last_login=datetime(2026, 9, 3, 12, 0, tzinfo=UTC))
    Membership.objects.filter(user=rita).update(ceiling=250)
    alice.language = "en-ca"
    alice.save()
    task()
    assert {letter.recipient for letter in letters()} == {"alice@acme.example", "deux@acme.example"}
    letter = next(letter for letter in letters() if letter.recipient == "alice@acme.example")
    text = letter.text.replace("\N{NO-BREAK SPACE}", " ")
    assert letter.subject == "Who still needs access to Acme Construction inc.?"
    assert "Bob Gagnon: Editor, See invoices and balances; last sign-in 2026-09-03" in text
    assert "Rita Côté: Visitor, $250.00 at most; never signed in" in text
    assert re.search(rf"{re.escape(settings.SITE_URL)}/c/{company.public_id}/team/review/", text)
    french = next(letter for letter in letters() if letter.recipient == "deux@acme.example")
    assert french.subject == "Qui a encore besoin d’un accès pour Acme Construction inc.?"
    assert "Bob Gagnon\N{NO-BREAK SPACE}: Éditeur" in french.text


def test_a_letter_names_fifty_people_and_says_there_are_others(today, company, alice):
    factories.MembershipFactory.create_batch(
        60, customer=company, role=Role.VISITOR, last_name="Même", email="", phone="+15145550123", created_at=LONG_AGO
    )
    task()
    (letter,) = letters()
    assert letter.text.count("\n- ") == 50
    assert "Et d’autres" in letter.text


def test_beginning_twice_is_once(review):
    look_after_reviews()
    begin_review(customer=review.customer, quarter=review.quarter)
    assert Review.objects.count() == len(letters()) == len(happened(Event.REVIEW_BEGUN)) == 1


def test_a_crash_before_the_end_leaves_nothing_and_the_next_sweep_does_all(today, company):
    with transaction.atomic():
        begin_review(customer=company, quarter=date(2026, 10, 1))
        assert letters()
        transaction.set_rollback(True)  # as when the process dies
    assert not Review.objects.exists()
    assert not letters()
    look_after_reviews()
    assert Review.objects.count() == len(letters()) == 1


@pytest.mark.parametrize(
    "case", ["not a member", "closed", "opened this quarter", "nobody came", "alone", "nobody signs in"]
)
def test_a_company_without_a_team_to_look_at_is_left_alone(today, company, alice, bob, rita, case):
    if case == "not a member":
        company.kind = Customer.Kind.BUSINESS
    if case == "closed":
        company.closed_at = today
    if case == "opened this quarter":
        company.opened_at = datetime(2026, 10, 1, 5, 0, tzinfo=UTC)
    if case == "nobody came":
        company.opened_at = None
    company.save() if case not in {"alone", "nobody signs in"} else None
    if case == "alone":
        for person in (bob, rita):
            remove_member(membership=member(person), by=alice)
    if case == "nobody signs in":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    look_after_reviews()
    assert not Review.objects.exists()
    assert not letters()


def test_a_quarter_missed_by_the_clock_still_begins_late(company, time_machine):
    time_machine.move_to(datetime(2026, 12, 30, 17, 0, tzinfo=UTC), tick=False)
    look_after_reviews()
    assert Review.objects.get().quarter == date(2026, 10, 1)


def test_one_person_is_confirmed_with_a_stamp_and_a_line_of_history(review, alice, bob):
    first = confirm_member(review=review, membership=member(bob), by=alice)
    again = confirm_member(review=review, membership=member(bob), by=bob)
    assert (again.pk, again.confirmed_by) == (first.pk, alice)
    (event,) = happened(Event.MEMBER_CONFIRMED)
    with translation.override("en-ca"):
        assert sentence(event) == (
            "Alice Tremblay confirmed what bob@acme.example may do at Acme Construction inc. (10482)."
        )
    assert not review.waiting().filter(user=bob).exists()


def test_one_person_is_removed_as_from_their_own_page(review, alice, bob):
    grant_permission(customer=review.customer, user=bob, permission=Permission.VIEW_INVOICES)
    remove_reviewed(review=review, membership=member(bob), by=alice)
    assert review.customer.permissions_for(bob) == frozenset()
    assert len(happened(Event.MEMBER_REMOVED)) == 1
    with pytest.raises(NothingToConfirm):
        confirm_member(review=review, membership=Membership.objects.get(user=bob), by=alice)


def test_the_last_administrator_is_not_removed_by_a_review(review, alice):
    with pytest.raises(LastAdministrator):
        remove_reviewed(review=review, membership=member(alice), by=alice)
    assert review.customer.permissions_for(alice)


def test_the_rest_is_confirmed_at_once_and_the_review_is_over(review, alice, bob):
    confirm_member(review=review, membership=member(bob), by=alice)
    assert confirm_rest(review=review, by=alice) == 2
    review.refresh_from_db()
    assert review.closed_at is not None
    assert Confirmation.objects.filter(confirmed_by=alice).count() == 3
    (event,) = happened(Event.REST_CONFIRMED)
    assert event.data == {"number": 2}
    assert happened(Event.REVIEW_CLOSED)[0].data == {"left": 0}
    with pytest.raises(ReviewOver):
        confirm_rest(review=review, by=alice)
    with pytest.raises(ReviewOver):
        remove_reviewed(review=review, membership=member(bob), by=alice)
    assert member(bob)


def test_somebody_named_since_it_began_is_not_asked_about(review, alice):
    late = factories.MembershipFactory(
        customer=review.customer,
        role=Role.VISITOR,
        email="x@acme.example",
        created_at=timezone.now() + timedelta(days=1),
    )
    assert late not in review.waiting()
    with pytest.raises(NothingToConfirm):
        confirm_member(review=review, membership=late, by=alice)


def test_a_person_of_another_company_is_never_confirmed(review, alice, charlie):
    with pytest.raises(NothingToConfirm):
        confirm_member(review=review, membership=member(charlie), by=alice)


def test_two_weeks_later_administrators_are_reminded_once_of_who_is_left(review, alice, bob, time_machine):
    confirm_member(review=review, membership=member(bob), by=alice)
    time_machine.move_to(timezone.now() + timedelta(days=13, hours=23), tick=False)
    look_after_reviews()
    assert len(letters()) == 1
    time_machine.move_to(timezone.now() + timedelta(hours=2), tick=False)
    look_after_reviews()
    look_after_reviews()
    _first, reminder = letters()
    assert reminder.subject.startswith("Rappel")
    assert "Rita Côté" in reminder.text
    assert "Bob Gagnon" not in reminder.text
    assert len(happened(Event.REVIEW_REMINDED)) == 1


def test_nobody_is_reminded_of_a_review_that_is_over(review, alice, time_machine):
    confirm_rest(review=review, by=alice)
    time_machine.move_to(timezone.now() + timedelta(days=20), tick=False)
    look_after_reviews()
    assert len(letters()) == 1


def test_a_review_whose_people_left_elsewhere_ends_by_itself(review, alice, bob, rita):
    confirm_member(review=review, membership=member(alice), by=alice)
    remove_member(membership=member(bob), by=alice)
    Membership.objects.filter(user=rita).update(ends_on=timezone.localdate() - timedelta(days=1))
    look_after_reviews()
    review.refresh_from_db()
    assert review.closed_at is not None
    assert happened(Event.REVIEW_CLOSED)[0].by is None


def test_the_next_quarter_ends_what_nobody_answered_and_asks_again(review, time_machine):
    time_machine.move_to(datetime(2027, 1, 4, 17, 0, tzinfo=UTC), tick=False)
    look_after_reviews()
    former, latest = Review.objects.order_by("pk")
    assert (former.closed_at is not None, latest.closed_at, latest.quarter) == (True, None, date(2027, 1, 1))
    assert happened(Event.REVIEW_CLOSED)[0].data == {"left": 3}
    assert len(letters()) == 2


def test_every_fact_of_a_review_is_a_sentence_in_both_languages(review, alice, bob, time_machine):
    confirm_member(review=review, membership=member(bob), by=alice)
    time_machine.move_to(timezone.now() + timedelta(days=15), tick=False)
    look_after_reviews()
    confirm_rest(review=review, by=alice)
    events = AuditEvent.objects.filter(customer=review.customer).select_related("by", "customer")
    kinds = {
        Event.REVIEW_BEGUN,
        Event.REVIEW_REMINDED,
        Event.REVIEW_CLOSED,
        Event.MEMBER_CONFIRMED,
        Event.REST_CONFIRMED,
    }
    assert {event.event for event in events} == kinds
    said = {}
    for language in ("fr-ca", "en-ca"):
        with translation.override(language):
            said[language] = [sentence(event) for event in events]
    assert all("Acme Construction inc." in text and "…" not in text for texts in said.values() for text in texts)
    assert not set(said["fr-ca"]) & set(said["en-ca"])


# --- what the database refuses ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("review_one_a_quarter", {"quarter": date(2026, 10, 1), "closed_at": datetime(2027, 1, 1, tzinfo=UTC)}),
        ("review_one_open", {"quarter": date(2027, 1, 1)}),
        (
            "review_quarter_is_its_first_day",
            {"quarter": date(2027, 1, 2), "closed_at": datetime(2027, 1, 1, tzinfo=UTC)},
        ),
        (
            "review_quarter_is_its_first_day",
            {"quarter": date(2027, 2, 1), "closed_at": datetime(2027, 1, 1, tzinfo=UTC)},
        ),
        ("review_closed_once_begun", {"quarter": date(2027, 1, 1), "closed_at": LONG_AGO}),
    ],
)
def test_the_database_refuses_a_review_that_cannot_be(review, name, values):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Review.objects.create(customer=review.customer, **values)


def test_the_database_keeps_one_confirmation_a_person_as_it_was(review, alice, bob):
    confirmation = confirm_member(review=review, membership=member(bob), by=alice)
    with pytest.raises(IntegrityError, match="confirmation_one_a_person"), transaction.atomic():
        Confirmation.objects.create(review=review, membership=member(bob), confirmed_by=bob)
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        Confirmation.objects.filter(pk=confirmation.pk).update(confirmed_by=bob)
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        confirmation.delete()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_and_two_administrators_at_the_same_instant_do_it_once(today, company, alice, bob):
    def together(work: object) -> list[object]:
        start = Barrier(2)

        def attempt(number: int) -> object:
            start.wait()
            try:
                return work(number)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(attempt, range(2)))

    together(lambda _number: look_after_reviews())
    assert Review.objects.count() == len(letters()) == 1
    review, his = Review.objects.get(), member(bob)
    one, other = together(lambda number: confirm_member(review=review, membership=his, by=(alice, bob)[number]).pk)
    assert one == other
    assert Confirmation.objects.count() == len(happened(Event.MEMBER_CONFIRMED)) == 1
