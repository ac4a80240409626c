"""Signatures for agents: the evidence as sentences, the sealed file, and a seal that failed tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as configured
from django.urls import reverse

from accounts.models import User
from signatures.models import Seal, SignatureRequest
from signatures.services import requests, sealing
from tests.signatures.samples import AT_HOME, asked_of, signed_by

LIST = "admin:signatures_signaturerequest_changelist"


@pytest.fixture
def signed(alice: User, boreal: object, folder: Path) -> SignatureRequest:
    return signed_by(alice, asked_of(alice, merchant=boreal, capacity="Administratrice d’Acme"))


def sheet(asked: SignatureRequest, page: str = "change") -> str:
    return reverse(f"admin:signatures_signaturerequest_{page}", args=[asked.pk])


def test_the_evidence_reads_as_sentences_in_order(agent, signed):
    content = agent.get(sheet(signed)).content.decode()
    told = [
        "La signature a été demandée par le signataire lui-même.",
        "Le document a été remis en français.",
        "Un code à six chiffres a été envoyé à alice@acme.example",
        "Signé avec le code",
    ]
    places = [content.index(words) for words in told]
    assert places == sorted(places)
    assert "203.0.113.7 · Firefox · Linux" in content
    assert "Administratrice d’Acme" in content


def test_neither_the_link_nor_a_code_is_shown_to_an_agent(agent, signed):
    content = agent.get(sheet(signed)).content.decode() + agent.get(reverse(LIST)).content.decode()
    assert "/sign/" not in content
    assert signed.token_hash not in content
    assert signed.codes.get().code_hash not in content


def test_the_sealed_file_is_there_for_an_agent_of_the_merchant(agent, signed):
    assert agent.get(sheet(signed, "sealed")).status_code == 404
    sealing.seal_owed()
    assert sheet(signed, "sealed") in agent.get(sheet(signed)).content.decode()
    answer = agent.get(sheet(signed, "sealed"))
    content = b"".join(answer.streaming_content)
    with Seal.objects.get().file.open("rb") as file:
        assert content == file.read()
    assert answer["Content-Type"] == "application/pdf"


def test_a_seal_that_failed_is_listed_apart_with_its_reason_and_tried_again(agent, signed, settings):
    settings.SIGNING_CERTIFICATE = "/nowhere/boreal.pem"
    sealing.seal_owed()
    assert "le fichier scellé n’a pas pu être produit" in agent.get(reverse(LIST) + "?seal=failed").content.decode()
    content = agent.get(sheet(signed)).content.decode()
    assert "SIGNING_CERTIFICATE is not a key" in content
    assert sheet(signed, "again") in content
    assert "La signature tient" in agent.get(sheet(signed, "again")).content.decode()
    assert Seal.objects.get().attempts == 1  # reading the page tried nothing
    settings.SIGNING_CERTIFICATE = ""
    assert agent.post(sheet(signed, "again")).status_code == 303
    assert sealing.seal_owed() == 1
    assert "Alice" not in agent.get(reverse(LIST) + "?seal=failed").content.decode()


def test_what_did_not_fail_is_not_tried_again_and_says_so(agent, signed):
    answer = agent.post(sheet(signed, "again"), follow=True)
    assert "il n’y a rien à réessayer" in answer.content.decode()


@pytest.mark.parametrize(("state", "shown"), [("waiting", "Inès"), ("declined", "Bob"), ("signed", "Alice")])
def test_filters_tell_the_states_apart(agent, signed, bob, ines, boreal, state, shown):
    requests.decline(request=asked_of(bob, merchant=boreal), reason="Non", by=bob, origin=AT_HOME)
    asked_of(ines, merchant=boreal)
    content = agent.get(reverse(LIST) + f"?state={state}").content.decode()
    assert [name for name in ("Inès", "Bob", "Alice") if f"{name} " in content] == [shown]


@pytest.mark.parametrize("typed", ["alice@acme", "alice trem", "Alice"])
def test_a_signature_is_found_by_its_signer(agent, signed, bob, boreal, typed):
    asked_of(bob, merchant=boreal)
    content = agent.get(reverse(LIST), {"q": typed}).content.decode()
    assert "Alice Tremblay" in content
    assert "Bob Gagnon" not in content


def test_a_request_out_of_time_is_said_to_be_so_before_the_sweep(agent, alice, boreal, time_machine):
    asked = asked_of(alice, merchant=boreal)
    time_machine.move_to(asked.expires_at)
    assert "Échu" in agent.get(reverse(LIST)).content.decode()
    assert SignatureRequest.objects.get().state == "waiting"


def test_nothing_is_edited_by_anybody(agent, signed, client, root):
    for _ in range(2):
        answer = client.post(sheet(signed), {"signer_name": "Autre", "state": "cancelled"})
        assert answer.status_code == 403
        client.force_login(root, backend=configured.AUTHENTICATION_BACKENDS[0])
    signed.refresh_from_db()
    assert (signed.signer_name, signed.state) == ("Alice Tremblay", "signed")
