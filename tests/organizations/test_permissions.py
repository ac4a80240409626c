"""The table of roles and permissions, as members of rental companies know it."""

from __future__ import annotations

import pytest
from django.utils import translation

from organizations.permissions import NEEDING_PROOF, ROLE_PERMISSIONS, Feature, Permission, Role, permissions_with

P = Permission


@pytest.mark.parametrize("permission", Permission)
def test_each_permission_is_explained_in_both_languages(permission):
    said = set()
    for language in ("fr-ca", "en-ca"):
        with translation.override(language):
            assert permission.description.endswith(".")
            assert str(permission.label)
            said.add(permission.description)
    assert len(said) == 2


def test_each_role_says_what_it_may_do():
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_the_roles_are_those_of_rental_companies():
    assert ROLE_PERMISSIONS[Role.OWNER] == ROLE_PERMISSIONS[Role.ADMINISTRATOR] == frozenset(P) - NEEDING_PROOF
    assert ROLE_PERMISSIONS[Role.VISITOR] == {P.PICK_UP}
    editor = ROLE_PERMISSIONS[Role.EDITOR]
    assert editor >= {P.RENT, P.PICK_UP, P.INVITE_VISITORS}
    assert not editor & {P.MANAGE_TEAM, P.VIEW_INVOICES, P.VIEW_DOCUMENTS, P.VIEW_ORGANIZATION, P.MANAGE_ORGANIZATION}
    assert ROLE_PERMISSIONS[Role.REQUESTER] == {P.SUBMIT_ORDERS}
    assert not ROLE_PERMISSIONS[Role.BUYER] & {P.VIEW_INVOICES, P.SUBMIT_ORDERS, P.MANAGE_TEAM}


def test_bank_details_and_buy_outs_need_a_proof_of_authority():
    assert {P.CHANGE_BANK_DETAILS, P.REQUEST_BUYOUT} == NEEDING_PROOF


def test_new_permissions_are_marked():
    assert {p for p in P if p.is_new} == {P.OPERATE_FUNDS, P.CHANGE_BANK_DETAILS, P.REQUEST_BUYOUT}


@pytest.mark.parametrize(
    ("permission", "feature"),
    [
        (P.OPERATE_FUNDS, Feature.FINANCING),
        (P.VIEW_TREASURY, Feature.TREASURY),
        (P.REQUEST_BUYOUT, Feature.EQUIPMENT),
    ],
)
@pytest.mark.parametrize("had", [set(), *({feature} for feature in Feature), set(Feature)])
def test_a_permission_that_needs_a_contract_is_held_with_it_alone(permission, feature, had):
    held = permissions_with(role=Role.VISITOR, granted=[permission.value], features=had)
    assert (permission in held) is (feature in had)
    assert permission.needs


def test_a_code_of_an_older_version_gives_nothing():
    assert permissions_with(role=Role.VISITOR, granted=["rule_the_world"], features=[]) == {P.PICK_UP}
