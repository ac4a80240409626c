"""Parent companies and subsidiaries: asked for without revealing anything, confirmed, used, ended; never a circle."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pypdf
import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations import lookup, offline
from organizations.access import grant_permission, who_may_be_asked
from organizations.branches import Place
from organizations.models import (
    AuditEvent,
    CompanyLink,
    CounterCase,
    CounterDecision,
    Customer,
    Invitation,
    Mandate,
    Membership,
    Review,
)
from organizations.permissions import Permission, Role
from organizations.services import groups
from organizations.services.cases import answer_case
from organizations.services.counter import record_decision, refuse_unlisted
from organizations.services.groups import ask_link, confirm_link, declare_link, end_link, refuse_link
from organizations.services.invitations import accept_invitation
from organizations.services.mandates import (
    AuthorityLost,
    BeyondReach,
    GivenToOneself,
    LastAdministrator,
    ask_to_sign,
    prepare_invitations,
)
from organizations.services.members import change_member, remove_member
from organizations.services.petitions import ask_to_join
from organizations.services.requests import ReasonMissing
from organizations.services.reviews import look_after_reviews
from tests import factories
from tests.organizations.signing import AT_HOME, invited, invitee, member, prepared, sign, sign_batch, wished
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db
Event = AuditEvent.Event


@pytest.fixture
def asked(acme, globex, alice):
    """Alice says that Globex is a subsidiary of Acme."""
    return ask_link(parent=acme, customer_number="10977", message="Depuis janvier.", by=alice)


@pytest.fixture
def linked(asked, charlie, sam):
    return confirm_link(link=asked, decision="Vu au registre", by=sam)


def page_of(client, customer) -> str:
    return client.get(reverse("organizations:subsidiaries", args=[customer.public_id])).text


def test_who_is_asked_for_a_permission_can_sign_in(acme, globex, alice, charlie, linked):
    """Where a subsidiary has nobody in charge, the administrators of its parent company; not a closed profile."""
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    assert [one.user for one in who_may_be_asked(customer=globex)] == [alice]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert who_may_be_asked(customer=globex) == []


# --- asking -----------------------------------------------------------------------------------


def test_nothing_changes_before_an_agent_confirms(acme, globex, alice, charlie, asked, client):
    assert ask_link(parent=acme, customer_number="10977", message="Encore", by=alice) == asked
    assert (asked.subsidiary, OutgoingMessage.objects.count()) == (None, 0)
    client.force_login(alice)
    assert client.get(reverse("organizations:team", args=[globex.public_id])).status_code == 404
    for company in (acme, globex):
        event = company.events.get()
        assert (event.event, event.by) == (Event.LINK_ASKED, alice)


def test_the_answer_is_the_same_whether_or_not_the_number_is_a_companys(client, acme, globex, alice, boreal, today):
    factories.CompanyLinkFactory(parent=factories.CustomerFactory(merchant=boreal), subsidiary=globex)
    client.force_login(alice)
    address, pages = reverse("organizations:subsidiaries", args=[acme.public_id]), []
    for number in ("10977", "nobody"):
        CompanyLink.objects.filter(parent=acme).delete()
        answer = client.post(address, {"customer_number": number})
        assert (answer.status_code, answer.headers["Location"]) == (303, address)
        pages.append(re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', "", client.get(address).text.replace(number, "N")))
    assert pages[0] == pages[1]
    assert "Globex" not in pages[0]


def test_who_may_not_ask_is_refused(acme, globex, alice, bob, charlie):
    for user in (bob, charlie):
        with pytest.raises(BeyondReach):
            ask_link(parent=acme, customer_number="10977", message="", by=user)
    with pytest.raises(groups.OwnNumber):
        ask_link(parent=acme, customer_number="10482", message="", by=alice)
    for number in range(groups.LINKS_A_DAY):
        ask_link(parent=acme, customer_number=f"{number}", message="", by=alice)
    with pytest.raises(groups.TooManyLinks):
        ask_link(parent=acme, customer_number="one more", message="", by=alice)


def test_a_mistyped_form_keeps_what_was_typed(client, acme, alice):
    client.force_login(alice)
    answer = client.post(
        reverse("organizations:subsidiaries", args=[acme.public_id]), {"customer_number": "10482", "message": "Hop"}
    )
    assert answer.status_code == 422
    assert "votre propre numéro" in answer.text
    assert "Hop" in answer.text


# --- deciding ---------------------------------------------------------------------------------


def test_once_confirmed_both_are_told_and_both_histories_say_it(acme, globex, alice, charlie, sam, linked):
    assert linked.subsidiary == globex
    letters = {letter.recipient: letter.text for letter in OutgoingMessage.objects.all()}
    assert set(letters) == {alice.email, charlie.email}
    assert "Acme Construction inc. est la société mère de Globex ltée" in letters[charlie.email]
    assert f"/c/{acme.public_id}/subsidiaries/" in letters[alice.email]
    for company in (acme, globex):
        assert company.events.filter(event=Event.LINK_CONFIRMED, by=sam).exists()
    with pytest.raises(groups.LinkDecided):
        refuse_link(link=linked, decision="Non", by=sam)


def test_a_refusal_is_told_to_who_asked_and_names_nobody(acme, globex, alice, charlie, sam, asked):
    with pytest.raises(ReasonMissing):
        refuse_link(link=asked, decision=" ", by=sam)
    refuse_link(link=asked, decision="Rien ne le prouve.", by=sam)
    letter = OutgoingMessage.objects.get()
    assert letter.recipient == alice.email
    assert "Rien ne le prouve." in letter.text
    assert "Globex" not in letter.subject + letter.text + letter.html


def test_an_agent_declares_then_confirms(client, acme, globex, alice, charlie, sam, zoe):
    declare = reverse("admin:organizations_customer_subsidiary", args=[acme.pk])
    client.force_login(zoe)
    assert client.get(declare).status_code in {302, 404}
    client.force_login(sam)
    assert "Filiales à confirmer" not in client.get(reverse("admin:index")).text
    assert client.post(declare, {"customer_number": "nobody"}).status_code == 422
    answer = client.post(declare, {"customer_number": "10977"})
    link = CompanyLink.objects.get()
    assert answer.headers["Location"] == reverse("admin:organizations_companylink_accept", args=[link.pk])
    assert "Filiales à confirmer" in client.get(reverse("admin:index")).text
    assert "Globex ltée" in client.get(reverse("admin:organizations_companylink_change", args=[link.pk])).text
    assert client.post(answer.headers["Location"], {"words": ""}).status_code == 422
    assert client.post(answer.headers["Location"], {"words": "Vu au registre"}).status_code == 303
    client.force_login(zoe)
    assert client.post(reverse("admin:organizations_companylink_end", args=[link.pk])).status_code in {302, 404}
    client.force_login(sam)
    assert "mettre fin" in client.get(reverse("admin:organizations_companylink_end", args=[link.pk])).text.lower()
    assert client.post(reverse("admin:organizations_companylink_end", args=[link.pk])).status_code == 303
    link.refresh_from_db()
    assert link.ended_by == sam


def test_a_number_that_is_nobodys_cannot_be_confirmed(acme, alice, ines, sam):
    for number in ("nobody", "20001"):  # an individual is no company
        link = ask_link(parent=acme, customer_number=number, message="", by=alice)
        with pytest.raises(groups.SubsidiaryUnknown):
            confirm_link(link=link, decision="Vu", by=sam)


def test_a_company_has_one_parent_and_is_never_above_itself(acme, globex, alice, charlie, boreal, sam, linked):
    other = factories.CustomerFactory(merchant=boreal, number="90001", kind=Customer.Kind.MEMBER)
    with pytest.raises(groups.HasParent):
        confirm_link(link=declare_link(parent=other, customer_number="10977", by=sam), decision="Vu", by=sam)
    third = declare_link(parent=globex, customer_number="90001", by=sam)
    confirm_link(link=third, decision="Vu", by=sam)
    with pytest.raises(groups.MakesCircle):
        confirm_link(link=declare_link(parent=other, customer_number="10482", by=sam), decision="Vu", by=sam)
    assert CompanyLink.objects.in_force().count() == 2


# --- what the database refuses ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"subsidiary": "acme"}, "company_link_joins_two_companies"),
        ({"decision": ""}, "company_link_decision_is_whole"),
        ({"subsidiary": None}, "company_link_names_the_subsidiary_once_confirmed"),
        ({"ended_at": "now"}, "company_link_end_is_whole"),
        ({"subsidiary": "elsewhere"}, "are of two merchants"),
    ],
)
def test_a_link_that_contradicts_itself_is_refused(acme, riviere, linked, change, constraint):
    elsewhere = factories.CustomerFactory(merchant=riviere, kind=Customer.Kind.MEMBER)
    values = {"acme": acme, "now": timezone.now(), "elsewhere": elsewhere}
    with pytest.raises(IntegrityError, match=constraint):
        CompanyLink.objects.update(**{name: values.get(value, value) for name, value in change.items()})


def test_the_database_keeps_one_parent_one_request_and_no_circle(acme, globex, boreal, linked):
    other = factories.CustomerFactory(merchant=boreal, kind=Customer.Kind.MEMBER)
    with pytest.raises(IntegrityError, match="company_link_one_parent"), transaction.atomic():
        factories.CompanyLinkFactory(parent=other, subsidiary=globex)
    with pytest.raises(IntegrityError, match="would be above itself"), transaction.atomic():
        factories.CompanyLinkFactory(parent=globex, subsidiary=acme)
    factories.CompanyLinkFactory(parent=globex, subsidiary=other)
    with pytest.raises(IntegrityError, match="would be above itself"), transaction.atomic():
        factories.CompanyLinkFactory(parent=other, subsidiary=acme)
    undecided = {"subsidiary": None, "is_accepted": None, "decided_at": None, "decided_by": None, "decision": ""}
    factories.CompanyLinkFactory(parent=acme, customer_number="7", **undecided)
    with pytest.raises(IntegrityError, match="company_link_one_waiting"):
        factories.CompanyLinkFactory(parent=acme, customer_number="7", **undecided)


# --- what it gives ----------------------------------------------------------------------------


def test_the_mandate_says_on_whose_authority(acme, globex, alice, charlie, linked):
    token = invited(globex, alice, "noe@globex.example")
    assert token
    mandate = Mandate.objects.get()
    assert (mandate.through, mandate.customer) == (linked, globex)
    pages = pypdf.PdfReader(BytesIO(bytes(mandate.signature.french.content))).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    for words in ("Alice Tremblay (alice@acme.example)", "Acme Construction inc., client nº 10482", "lien confirmé le"):
        assert words in text, words
    assert "société mère de Globex ltée" in text
    assert "Acme Construction inc." in mandate.signature.capacity


def test_what_they_sign_opens_a_space_nobody_opened(acme, globex, alice, linked, boreal, client):
    place = Place(merchant=boreal, branch=None)
    on_file = factories.MembershipFactory(customer=globex, first_name="Léo", last_name="Côté", role=Role.EDITOR)
    assert [
        found.decision(at=None, amount=None).reason for found in lookup.find(merchant_id=boreal.pk, text="Léo")
    ] == [CounterDecision.Reason.NOT_OPENED]
    token = invited(globex, alice, "noe@globex.example", wish=wished(Role.EDITOR))
    noe = factories.UserFactory(email="noe@globex.example")
    accept_invitation(token=token, by=noe)
    for membership in (on_file, member(noe)):
        assert lookup.person(merchant_id=boreal.pk, pk=membership.pk).decision(at=None, amount=None).may_rent
    assert {found.membership for found in offline.people_at(place=place)} >= {on_file, member(noe)}
    assert globex.events.filter(event=Event.CUSTOMER_OPENED, by=alice).count() == 1


def test_people_they_sign_in_for_the_counter_alone_open_it_once_too(acme, globex, alice, linked):
    people = [(invitee("", first_name=name, phone="+15145550199"), wished()) for name in ("Léo", "Lou")]
    sign_batch(prepare_invitations(customer=globex, people=people, by=alice), alice)
    globex.refresh_from_db()
    assert globex.opened_at is not None
    assert globex.events.filter(event=Event.CUSTOMER_OPENED).count() == 1


def test_they_change_and_remove_people_but_keep_the_last_administrator(acme, globex, alice, charlie, linked):
    luc = factories.UserFactory(first_name="Luc")
    membership = factories.MembershipFactory(customer=globex, user=luc, role=Role.VISITOR)
    sign_batch(change_member(membership=membership, wish=wished(Role.EDITOR), by=alice), alice)
    assert Permission.RENT in globex.permissions_for(luc)
    remove_member(membership=member(luc) if luc.memberships.count() == 1 else membership, by=alice)
    assert not globex.permissions_for(luc)
    with pytest.raises(LastAdministrator):
        remove_member(membership=Membership.objects.get(user=charlie, customer=globex), by=alice)


def test_they_give_nothing_to_themselves(acme, globex, alice, charlie, linked):
    with pytest.raises(GivenToOneself):
        prepare_invitations(customer=globex, people=[(invitee(alice.email), wished())], by=alice)
    factories.MembershipFactory(customer=globex, user=alice, role=Role.VISITOR)
    mine = Membership.objects.get(user=alice, customer=globex)
    with pytest.raises(GivenToOneself):
        change_member(membership=mine, wish=wished(Role.EDITOR), by=alice)


def test_an_other_address_of_theirs_is_theirs_whenever_they_confirmed_it(acme, globex, alice, charlie, linked, client):
    mine = EmailAddress.objects.create(user=alice, email="moi@ailleurs.example", verified=True)
    on_file = factories.MembershipFactory(customer=globex, email=mine.email, role=Role.VISITOR)
    with pytest.raises(GivenToOneself):
        prepare_invitations(customer=globex, people=[(invitee(mine.email), wished())], by=alice)
    with pytest.raises(GivenToOneself):
        change_member(membership=on_file, wish=wished(Role.EDITOR), by=alice)
    mine.delete()
    token = invited(globex, alice, mine.email, wish=wished(Role.ADMINISTRATOR))
    EmailAddress.objects.create(user=alice, email=mine.email, verified=True)
    client.force_login(alice)
    answer = client.post(reverse("organizations:invitation", args=[token]))
    assert answer.status_code == 422
    assert "Personne ne se donne" in answer.text
    assert not Membership.objects.filter(customer=globex, user=alice).exists()


def test_the_team_page_says_so_to_both(client, acme, globex, alice, charlie, linked):
    team = reverse("organizations:team", args=[globex.public_id])
    client.force_login(charlie)
    assert "Acme Construction inc." in client.get(team).text
    client.force_login(alice)
    page = client.get(team).text
    assert "société mère de Globex ltée" in page
    assert f"/c/{globex.public_id}/invoices/" not in page
    switcher = client.get(acme.get_absolute_url()).text
    assert f'href="{team}"' in switcher
    assert "filiale" in switcher
    assert "Globex ltée" in page_of(client, acme)


def test_who_has_a_role_in_both_sees_the_subsidiary_once_under_its_parent(client, acme, globex, alice, linked):
    factories.MembershipFactory(customer=globex, user=alice, role=Role.ACCOUNTANT)
    client.force_login(alice)
    page = client.get(acme.get_absolute_url()).text
    assert page.count(f'href="{globex.get_absolute_url()}"') == 1
    assert page.index(f'href="{acme.get_absolute_url()}"') < page.index(f'href="{globex.get_absolute_url()}"')


# --- where the subsidiary has nobody in charge -------------------------------------------------


@pytest.fixture
def orphan(acme, globex, boreal, alice, sam, today):
    """Globex, opened long ago, where Bella edits and nobody administers; Acme is above it."""
    long_ago = timezone.now() - timedelta(days=200)
    Customer.objects.filter(pk=globex.pk).update(opened_at=long_ago)
    bella = factories.UserFactory(email="bella@globex.example", first_name="Bella")
    factories.MembershipFactory(customer=globex, user=bella, role=Role.EDITOR, created_at=long_ago, ceiling=500)
    confirm_link(link=ask_link(parent=acme, customer_number="10977", message="", by=alice), decision="Vu", by=sam)
    OutgoingMessage.objects.all().delete()
    globex.refresh_from_db()
    return globex


def told_to(person: User) -> OutgoingMessage:
    return OutgoingMessage.objects.get(recipient=person.email)


def test_a_refusal_there_is_told_to_the_parent_company_which_may_ask_about_it(client, orphan, boreal, alice, sam):
    row = refuse_unlisted(customer=orphan, person="Luc", place=Place(merchant=boreal, branch=None), by=sam)
    page = reverse("organizations:refusal", args=[orphan.public_id, row.pk])
    assert row.is_told
    assert page in told_to(alice).text
    client.force_login(alice)
    listed = reverse("organizations:refusals", args=[orphan.public_id])
    assert f'href="{listed}"' in client.get(reverse("organizations:team", args=[orphan.public_id])).text
    assert f'href="{page}"' in client.get(listed).text
    assert client.post(page, {"message": "Pourquoi?"}).status_code == 303
    factories.MembershipFactory(customer=orphan, user=factories.UserFactory())  # in charge since
    answer_case(case=CounterCase.objects.get(), answer="Réglé.", by=sam)
    answer = OutgoingMessage.objects.get(template="organizations/emails/case_answered")
    assert (answer.recipient, "Réglé." in answer.text) == (alice.email, True)


@pytest.mark.parametrize("sees_prices", [False, True])
def test_the_letter_names_an_amount_to_who_sees_the_prices_of_that_company(orphan, boreal, alice, sam, sees_prices):
    bella, place = Membership.objects.get(customer=orphan), Place(merchant=boreal, branch=None)
    if sees_prices:
        factories.MembershipFactory(customer=orphan, user=alice, role=Role.ACCOUNTANT)
    record_decision(membership_id=bella.pk, place=place, act=CounterDecision.Act.REFUSED, by=sam, language="fr-ca",
                    amount=Decimal("4321.09"))  # fmt: skip
    letter = told_to(alice)
    assert ("321,09" in letter.text, "321,09" in letter.html) == (sees_prices, sees_prices)
    assert "plafond de cette personne" in letter.text.replace("\N{NO-BREAK SPACE}", " ")


def test_who_asks_to_join_there_is_answered_by_the_parent_company(client, orphan, boreal, alice):
    asker = factories.UserFactory(first_name="Noé")
    ask_to_join(merchant=boreal, customer_number=orphan.number, message="", by=asker)
    page = reverse("organizations:join-requests", args=[orphan.public_id])
    assert page in told_to(alice).text
    client.force_login(alice)
    assert "Noé" in client.get(page).text


def test_the_review_of_its_people_is_begun_and_answered_by_the_parent_company(client, orphan, alice):
    look_after_reviews()
    review = Review.objects.get(customer=orphan)
    page = reverse("organizations:team-review", args=[orphan.public_id])
    assert page in told_to(alice).text
    client.force_login(alice)
    bella = Membership.objects.get(customer=orphan)
    assert client.post(page, {"review": review.pk, "confirm": bella.pk}).status_code == 303
    review.refresh_from_db()
    assert review.closed_at is not None
    assert review.confirmations.get().confirmed_by == alice


def test_without_a_parent_company_or_with_nobody_else_there_is_no_review(orphan, alice):
    CompanyLink.objects.update(ended_at=timezone.now(), ended_by=alice)
    look_after_reviews()
    assert not Review.objects.exists()
    CompanyLink.objects.update(ended_at=None, ended_by=None)
    Membership.objects.filter(customer=orphan).update(role=Role.ADMINISTRATOR)  # alone, and in charge
    look_after_reviews()
    assert not Review.objects.exists()


# --- ending -----------------------------------------------------------------------------------


def test_ended_it_holds_on_the_very_next_request_and_takes_what_waits_with_it(acme, globex, alice, charlie, linked):
    client = StrictClient(headers={"accept-language": "fr-CA"})
    client.force_login(alice, backend="accounts.backends.EmailBackend")
    team = reverse("organizations:team", args=[globex.public_id])
    invited(globex, alice, "noe@globex.example")
    unsigned = prepared(globex, alice, "eve@globex.example")
    assert client.get(team).status_code == 200
    ending = reverse("organizations:subsidiary-end", args=[acme.public_id, linked.pk])
    assert "Globex" in client.get(ending).text
    for _press in range(2):
        assert client.post(ending).status_code == 303
    assert client.get(team).status_code == 404
    assert not Mandate.objects.live().exists()
    assert not Invitation.objects.open().exists()
    with pytest.raises(groups.Refusal):
        ask_to_sign(customer=globex, batch=unsigned.batch, by=alice, origin=AT_HOME)
    assert globex.events.filter(event=Event.LINK_ENDED, by=alice).count() == 1
    assert acme.events.filter(event=Event.LINK_ENDED, by=alice).count() == 1
    assert "n’est plus liée" in OutgoingMessage.objects.filter(recipient=charlie.email).latest("pk").subject


def test_a_signature_under_way_is_worth_nothing_once_the_authority_is_gone(acme, globex, alice, charlie, sam, linked):
    mandate = prepared(globex, alice, "noe@globex.example")
    CompanyLink.objects.update(ended_at=timezone.now(), ended_by=sam)
    with pytest.raises(AuthorityLost):
        sign(mandate.signature, alice)
    assert not Invitation.objects.exists()


def test_whoever_leaves_the_parent_takes_their_invitations_at_the_subsidiary(acme, globex, alice, charlie, linked):
    factories.MembershipFactory(customer=acme, user=factories.UserFactory())
    invited(globex, alice, "noe@globex.example")
    remove_member(membership=member(alice), by=alice)
    assert not Invitation.objects.open().exists()
    assert not Mandate.objects.live().exists()


def test_who_manages_the_team_without_administering_ends_no_link(client, acme, globex, alice, bob, charlie, linked):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    client.force_login(bob)
    answer = client.post(reverse("organizations:subsidiary-end", args=[acme.public_id, linked.pk]))
    assert answer.status_code == 422
    assert "Alice Tremblay" in answer.text  # who may
    linked.refresh_from_db()
    assert linked.ended_at is None


def test_only_those_of_the_parent_and_agents_end_it(client, acme, globex, charlie, linked):
    client.force_login(charlie)
    address = reverse("organizations:subsidiary-end", args=[globex.public_id, linked.pk])
    assert client.post(address).status_code == 404
    assert end_link(link=linked, by=charlie).ended_at  # the service asks nothing: the door did
