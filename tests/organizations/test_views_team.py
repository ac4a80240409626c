"""The pages of the team: who sees what, what waits, what a form answers, and the same queries for ten thousand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.access import grant_permission
from organizations.models import Invitation, Mandate, Membership
from organizations.permissions import Feature, Permission, Role
from organizations.services.mandates import prepare_invitations
from tests import factories
from tests.organizations.signing import NEW, invited, invitee, member, only_invitation, prepared, sign_batch, wished

pytestmark = pytest.mark.django_db
TERMS = {"role": Role.VISITOR.value}


def at(name: str, customer: object, *args: object) -> str:
    return reverse(f"organizations:{name}", args=[customer.public_id, *args])


@pytest.fixture
def in_charge(client, alice):
    """Alice at work, in English."""
    alice.language = "en-ca"
    alice.save()
    client.force_login(alice)
    return client


def test_the_list_says_who_may_do_what_within_which_edges(in_charge, acme, bob, rita):
    grant_permission(customer=acme, user=bob, permission=Permission.VIEW_INVOICES)
    Membership.objects.filter(user=rita).update(ceiling=250, requires_purchase_order=True, ends_on=date(2130, 1, 1))
    page = in_charge.get(at("team", acme)).text.replace("\N{NO-BREAK SPACE}", " ")
    for words in ("Bob Gagnon", "Editor: See invoices and balances", "$250.00 at most", "purchase order compulsory",
                  "until 2130-01-01", "Rita Côté"):  # fmt: skip
        assert words in page


def test_only_one_administrator_is_a_warning_and_two_are_none(in_charge, acme):
    assert "Name a second administrator" in in_charge.get(at("team", acme)).text
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    assert "Name a second administrator" not in in_charge.get(at("team", acme)).text


def test_an_editor_sees_the_team_invites_visitors_and_opens_nobody(client, acme, alice, bob):
    client.force_login(bob)
    page = client.get(at("team", acme)).text
    assert "Alice Tremblay" in page
    assert at("member", acme, member(alice).pk) not in page
    assert client.get(at("member", acme, member(alice).pk)).status_code == 403
    form = client.get(at("team-invite", acme)).text
    assert 'value="visitor"' in form
    assert 'value="administrator"' not in form
    assert 'name="granted"' not in form


@pytest.mark.parametrize("name", ["team-invite", "team-import"])
def test_an_editor_reads_why_only_visitors_and_asks_for_more_in_one_press(client, acme, alice, bob, name):
    bob.language = "en-ca"
    bob.save()
    client.force_login(bob)
    page = client.get(at(name, acme)).text
    asking = at("ask-permission", acme, "manage_team")
    for words in ("any other role needs a permission you do not have", "Give and withdraw access", "Alice Tremblay"):
        assert words in page
    assert f'action="{asking}"' in page
    assert client.post(asking, {"back": at(name, acme)}).status_code == 303
    assert OutgoingMessage.objects.get().recipient == alice.email
    after = client.get(at(name, acme)).text
    assert f'action="{asking}"' not in after
    assert "You asked on" in after
    client.force_login(alice)
    assert "any other role" not in client.get(at(name, acme)).text


def test_who_may_not_change_somebody_reads_who_may(client, acme, alice, bob):
    grant_permission(customer=acme, user=bob, permission=Permission.MANAGE_TEAM)
    client.force_login(bob)
    answer = client.post(at("member", acme, member(alice).pk), {"role": "visitor"})
    assert answer.status_code == 422
    assert 'href="mailto:alice@acme.example"' in answer.text
    assert member(alice).role == Role.ADMINISTRATOR


def test_a_visitor_is_told_which_permission_is_missing_and_who_gives_it(client, acme, alice, rita):
    client.force_login(rita)
    answer = client.get(at("team", acme))
    assert answer.status_code == 403
    assert "Alice Tremblay" in answer.text


@pytest.mark.parametrize("who", ["nadia", "ines"])
def test_who_is_no_member_has_no_team_and_is_told_why_and_how_to_become_one(client, acme, alice, who, request):
    """A business, and an individual."""
    user = request.getfixturevalue(who)
    theirs = member(user).customer
    client.force_login(user)
    for name in ("team", "team-invite", "mandate-register"):
        page = client.get(at(name, theirs)).text
        assert "L’équipe est réservée aux entreprises membres" in page
        assert "<table" not in page
    assert at("team", theirs) not in client.get(theirs.get_absolute_url()).text
    client.force_login(alice)
    assert at("team", acme) in client.get(acme.get_absolute_url()).text


def test_owner_signatory_and_accountant_are_on_the_list_under_a_button_that_invites(in_charge, acme):
    people = {"Diane": ("owner", "Owner or signatory"), "Samuel": ("owner", "Owner or signatory"),
              "Yann": ("accountant", "Accountant")}  # fmt: skip
    for name, (role, _label) in people.items():
        factories.MembershipFactory(customer=acme, first_name=name, email=f"{name.lower()}@acme.example", role=role)
    page = in_charge.get(at("team", acme)).text
    rows = re.findall(r"<tr>.*?</tr>", page)
    for name, (_role, label) in people.items():
        assert [label in row for row in rows if f">{name}</a>" in row] == [True], name
    button = re.search(rf'<a class="button"[^>]*href="{at("team-invite", acme)}"[^>]*>Invite', page)
    assert button.start() < page.index("<table")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=gagn", {"Bob"}),
        ("?q=COTE", {"Rita"}),
        ("?q=rita@", {"Rita"}),
        ("?q=bob+GAGN", {"Bob"}),
        ("?q=Gagnon+b%C3%B3b", {"Bob"}),
        ("?q=100%25", set()),
        ("?role=editor", {"Bob"}),
        ("?state=counter", {"Léo"}),
        ("?state=later", {"Rita"}),
        ("?state=ended", {"Zed"}),
        ("?role=nonsense&state=what", {"Alice", "Bob", "Rita", "Léo"}),
        ("?q=personne", set()),
    ],
)
def test_search_and_filters_find_people(in_charge, acme, bob, rita, query, found):
    Membership.objects.filter(user=rita).update(starts_on=timezone.localdate() + timedelta(days=3))
    factories.MembershipFactory(customer=acme, first_name="Léo", role=Role.VISITOR, phone="+15145550123")
    factories.MembershipFactory(
        customer=acme, first_name="Zed", role=Role.VISITOR, email="zed@x.example", removed_at=timezone.now()
    )
    rows = in_charge.get(at("team", acme) + query, headers={"hx-request": "true", "hx-target": "results"}).text
    assert {name for name in ("Alice", "Bob", "Rita", "Léo", "Zed") if name in rows} == found


def test_pages_cover_everybody_once(in_charge, acme):
    factories.MembershipFactory.create_batch(60, customer=acme, role=Role.VISITOR, last_name="Même", first_name="Nom")
    seen, address = [], at("team", acme)
    while address:
        people = in_charge.get(address).context
        seen += [person.pk for person in people["people"]]
        address = people["more_url"]
    assert sorted(seen) == sorted(acme.memberships.values_list("pk", flat=True))


@pytest.mark.parametrize("after", [r'["\ud800",1]', r'["a\udfff",1]', r'["\u0000",1]', "[" * 1000, "{"])
def test_a_place_that_is_none_is_the_first_page(in_charge, acme, after):
    answer = in_charge.get(at("team", acme), {"after": after})
    assert answer.status_code == 200
    assert "Alice Tremblay" in answer.text


def test_the_list_costs_the_same_for_two_people_and_for_two_hundred(in_charge, acme, alice):
    counts = []
    for more in (2, 200):
        people = [(invitee(f"p{more}.{n}@acme.example"), wished()) for n in range(more // 4 + 1)]
        prepare_invitations(customer=acme, people=people, by=alice)
        factories.MembershipFactory.create_batch(more, customer=acme, role=Role.VISITOR, last_name="Roy")
        in_charge.get(at("team", acme))
        with CaptureQueriesContext(connection) as asked:
            in_charge.get(at("team", acme))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 5


def waiting_on(page) -> list[str]:
    return [mandate.email for mandate, _state, _may_open in page.context["waiting"]]


@pytest.fixture
def sixty(acme, alice):
    people = [(invitee(f"p{n:02}@acme.example", first_name="Noé", last_name=f"Roy {n}"), wished()) for n in range(60)]
    return prepare_invitations(customer=acme, people=people, by=alice)


@pytest.mark.parametrize("target", [None, "more-waiting"])
def test_everybody_who_was_invited_is_reached(in_charge, acme, sixty, target):
    seen, address = [], at("team", acme)
    headers = {"hx-request": "true", "hx-target": target} if target else {}
    while address:
        page = in_charge.get(address, headers=headers)
        seen += waiting_on(page)
        address = page.context["more_waiting_url"]
    assert seen == [f"p{n:02}@acme.example" for n in reversed(range(60))]


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=P03@acme", ["p03@acme.example"]), ("q=ROY 7", ["p07@acme.example"]), ("q=noe&role=buyer", []),
     ("q=p03&state=ended", []), ("waiting=rien&q=p03", ["p03@acme.example"])],
)  # fmt: skip
def test_who_waits_is_found_by_name_or_e_mail(in_charge, acme, sixty, query, found):
    assert waiting_on(in_charge.get(f"{at('team', acme)}?{query}")) == found
    fragment = in_charge.get(f"{at('team', acme)}?{query}", headers={"hx-request": "true", "hx-target": "results"})
    assert waiting_on(fragment) == found


def test_who_is_invited_twice_is_led_to_the_invitation_that_waits(in_charge, acme, sixty):
    answer = in_charge.post(at("team-invite", acme), TERMS | {"people": "p03@acme.example"})
    assert answer.status_code == 422
    address = f"{at('team', acme)}?q=p03%40acme.example"
    assert f'href="{address}"' in answer.text
    assert waiting_on(in_charge.get(address)) == ["p03@acme.example"]


def test_each_reads_whose_signature_is_awaited_and_opens_only_what_opens(client, acme, alice, bob):
    olga = factories.UserFactory(first_name="Olga", last_name="Roy", language="en-ca")
    factories.MembershipFactory(customer=acme, user=olga, role=Role.ADMINISTRATOR)
    hers, his = prepared(acme, alice), prepared(acme, bob, "autre@acme.example")
    for user in (alice, olga, bob):
        user.language = "en-ca"
        user.save()
        client.force_login(user)
        page = client.get(at("team", acme))
        states = {mandate.pk: state[1] for mandate, state, _may_open in page.context["waiting"]}
        for mandate, author in ((hers, alice), (his, bob)):
            words = "your signature" if author == user else f"the signature of {author}"
            assert states[mandate.pk] == f"Waiting for {words}"
            address = at("mandate", acme, mandate.pk)
            assert (f'href="{address}"' in page.text) == (client.get(address).status_code == 200)
    assert at("mandate", acme, hers.pk) not in page.text  # Bob, the last, opens his alone


# --- inviting ---------------------------------------------------------------------------------


def test_inviting_leads_straight_to_the_signature(in_charge, acme):
    people = "Noé Roy <noe@acme.example>\n lea@acme.example,\n\n"
    answer = in_charge.post(at("team-invite", acme), TERMS | {"people": people, "ceiling": "1 250,50"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign/")
    first, second = Mandate.objects.order_by("pk")
    assert (first.name, first.email, second.email) == ("Noé Roy", NEW, "lea@acme.example")
    assert str(first.ceiling) == "1250.50"
    assert first.batch == second.batch
    assert "Waiting for your signature" in in_charge.get(at("team", acme)).text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "Say whom to invite."),
        ({"people": "pas une adresse"}, "holds no e-mail address"),
        ({"people": "noe@acme.example\nNOE@acme.example"}, "is there twice"),
        ({"people": NEW, "starts_on": "2130-02-01", "ends_on": "2130-01-01"}, "comes before the first"),
        ({"people": NEW, "ends_on": "2020-01-01"}, "past already"),
        ({"people": NEW, "ends_on": "hier"}, "id_ends_on_error"),
        ({"people": NEW, "ceiling": "-1"}, "id_ceiling_error"),
        ({"people": NEW, "ceiling": "beaucoup"}, "Write an amount such as"),
        ({"people": NEW, "role": "emperor"}, "id_role_error"),
        ({"people": NEW, "granted": "rule_the_world"}, "id_granted_error"),
        ({"people": NEW, "granted": "operate_funds"}, "needs a financing contract, which you do not have"),
        ({"people": NEW, "granted": "change_bank_details"}, "id_proof_error"),
        ({"people": NEW, "branches": "999999"}, "id_branches_error"),
        ({"counter_name": "Léo Roy"}, "both a name and a phone number"),
        ({"counter_phone": "514 555-0123"}, "both a name and a phone number"),
        ({"people": "alice@acme.example"}, "your own address"),
        ({"people": "bob@acme.example"}, "is a member already"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(in_charge, acme, bob, typed, words):
    answer = in_charge.post(at("team-invite", acme), TERMS | {"requires_purchase_order": "on"} | typed)
    assert answer.status_code == 422
    assert words in answer.text
    if "people" in typed:
        assert typed["people"].split("\n")[0] in answer.text
    assert 'name="requires_purchase_order"' in answer.text
    assert not Mandate.objects.exists()


def test_a_ceiling_of_nothing_is_no_limit_and_of_zero_is_zero(in_charge, acme):
    for email, ceiling in (("a@x.example", ""), ("b@x.example", "0")):
        in_charge.post(at("team-invite", acme), TERMS | {"people": email, "ceiling": ceiling})
    assert [mandate.ceiling for mandate in Mandate.objects.order_by("email")] == [None, 0]


def test_a_permission_says_it_is_new_what_it_needs_and_why_it_is_grey(in_charge, acme):
    page = in_charge.get(at("team-invite", acme)).text
    assert page.count(">new</span>") == 3
    assert page.count(">proof of authority</span>") == 2
    assert 'id="id_granted_operate_funds" disabled' in page
    assert "Only with a financing contract" in page
    for permission in Permission:
        assert permission.description in page.replace("&#x27;", "'")
    acme.features = [Feature.FINANCING]
    acme.save()
    assert 'id="id_granted_operate_funds" disabled' not in in_charge.get(at("team-invite", acme)).text


def test_a_proof_must_be_a_document(in_charge, acme):
    acme.features = list(Feature)
    acme.save()
    form = TERMS | {"people": NEW, "granted": "change_bank_details"}
    wrong = SimpleUploadedFile("preuve.pdf", b"MZ\x90 pas un PDF")
    assert "neither a PDF" in in_charge.post(at("team-invite", acme), form | {"proof": wrong}).text
    right = SimpleUploadedFile("../../preuve.pdf", b"%PDF-1.7 une preuve")
    assert in_charge.post(at("team-invite", acme), form | {"proof": right}).status_code == 303
    assert Mandate.objects.get().proof.name.startswith("proofs/")


@pytest.mark.parametrize(("chosen", "who", "status", "kept"), [
    ("change_bank_details", NEW, 303, 1),
    ("view_invoices", NEW, 303, 0),  # needs no document
    ("change_bank_details", "bob@acme.example", 422, 0),  # a member already
])  # fmt: skip
def test_a_document_no_mandate_bears_is_not_kept_of_an_invitation(
    in_charge, acme, bob, folder, chosen, who, status, kept
):
    proof = SimpleUploadedFile("preuve.pdf", b"%PDF-1.7 une preuve")
    form = TERMS | {"people": who, "granted": chosen, "proof": proof}
    assert in_charge.post(at("team-invite", acme), form).status_code == status
    assert len(list(folder.glob("proofs/*"))) == kept


@pytest.mark.parametrize(("chosen", "ends_on", "outcome"), [
    ("change_bank_details", "", (303, 1)),
    ("view_invoices", "", (303, 0)),
    ("change_bank_details", "2026-12-31", (422, 0)),  # the last administrator for good
])  # fmt: skip
@pytest.mark.usefixtures("today")
def test_a_document_no_mandate_bears_is_not_kept_of_a_change(
    in_charge, acme, alice, bob, folder, today, chosen, ends_on, outcome
):
    proof = SimpleUploadedFile("preuve.pdf", b"%PDF-1.7 une preuve")
    person, role = (alice, "administrator") if ends_on else (bob, "editor")
    form = TERMS | {"role": role, "granted": chosen, "ends_on": ends_on, "proof": proof}
    answer = in_charge.post(at("member", acme, Membership.objects.get(user=person).pk), form)
    assert (answer.status_code, len(list(folder.glob("proofs/*")))) == outcome


# --- one mandate ------------------------------------------------------------------------------


def test_an_invitation_is_sent_again_corrected_and_revoked_from_its_page(in_charge, acme, alice):
    invited(acme, alice)
    Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    mandate = only_invitation().mandate
    page = at("mandate", acme, mandate.pk)
    assert in_charge.post(page, {"resend": "1"}).status_code == 303
    assert OutgoingMessage.objects.filter(template="organizations/emails/invitation").count() == 2
    assert in_charge.post(page, {"correct": "1", "email": "rien"}).status_code == 422
    answer = in_charge.post(page, {"correct": "1", "email": "Lea@acme.example"})
    assert answer.headers["Location"].startswith("/sign/")
    assert only_invitation().state == Invitation.State.REVOKED
    other = Mandate.objects.live().get()
    assert other.email == "lea@acme.example"
    in_charge.post(at("mandate", acme, other.pk), {"cancel": "1"})
    assert not Mandate.objects.live().exists()


def test_an_editor_opens_only_what_they_prepared(client, acme, alice, bob):
    hers, his = prepared(acme, alice), prepared(acme, bob, "autre@acme.example")
    client.force_login(bob)
    assert client.get(at("mandate", acme, hers.pk)).status_code == 404
    assert client.get(at("mandate", acme, his.pk)).status_code == 200


def test_the_register_shows_a_past_day_and_gives_each_signed_file(in_charge, acme, alice, bob, today):
    sign_batch_of = wished(Role.ACCOUNTANT)
    from organizations.services.members import change_member  # noqa: PLC0415 - one test needs it

    sign_batch(change_member(membership=member(bob), wish=sign_batch_of, by=alice), alice)
    page = at("mandate-register", acme)
    assert "Bob Gagnon" in in_charge.get(page).text
    assert "Bob Gagnon" not in in_charge.get(f"{page}?on=2026-11-21").text
    assert in_charge.get(at("mandate-pdf", acme, Mandate.objects.get().pk)).status_code == 404


@pytest.mark.parametrize("typed", ["demain", "2026-02-30", "9999-12-31", "10000-01-01", "0000-01-01"])
def test_a_day_the_register_cannot_be_asked_of_is_said_so(in_charge, acme, typed):
    answer = in_charge.get(at("mandate-register", acme), {"on": typed})
    assert answer.status_code == 422
    assert "This is not a date" in answer.text
    assert typed in answer.text


@pytest.mark.parametrize("typed", ["0001-01-01", "9999-12-30"])
def test_the_first_and_last_days_of_the_register_are_days(in_charge, acme, typed):
    assert in_charge.get(at("mandate-register", acme), {"on": typed}).status_code == 200


# --- one person -------------------------------------------------------------------------------


def test_taking_away_is_done_and_giving_leads_to_the_signature(in_charge, acme, bob):
    page = at("member", acme, member(bob).pk)
    assert in_charge.post(page, {"role": "visitor"}).headers["Location"] == f"{page}?changed=1"
    assert member(bob).role == Role.VISITOR
    assert in_charge.post(page, {"role": "editor"}).headers["Location"].startswith("/sign/")
    assert member(bob).role == Role.VISITOR


def test_a_member_of_another_company_named_by_id_is_not_found(in_charge, acme, charlie):
    theirs = member(charlie)
    for name in ("member", "member-remove"):
        assert in_charge.get(at(name, acme, theirs.pk)).status_code == 404
        assert in_charge.post(at(name, acme, theirs.pk), {"role": "visitor"}).status_code == 404
    assert member(charlie).role == Role.ADMINISTRATOR


def test_ending_an_access_asks_once_then_holds_on_the_very_next_request(in_charge, acme, bob):
    other = type(in_charge)()
    other.force_login(bob)
    assert other.get(acme.get_absolute_url()).status_code == 200
    page = at("member-remove", acme, member(bob).pk)
    assert "End the access of Bob Gagnon?" in in_charge.get(page).text
    assert in_charge.post(page).status_code == 303
    assert other.get(acme.get_absolute_url()).status_code == 404
    assert "no longer has access" in in_charge.get(page).text


def test_the_last_administrator_is_refused_in_words(in_charge, acme, alice):
    answer = in_charge.post(at("member-remove", acme, member(alice).pk))
    assert answer.status_code == 422
    assert "Give that role to somebody else first" in answer.text
    answer = in_charge.post(at("member", acme, member(alice).pk), {"role": "visitor"})
    assert answer.status_code == 422
    assert member(alice).role == Role.ADMINISTRATOR


def test_the_spreadsheet_holds_everybody_and_computes_nothing(in_charge, acme, bob):
    factories.MembershipFactory(customer=acme, role=Role.VISITOR, last_name="=1+1", email="x@acme.example")
    answer = in_charge.get(at("team-export", acme))
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufefffirst_name,last_name,email")
    assert "Bob,Gagnon,bob@acme.example" in text
    assert ",'=1+1," in text
    assert len(text.splitlines()) == 4


def test_the_last_sign_in_is_on_the_list_and_on_the_page_of_the_person(in_charge, acme, bob, rita):
    bob.last_login = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
    bob.save()
    rows = in_charge.get(at("team", acme)).text.split("<tr>")
    assert next('<td class="when"><time>2026-03-04</time>' in row for row in rows if "Bob Gagnon" in row)
    assert next('<td class="when"><span class="wide-only">–</span></td>' in row for row in rows if "Rita Côté" in row)
    page = in_charge.get(at("member", acme, member(bob).pk)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "<dt>Last sign-in</dt><dd>March 4, 2026" in page
    assert "<dt>Last sign-in</dt><dd>never" in in_charge.get(at("member", acme, member(rita).pk)).text
