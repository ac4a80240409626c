"""What a signature sets in motion: rights that take effect, promotions to accept, proofs to look at, the register."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from io import BytesIO

import pypdf
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage
from organizations.models import Invitation, Mandate, Membership
from organizations.permissions import Feature, Permission, Role
from organizations.services import mandates
from organizations.services.authority import ProofDecided, accept_proof, refuse_proof
from organizations.services.invitations import SomebodyElse, accept_as_new, accept_invitation
from organizations.services.mandates import ask_to_sign, cancel_mandate, correct_address
from organizations.services.members import ask_for_permission, change_member, grant, remove_member
from organizations.services.proofs import ProofMissing, keeping_proof
from organizations.services.requests import ReasonMissing
from signatures.links import path_of
from signatures.models import SignatureRequest
from signatures.services.requests import decline
from tests import factories
from tests.organizations.signing import (
    AT_HOME,
    NEW,
    invited,
    invitee,
    member,
    prepared,
    sign,
    sign_batch,
    token_mailed_to,
    wished,
)

pytestmark = pytest.mark.django_db
CHOSEN = {"password": "un long mot de passe", "first_name": "Noé", "last_name": "Roy", "language": "fr-ca"}
BANK = Permission.CHANGE_BANK_DETAILS


@pytest.fixture
def proved(acme, alice, bob, settings, tmp_path):
    """Bob is to change bank details, with a document, once signed."""
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": str(tmp_path)}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    with keeping_proof(proof=ContentFile(b"%PDF-1.7", name="resolution.pdf")) as path:
        batch = change_member(membership=member(bob), wish=wished(Role.EDITOR, BANK), by=alice, proof=path)
    sign_batch(batch, alice)
    return Mandate.objects.get()


def test_a_promotion_is_accepted_by_the_person_before_it_holds(acme, alice, bob):
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    assert member(bob).role == Role.EDITOR
    accept_invitation(token=token_mailed_to(bob.email), by=bob)
    assert member(bob).role == Role.ADMINISTRATOR
    assert Membership.objects.filter(user=bob).count() == 1


def test_a_promotion_is_accepted_by_nobody_else(acme, alice, bob, rita):
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    with pytest.raises(SomebodyElse):
        accept_invitation(token=token_mailed_to(bob.email), by=rita)
    assert member(bob).role == Role.EDITOR


def test_once_accepted_the_former_last_administrator_may_leave(acme, alice, bob):
    sign_batch(change_member(membership=member(bob), wish=wished(Role.ADMINISTRATOR), by=alice), alice)
    with pytest.raises(mandates.LastAdministrator):
        remove_member(membership=member(alice), by=alice)
    accept_invitation(token=token_mailed_to(bob.email), by=bob)
    remove_member(membership=member(alice), by=bob)
    assert not acme.permissions_for(alice)


def test_a_declined_signature_gives_up_what_it_was_for(acme, alice):
    mandate = prepared(acme, alice)
    decline(request=mandate.signature, reason="Non", by=alice, origin=AT_HOME)
    mandate.refresh_from_db()
    assert mandate.ended_at is not None
    assert prepared(acme, alice).pk != mandate.pk


def test_what_is_given_up_is_not_to_be_signed_any_more(acme, alice, django_capture_on_commit_callbacks):
    mandate = prepared(acme, alice)
    with django_capture_on_commit_callbacks(execute=True):
        cancel_mandate(mandate=mandate, by=alice)
    assert SignatureRequest.objects.get().state == SignatureRequest.State.CANCELLED
    with pytest.raises(mandates.NothingToSign):
        ask_to_sign(customer=acme, batch=mandate.batch, by=alice, origin=AT_HOME)


def texts_of(request: SignatureRequest) -> list[str]:
    """What each page of the French document says."""
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(bytes(request.french.content))).pages]


GIVEN_UP = {
    "given up": lambda mandate, by: cancel_mandate(mandate=mandate, by=by),
    "corrected": lambda mandate, by: correct_address(mandate=mandate, email="autre@acme.example", by=by),
}


@pytest.mark.parametrize("how", GIVEN_UP)
def test_what_one_person_of_a_batch_loses_is_on_no_document_and_keeps_the_others_from_nothing(
    client, acme, alice, how, django_capture_on_commit_callbacks
):
    first = prepared(acme, alice, "un@acme.example", "deux@acme.example")
    rest = Mandate.objects.get(email="deux@acme.example")
    with django_capture_on_commit_callbacks(execute=True):
        GIVEN_UP[how](first, alice)
    first.signature.refresh_from_db()
    assert first.signature.state == SignatureRequest.State.CANCELLED
    client.force_login(alice)
    old = client.get(path_of(request=first.signature))
    assert old.status_code == 410
    assert f'href="{reverse("organizations:team", args=[acme.public_id])}"' in old.text
    client.post(reverse("organizations:mandate-sign", args=[acme.public_id, rest.pk]))
    rest.refresh_from_db()
    (page,) = texts_of(rest.signature)
    assert "deux@acme.example" in page
    sign(rest.signature, alice)
    assert [row.email for row in Mandate.objects.filter(signed_at__isnull=False)] == ["deux@acme.example"]


def test_one_given_up_while_a_killed_worker_left_the_document_waiting_undoes_its_signature(acme, alice):
    first = prepared(acme, alice, "un@acme.example", "deux@acme.example")
    Mandate.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    with pytest.raises(mandates.NotAllLeft):
        sign(first.signature, alice)
    assert not Mandate.objects.filter(signed_at__isnull=False).exists()
    again = ask_to_sign(customer=acme, batch=first.batch, by=alice, origin=AT_HOME)
    assert again != first.signature
    sign(again, alice)
    assert [row.email for row in Mandate.objects.filter(signed_at__isnull=False)] == ["deux@acme.example"]


@pytest.mark.parametrize("change", [{"phone": "+15145550198"}, {"last_name": "Roy"}, {"language": "en-ca"},
                                    {"email": "alice.roy@acme.example"}])  # fmt: skip
def test_an_author_who_changed_since_signs_a_new_document_and_the_old_one_is_over(client, acme, alice, change):
    mandate = prepared(acme, alice)
    for name, value in change.items():
        setattr(alice, name, value)
    alice.save()
    client.force_login(alice)
    answer = client.post(reverse("organizations:mandate-sign", args=[acme.public_id, mandate.pk]))
    old = mandate.signature
    mandate.refresh_from_db()
    assert answer.url == path_of(request=mandate.signature)
    old.refresh_from_db()
    assert (old.state, mandate.signature.state) == (SignatureRequest.State.CANCELLED, SignatureRequest.State.WAITING)
    sign(mandate.signature, alice)
    mandate.refresh_from_db()
    assert mandate.signed_at is not None


def test_what_keeps_from_signing_is_said(client, acme, alice):
    mandate = prepared(acme, alice)
    cancel_mandate(mandate=mandate, by=alice)
    client.force_login(alice)
    answer = client.post(reverse("organizations:mandate-sign", args=[acme.public_id, mandate.pk]))
    assert str(mandates.NothingToSign()) in html.unescape(client.get(answer.url).text)


def test_given_up_between_the_page_and_the_code_the_signature_is_undone(acme, alice):
    mandate = prepared(acme, alice)
    Mandate.objects.update(ended_at=timezone.now())  # its request is not cancelled yet: a worker was killed
    with pytest.raises(mandates.NothingToSign):
        sign(mandate.signature, alice)
    assert SignatureRequest.objects.get().state == SignatureRequest.State.WAITING
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("how", ["removed", "demoted", "disabled"])
def test_who_lost_the_right_to_give_signs_nothing(acme, alice, how):
    factories.MembershipFactory(customer=acme, user=factories.UserFactory(), role=Role.OWNER)
    mandate = prepared(acme, alice)
    if how == "disabled":
        alice.is_active = False
        alice.save()
    else:
        change = {"removed_at": timezone.now()} if how == "removed" else {"role": Role.VISITOR}
        Membership.objects.filter(user=alice).update(**change)
    with pytest.raises(mandates.AuthorityLost):
        sign(mandate.signature, alice)
    assert SignatureRequest.objects.get().state == SignatureRequest.State.WAITING
    assert not Invitation.objects.exists()


def test_signing_what_others_prepared_is_not_possible(acme, alice, bob):
    mandate = prepared(acme, alice)
    with pytest.raises(mandates.NothingToSign):
        ask_to_sign(customer=acme, batch=mandate.batch, by=bob, origin=AT_HOME)


def test_asked_to_sign_twice_it_is_one_request(acme, alice):
    mandate = prepared(acme, alice)
    again = ask_to_sign(customer=acme, batch=mandate.batch, by=alice, origin=AT_HOME)
    assert again == mandate.signature
    assert SignatureRequest.objects.count() == 1


def test_a_new_mandate_replaces_the_former_one_of_a_person(acme, alice, bob):
    for permission in (Permission.VIEW_INVOICES, Permission.VIEW_DOCUMENTS):
        sign_batch(grant(membership=member(bob), permission=permission, by=alice), alice)
    first, second = Mandate.objects.order_by("pk")
    assert (first.ended_at is not None, second.ended_at) == (True, None)
    assert {Permission.VIEW_INVOICES, Permission.VIEW_DOCUMENTS} <= acme.permissions_for(bob)


# --- proofs of authority ----------------------------------------------------------------------


def test_a_right_that_needs_a_proof_waits_for_the_agent(acme, bob, sam, proved):
    assert proved.effective_at is not None
    assert BANK not in acme.permissions_for(bob)
    assert list(Mandate.objects.proof_waiting()) == [proved]
    accept_proof(mandate=proved, by=sam)
    assert BANK in acme.permissions_for(bob)
    assert not Mandate.objects.proof_waiting().exists()
    with pytest.raises(ProofDecided):
        refuse_proof(mandate=proved, reason="Trop tard", by=sam)


def test_a_refused_proof_gives_nothing_and_says_why_to_who_signed(acme, alice, bob, sam, proved):
    with pytest.raises(ReasonMissing):
        refuse_proof(mandate=proved, reason=" ", by=sam)
    refuse_proof(mandate=proved, reason="La résolution n’est pas signée.", by=sam)
    assert BANK not in acme.permissions_for(bob)
    letter = OutgoingMessage.objects.get(template="organizations/emails/proof_refused")
    assert letter.recipient == alice.email
    assert "n’est pas signée" in letter.text


def test_a_proof_accepted_after_the_person_left_gives_nothing(acme, alice, bob, sam, proved):
    remove_member(membership=member(bob), by=alice)
    accept_proof(mandate=proved, by=sam)
    assert not acme.grants.exists()


def test_an_administrator_may_ask_for_themselves_what_an_agent_must_accept(acme, alice, sam, proved):
    with keeping_proof(proof=ContentFile(b"%PDF-1.7", name="r.pdf")) as path:
        batch = change_member(membership=member(alice), wish=wished(Role.ADMINISTRATOR, BANK), by=alice, proof=path)
    sign_batch(batch, alice)
    assert BANK not in acme.permissions_for(alice)
    accept_proof(mandate=Mandate.objects.get(batch=batch), by=sam)
    assert BANK in acme.permissions_for(alice)


def test_a_proof_accepted_once_stands_in_the_way_of_no_later_change(client, acme, alice, bob, sam, proved):
    accept_proof(mandate=proved, by=sam)
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    assert {BANK, Permission.VIEW_INVOICES} <= acme.permissions_for(bob)
    later = Mandate.objects.latest("pk")
    assert (later.proof.name, later.proof_decided_by, later.is_proved) == (proved.proof.name, sam, True)
    assert not Mandate.objects.proof_waiting().exists()
    client.force_login(alice)
    fields = {"role": Role.EDITOR.value, "granted": [BANK.value, Permission.VIEW_INVOICES.value], "ceiling": "2000"}
    assert client.post(f"/c/{acme.public_id}/team/{member(bob).pk}/", fields).status_code == 303
    assert member(bob).ceiling == 2000
    assert {BANK, Permission.VIEW_INVOICES} <= acme.permissions_for(bob)


def test_another_right_to_prove_asks_for_its_own_document_and_leaves_the_first_alone(acme, alice, bob, sam, proved):
    accept_proof(mandate=proved, by=sam)
    acme.features = list(Feature)
    acme.save()
    buyout = Permission.REQUEST_BUYOUT
    with pytest.raises(ProofMissing) as missing:
        grant(membership=member(bob), permission=buyout, by=alice)
    assert missing.value.words == {"permission": buyout.label}
    with keeping_proof(proof=ContentFile(b"%PDF-1.7", name="r.pdf")) as path:
        batch = change_member(membership=member(bob), wish=wished(Role.EDITOR, BANK, buyout), by=alice, proof=path)
    sign_batch(batch, alice)
    assert acme.permissions_for(bob) & {BANK, buyout} == {BANK}
    refuse_proof(mandate=Mandate.objects.get(batch=batch), reason="Illisible", by=sam)
    letter = OutgoingMessage.objects.get(template="organizations/emails/proof_refused")
    assert ("Demander un rachat" in letter.text, "bancaires" in letter.text) == (True, False)
    # The mandate in force bears a refused document; the one that was accepted still stands for the bank.
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    assert acme.permissions_for(bob) & {BANK, buyout, Permission.VIEW_INVOICES} == {BANK, Permission.VIEW_INVOICES}


def test_a_document_nobody_looked_at_yet_still_waits_after_another_right_is_given(acme, alice, bob, sam, proved):
    assert grant(membership=member(bob), permission=Permission.RENT, by=alice) is None
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    later = Mandate.objects.latest("pk")
    assert list(Mandate.objects.proof_waiting()) == [later]
    assert (later.proof.name, BANK in acme.permissions_for(bob)) == (proved.proof.name, False)
    accept_proof(mandate=later, by=sam)
    assert {BANK, Permission.VIEW_INVOICES} <= acme.permissions_for(bob)


def test_a_right_given_up_is_proved_again_before_it_comes_back(acme, alice, bob, sam, proved):
    accept_proof(mandate=proved, by=sam)
    change_member(membership=member(bob), wish=wished(Role.EDITOR), by=alice)
    with pytest.raises(ProofMissing):
        grant(membership=member(bob), permission=BANK, by=alice)
    assert BANK not in acme.permissions_for(bob)


# --- the register -----------------------------------------------------------------------------


def test_the_register_knows_what_was_in_force_on_each_day(acme, alice, bob, today, time_machine):
    sign_batch(grant(membership=member(bob), permission=Permission.VIEW_INVOICES, by=alice), alice)
    mandate = Mandate.objects.get()
    time_machine.move_to(today + timedelta(days=10))
    remove_member(membership=member(bob), by=alice)
    found = {
        day: Mandate.objects.in_force(on=date(2026, 11, 22) + timedelta(days=day)).exists()
        for day in (-1, 0, 9, 10, 11)
    }
    assert found == {-1: False, 0: True, 9: True, 10: True, 11: False}
    assert mandate.signature.french.page_count == 1


def test_an_invitation_nobody_accepted_is_not_in_force(acme, alice, today):
    token = invited(acme, alice)
    assert not Mandate.objects.in_force(on=date(2026, 11, 22)).exists()
    accept_as_new(token=token, **CHOSEN)
    assert Mandate.objects.in_force(on=date(2026, 11, 22)).exists()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"signed_at": timezone.now(), "signature": None}, "mandate_signed_by_a_signature"),
        ({"effective_at": timezone.now(), "signed_at": timezone.now()}, "mandate_effective_for_somebody"),
        ({"granted": ["change_bank_details"]}, "mandate_proof_is_there"),
        ({"proof_decided_at": timezone.now()}, "mandate_proof_decision_is_whole"),
        ({"email": "Noe@acme.example"}, "mandate_email_normalized"),
        ({"ceiling": -1}, "mandate_ceiling_not_negative"),
        ({"starts_on": date(2026, 2, 1), "ends_on": date(2026, 1, 1)}, "mandate_ends_after_start"),
    ],
)
def test_a_mandate_that_contradicts_itself_is_refused(acme, alice, change, constraint):
    prepared(acme, alice)
    with pytest.raises(IntegrityError, match=constraint):
        Mandate.objects.update(**change)


def test_the_database_keeps_one_waiting_mandate_a_person_and_one_in_force_a_member(acme, alice, bob):
    mandate = prepared(acme, alice)
    copy = {"customer": acme, "prepared_by": alice, "role": Role.VISITOR}
    with pytest.raises(IntegrityError, match="mandate_one_waiting_a_person"), transaction.atomic():
        Mandate.objects.create(email=NEW, **copy)
    of_bob = copy | {"membership": member(bob)}
    with pytest.raises(IntegrityError, match="mandate_effective_once_signed"), transaction.atomic():
        Mandate.objects.create(effective_at=timezone.now(), **of_bob)
    Mandate.objects.create(**of_bob)
    with pytest.raises(IntegrityError, match="mandate_one_waiting_a_member"), transaction.atomic():
        Mandate.objects.create(**of_bob)
    Mandate.objects.filter(membership=member(bob)).delete()
    now = timezone.now()
    in_force = of_bob | {"signed_at": now, "effective_at": now, "signature": mandate.signature}
    Mandate.objects.create(**in_force)
    with pytest.raises(IntegrityError, match="mandate_one_in_force_a_member"):
        Mandate.objects.create(**in_force)


def test_the_document_is_in_french_first_one_page_a_person_with_each_right_and_edge(acme, alice, bob):
    alice.language = "en-ca"
    alice.save()
    wish = wished(Role.BUYER, Permission.VIEW_INVOICES, ceiling=2500, requires_purchase_order=True)
    request = prepared(acme, alice, NEW, "lea@acme.example", wish=wish).signature
    french, english = (
        "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(bytes(document.content))).pages)
        for document in (request.french, request.english)
    )
    assert request.french.page_count == 2
    for words in ("Autorisation d’accès", "Noé Roy", NEW, "lea@acme.example", "Acheteur", "Du", "obligatoire",
                  "toutes les succursales", "Alice Tremblay"):  # fmt: skip
        assert words in french
    for words in ("Access mandate", "Buyer", "See invoices and balances", "$2,500.00", "compulsory", "further notice"):
        assert words in english.replace("\N{NO-BREAK SPACE}", " ")


def sizes_in(page: pypdf.PageObject) -> set[float]:
    """The sizes of its letters, in points."""
    found: set[float] = set()

    def note(text: str, canvas: list[float], matrix: list[float], font: object, size: float) -> None:
        if text.strip():
            found.add(round(size * matrix[0] * canvas[0], 1))

    page.extract_text(visitor_text=note)
    return found


def test_every_right_and_twenty_five_branches_fit_one_page_in_both_languages(acme, boreal, alice, folder):
    alice.language = "en-ca"
    alice.save()
    name = "Succursale de Saint-Exemple-des-Monts numéro {}"
    branches = [factories.BranchFactory(merchant=boreal, name=name.format(n), code=f"b{n}") for n in range(25)]
    edges = {
        "ceiling": 2500,
        "requires_purchase_order": True,
        "starts_on": date(2130, 9, 22),
        "ends_on": date(2131, 9, 30),
    }
    wish = wished(Role.REQUESTER, *Permission, branches=frozenset(branch.pk for branch in branches), **edges)
    whom = invitee("un.tres.long.nom.de.personne@construction-acme.example", last_name="Roy-Desrochers de La Fontaine")
    proof = ContentFile(b"%PDF-1.7", name="resolution.pdf")
    acme.features = list(Feature)
    acme.save()
    batch = mandates.prepare_invitations(customer=acme, people=[(whom, wish)], by=alice, proof=proof)
    request = ask_to_sign(customer=acme, batch=batch, by=alice, origin=AT_HOME)
    for document in (request.french, request.english):
        reader = pypdf.PdfReader(BytesIO(bytes(document.content)))
        assert len(reader.pages) == 1
        words = re.sub(r"\s+", "", reader.pages[0].extract_text())
        assert all(name.format(n).replace(" ", "") in words for n in range(25))
        assert min(sizes_in(reader.pages[0])) == 8


def test_a_mandate_of_the_usual_length_keeps_the_usual_type(acme, alice):
    page = pypdf.PdfReader(BytesIO(bytes(prepared(acme, alice).signature.french.content))).pages[0]
    assert {9, 20} <= sizes_in(page)


def test_a_proof_accepted_leads_back_to_where_the_right_was_missing(acme, alice, bob, sam, proved):
    page = f"/c/{acme.public_id}/organization/"
    ask_for_permission(customer=acme, permission=BANK, by=bob, back=page)
    accept_proof(mandate=proved, by=sam)
    letter = OutgoingMessage.objects.filter(template="organizations/emails/access_changed").latest("pk")
    assert letter.recipient == bob.email
    assert page in letter.text


def test_whoever_signs_goes_back_to_the_page_they_came_from(client, acme, alice, bob):
    client.force_login(alice)
    page = f"/c/{acme.public_id}/team/{member(bob).pk}/grant/view_invoices/"
    signing_page = client.post(page).headers["Location"]
    request = SignatureRequest.objects.get()
    assert request.back_path == page
    sign(request, alice)
    assert f'href="{page}"' in client.get(signing_page).text
    assert "Bob Gagnon a ce droit" in client.get(page).text


# --- a document nobody looked at yet, and the form of the member --------------------------------


def change(client, acme, bob, **fields) -> object:
    page = f"/c/{acme.public_id}/team/{member(bob).pk}/"
    return client.post(page, {"role": Role.EDITOR.value, "granted": [BANK.value]} | fields)


def test_the_form_shows_what_waits_for_its_document_ticked(client, acme, alice, bob, proved):
    client.force_login(alice)
    page = client.get(f"/c/{acme.public_id}/team/{member(bob).pk}/").text
    assert f'value="{BANK.value}" id="id_granted_{BANK.value}" checked' in page
    assert "Une fois la preuve de pouvoir acceptée" in page


@pytest.mark.parametrize("fields", [{}, {"ceiling": "100"}])
def test_left_as_it_is_or_with_less_the_document_keeps_waiting_and_nothing_is_signed(
    client, acme, alice, bob, sam, proved, fields
):
    client.force_login(alice)
    answer = change(client, acme, bob, **fields)
    assert (answer.status_code, answer.headers["Location"][-9:]) == (303, "changed=1")
    assert list(Mandate.objects.all()) == [proved]
    assert member(bob).ceiling == (100 if fields else None)
    accept_proof(mandate=proved, by=sam)
    assert BANK in acme.permissions_for(bob)


def test_with_a_right_more_the_document_waits_under_the_new_mandate(client, acme, alice, bob, sam, proved):
    client.force_login(alice)
    more = [BANK.value, Permission.VIEW_INVOICES.value]
    assert change(client, acme, bob, granted=more).headers["Location"].startswith("/sign/")
    later = Mandate.objects.latest("pk")
    sign_batch(later.batch, alice)
    assert list(Mandate.objects.proof_waiting()) == [later]
    assert later.proof.name == proved.proof.name
    accept_proof(mandate=later, by=sam)
    assert {BANK, Permission.VIEW_INVOICES} <= acme.permissions_for(bob)


def test_unticked_what_waits_is_given_up_and_no_agent_looks_at_it(client, acme, alice, bob, sam, proved):
    client.force_login(alice)
    assert change(client, acme, bob, granted=[]).headers["Location"].endswith("changed=1")
    assert not Mandate.objects.proof_waiting().exists()
    with pytest.raises(ProofDecided):
        accept_proof(mandate=proved, by=sam)
    proved.refresh_from_db()
    assert (proved.proof_refusal, proved.proof_decided_by) == ("abandonné par Alice Tremblay", alice)
    assert BANK not in acme.permissions_for(bob)
    assert acme.events.latest("pk").event == "member_reduced"
    assert change(client, acme, bob).status_code == 422  # asked for again, it needs its document


def test_another_document_replaces_the_one_that_waits(client, acme, alice, bob, proved):
    client.force_login(alice)
    document = SimpleUploadedFile("r.pdf", b"%PDF-1.7 une autre")
    assert change(client, acme, bob, proof=document).headers["Location"].startswith("/sign/")
    later = Mandate.objects.latest("pk")
    assert later.proof.name not in {"", proved.proof.name}


def test_what_waits_proves_no_other_right(acme, alice, bob, proved):
    acme.features = list(Feature)
    acme.save()
    wish = wished(Role.EDITOR, BANK, Permission.REQUEST_BUYOUT)
    with pytest.raises(ProofMissing):
        change_member(membership=member(bob), wish=wish, by=alice)
    assert list(Mandate.objects.proof_waiting()) == [proved]
