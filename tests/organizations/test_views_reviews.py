"""The page of the review: everybody with one press each, for who manages access and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import AuditEvent, Confirmation, Membership
from organizations.permissions import Role
from organizations.services.reviews import confirm_rest
from tests import factories
from tests.organizations.signing import member
from tests.organizations.test_reviews import LONG_AGO, company, review
from tests.organizations.test_views_team import at, in_charge

pytestmark = pytest.mark.django_db
__all__ = ("company", "in_charge", "review")  # fixtures, used by their names


def press(client: object, review: object, **button: object) -> object:
    return client.post(at("team-review", review.customer), {"review": review.pk, **button})


def test_everybody_is_listed_with_what_they_may_do(review, in_charge, rita):
    Membership.objects.filter(user=rita).update(ceiling=250)
    page = in_charge.get(at("team-review", review.customer)).text.replace("\N{NO-BREAK SPACE}", " ")
    for words in ("Alice Tremblay", "Bob Gagnon", "Editor", "Rita Côté", "$250.00 at most", "never",
                  "November 22, 2026", "Confirm all the rest"):  # fmt: skip
        assert words in page
    assert page.count('name="confirm"') == 3
    assert page.count('name="remove"') == 2  # not oneself


def test_one_press_confirms_and_one_press_removes(review, in_charge, bob, rita):
    assert press(in_charge, review, confirm=member(bob).pk).status_code == 303
    assert press(in_charge, review, remove=member(rita).pk).status_code == 303
    page = in_charge.get(at("team-review", review.customer)).text
    assert page.count('name="confirm"') == 1
    assert "by Alice Tremblay, November" in page
    assert "Ended since it began" in page
    assert review.customer.permissions_for(bob)
    assert not review.customer.permissions_for(rita)


def test_the_rest_is_confirmed_and_the_page_says_it_is_finished(review, in_charge):
    assert press(in_charge, review, rest=1).status_code == 303
    page = in_charge.get(at("team-review", review.customer)).text
    assert "finished on" in page
    assert 'name="rest"' not in page
    assert Confirmation.objects.count() == 3


def test_opening_the_link_changes_nothing_and_needs_to_sign_in(review, client, in_charge):
    in_charge.get(at("team-review", review.customer))
    assert not Confirmation.objects.exists()
    stranger = type(client)()
    answer = stranger.get(at("team-review", review.customer))
    assert answer.status_code == 302
    assert "/accounts/login/" in answer.url
    assert stranger.post(at("team-review", review.customer), {"review": review.pk, "rest": 1}).status_code == 302
    assert not Confirmation.objects.exists()


def test_the_last_administrator_is_refused_in_words(review, in_charge, alice):
    answer = press(in_charge, review, remove=member(alice).pk)
    assert answer.status_code == 422
    assert "Give that role to somebody else first" in answer.text


def test_a_page_of_a_review_that_is_over_changes_nothing(review, in_charge, alice, bob):
    confirm_rest(review=review, by=alice)
    answer = press(in_charge, review, remove=member(bob).pk)
    assert answer.status_code == 422
    assert "This review is over" in answer.text
    assert review.customer.permissions_for(bob)


@pytest.mark.parametrize("act", ["confirm", "remove"])
def test_people_and_reviews_of_another_company_are_not_found(review, in_charge, globex, charlie, act):
    theirs = type(review).objects.create(customer=globex, quarter=review.quarter)
    forged = {"review": theirs.pk, act: member(charlie).pk}
    assert "This review is over" in in_charge.post(at("team-review", review.customer), forged).text
    for stranger in (member(charlie).pk, "", "x", "9" * 40, "²"):
        answer = press(in_charge, review, **{act: stranger})
        assert answer.status_code == 422
        assert "has no access any more" in answer.text
        assert "charlie" not in answer.text.lower()
    assert review.customer.memberships.filter(removed_at=None).count() == 3
    assert member(charlie)
    assert not Confirmation.objects.exists()


def test_an_editor_neither_reads_nor_answers_it(review, client, bob):
    client.force_login(bob)
    assert client.get(at("team-review", review.customer)).status_code == 403
    assert press(client, review, rest=1).status_code == 403
    assert "Réviser les accès" not in client.get(at("team", review.customer)).text
    assert not Confirmation.objects.exists()


def test_the_team_points_to_it_while_it_is_open(review, in_charge, alice):
    team = at("team", review.customer)
    assert at("team-review", review.customer) in in_charge.get(team).text
    confirm_rest(review=review, by=alice)
    assert at("team-review", review.customer) not in in_charge.get(team).text


def test_without_a_review_the_page_says_when_one_comes(in_charge, acme):
    page = in_charge.get(at("team-review", acme)).text
    assert "No review yet" in page
    assert in_charge.post(at("team-review", acme), {"rest": 1}).status_code == 422


def test_pages_cover_everybody_once_and_cost_the_same(review, in_charge):
    counts, customer = [], review.customer
    for more in (2, 200):
        factories.MembershipFactory.create_batch(
            more, customer=customer, role=Role.VISITOR, last_name="Même", first_name="Nom", created_at=LONG_AGO
        )
        in_charge.get(at("team-review", customer))
        with CaptureQueriesContext(connection) as asked:
            in_charge.get(at("team-review", customer))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 7
    seen, address = [], at("team-review", customer)
    while address:
        page = in_charge.get(address)
        seen += [person.pk for person in page.context["people"]]
        more = page.context["more"]
        address = f"{at('team-review', customer)}?after={more}" if more else ""
    assert sorted(seen) == sorted(review.waiting().values_list("pk", flat=True))


def test_a_place_that_is_none_is_the_first_page(review, in_charge):
    answer = in_charge.get(at("team-review", review.customer), {"after": r'["\ud800","a",1]'})
    assert answer.status_code == 200
    assert "Alice Tremblay" in answer.text


def test_the_history_says_who_answered(review, in_charge, alice, bob):
    press(in_charge, review, confirm=member(bob).pk)
    event = AuditEvent.objects.get(event=AuditEvent.Event.MEMBER_CONFIRMED)
    assert (event.by, event.data["email"]) == (alice, "bob@acme.example")
    assert event.at - review.opened_at < timedelta(minutes=1)
