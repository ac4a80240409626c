"""The answer at a counter: right by role, edge by edge, and never a yes by accident."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from organizations.counter import Answer, Reason, decide
from organizations.models import Branch, Customer, Membership
from organizations.permissions import ROLE_PERMISSIONS, Permission, Role

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 17, tzinfo=UTC)
LAVAL, QUEBEC = Branch(pk=1, name="Laval"), Branch(pk=2, name="Québec")
RENTERS = {Role.OWNER, Role.ADMINISTRATOR, Role.EDITOR, Role.BUYER}
# What is against a whole company or a person: each is a no for everybody, in this order.
AGAINST_CUSTOMER = {
    Reason.CLOSED: {"closed_at": NOON},
    Reason.ON_HOLD: {"held_at": NOON, "hold_reason": "Compte en souffrance"},
    Reason.NOT_OPENED: {"opened_at": None},
}
AGAINST_PERSON = {
    Reason.REMOVED: {"removed_at": NOON},
    Reason.ENDED: {"ends_on": TODAY - timedelta(days=1)},
    Reason.PROFILE: {"is_profile_closed": True},
    Reason.NOT_BEGUN: {"starts_on": TODAY + timedelta(days=1)},
}


def answer(
    *, role=Role.EDITOR, customer=None, granted=(), branches=(), at=LAVAL, amount=None, is_profile_closed=False, **edges
):
    acme = Customer(name="Acme", **({"opened_at": NOON} | (customer or {})))
    permissions = ROLE_PERMISSIONS[role] | set(granted)
    membership = Membership(role=role, customer=acme, **edges)
    return decide(membership=membership, permissions=permissions, branches=branches, at=at, amount=amount, on=TODAY,
                  is_profile_closed=is_profile_closed)  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_each_role_does_what_it_is_for(role):
    decision = answer(role=role)
    if role in RENTERS:
        assert (decision.answer, decision.reason) == (Answer.RENT, Reason.NONE)
    elif role == Role.VISITOR:
        assert (decision.answer, decision.reason) == (Answer.PICK_UP, Reason.PICK_UP_RIGHT)
    else:
        assert (decision.answer, decision.reason) == (Answer.NO, Reason.NO_RIGHT)


@pytest.mark.parametrize(("role", "permission"), list(product(Role, Permission)))
def test_of_all_permissions_two_count_at_a_counter(role, permission):
    before, after = answer(role=role), answer(role=role, granted={permission})
    if permission == Permission.RENT:
        assert after.may_rent
    elif permission == Permission.PICK_UP:
        assert after.may_pick_up
        assert after.may_rent == before.may_rent
    else:
        assert after == before


@pytest.mark.parametrize(("role", "reason"), list(product(Role, AGAINST_CUSTOMER)))
def test_what_is_against_a_company_is_against_each_of_its_people(role, reason):
    decision = answer(role=role, customer=AGAINST_CUSTOMER[reason], granted={Permission.RENT})
    assert (decision.answer, decision.reason) == (Answer.NO, reason)


@pytest.mark.parametrize(("role", "reason"), list(product(Role, AGAINST_PERSON)))
def test_access_over_or_not_begun_is_a_no_for_every_role(role, reason):
    decision = answer(role=role, granted={Permission.RENT}, **AGAINST_PERSON[reason])
    assert (decision.answer, decision.reason) == (Answer.NO, reason)


@pytest.mark.parametrize("edge", [{"starts_on": TODAY}, {"ends_on": TODAY}, {"starts_on": TODAY, "ends_on": TODAY}])
def test_the_first_and_the_last_day_are_days(edge):
    assert answer(**edge).may_rent


@pytest.mark.parametrize("role", sorted(RENTERS | {Role.VISITOR}))
@pytest.mark.parametrize(
    ("branches", "at", "may"),
    [
        ((), LAVAL, True),
        ((), None, True),
        ((LAVAL,), LAVAL, True),
        ((QUEBEC, LAVAL), LAVAL, True),
        ((QUEBEC,), LAVAL, False),
        ((QUEBEC,), None, False),
    ],
)
def test_a_person_kept_to_branches_is_nobody_elsewhere(role, branches, at, may):
    decision = answer(role=role, branches=branches, at=at)
    assert decision.may_pick_up is may
    if not may:
        assert (decision.reason, decision.words) == (Reason.OTHER_BRANCH, "Québec")


@pytest.mark.parametrize(
    ("ceiling", "amount", "may_rent"),
    [
        (None, None, True),
        (None, "999999.99", True),
        ("5000", None, True),
        ("5000", "5000.00", True),
        ("5000", "5000.01", False),
        ("0", None, False),
        ("0", "0", False),
        ("0", "0.01", False),
    ],
)
def test_a_ceiling_is_about_renting_and_no_limit_is_not_zero(ceiling, amount, may_rent):
    ceiling, amount = (Decimal(value) if value else None for value in (ceiling, amount))
    decision = answer(ceiling=ceiling, amount=amount)
    assert decision.may_rent is may_rent
    assert decision.may_pick_up
    assert (decision.reason == Reason.CEILING) is not may_rent


def test_a_compulsory_purchase_order_is_asked_of_who_rents_alone():
    assert answer(requires_purchase_order=True).needs_purchase_order
    assert not answer().needs_purchase_order
    assert not answer(role=Role.VISITOR, requires_purchase_order=True).needs_purchase_order


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_every_no_has_its_sentence_in_both_languages(language):
    cases = [answer(customer=case) for case in AGAINST_CUSTOMER.values()]
    cases += [answer(**case) for case in AGAINST_PERSON.values()]
    cases += [answer(branches=(QUEBEC,)), answer(role=Role.REQUESTER), answer(role=Role.VISITOR)]
    cases += [answer(ceiling=Decimal(100), amount=Decimal("100.01"))]
    said = [case.sentence(person="Marc Dubé", customer="Acme", language=language) for case in cases]
    assert len(set(said)) == len(cases)
    assert all(sentence.endswith((".", "souffrance")) for sentence in said)
    ended = said[4].replace("\N{NO-BREAK SPACE}", " ")
    assert (
        ended
        == {
            "fr-ca": "L’accès de cette personne a pris fin le 21 novembre 2026.",
            "en-ca": "This person’s access ended on November 21, 2026.",
        }[language]
    )


def test_a_company_whose_name_ends_with_a_period_ends_a_sentence_once():
    decision = answer(role=Role.ACCOUNTANT)
    said = decision.sentence(person="Marc Dubé", customer="Acme Construction inc.", language="fr-ca")
    assert said.endswith("Acme Construction inc.")
    assert not said.endswith("..")
