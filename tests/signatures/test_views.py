"""The page of the signer: a GET shows and never acts, each refusal explains itself, and nobody else comes in."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.urls import reverse
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from portal.privacy import MaskLinks
from signatures import links, otp, signals
from signatures.models import OneTimeCode, SignatureEvent, SignatureRequest
from signatures.refusals import RequestCancelled
from signatures.services import requests, sealing
from tests.signatures.samples import AT_HOME, CONSENT, asked_of, code_sent, pdf_of, signed_by
from tests.signatures.test_otp import wrong
from tests.strictness import StrictClient

pytestmark = pytest.mark.django_db
State, Kind = SignatureRequest.State, SignatureEvent.Kind


class Visit:
    """One browser at one link."""

    def __init__(self, asked: SignatureRequest, person: User | None, *, language: str = "fr-CA") -> None:
        self.client = StrictClient(headers={"accept-language": language, "user-agent": "Essai/1.0"})
        self.path = links.path_of(request=asked)
        if person is not None:
            self.client.force_login(person, backend=configured.AUTHENTICATION_BACKENDS[0])

    def get(self, under: str = ""):
        return self.client.get(self.path + under)

    def post(self, under: str = "", **data: str):
        return self.client.post(self.path + under, data)

    def read(self, language: str = "fr-ca"):
        return self.post(f"read/{language}/")

    def ask_for_code(self, language: str = "fr-ca"):
        return self.post("code/", language=language)

    def sign(self, code: str, **data: str):
        return self.post(code=code, consent=CONSENT, **({"agreed": "on"} | data))


@pytest.fixture
def visit(asked, alice) -> Visit:
    return Visit(asked, alice)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def state_of(asked: SignatureRequest) -> str:
    asked.refresh_from_db()
    return asked.state


def test_the_whole_way_from_the_link_to_the_signature(asked, visit, alice):
    page = text_of(visit.get())
    assert "Autorisation d’accès" in page
    assert "1 page" in page
    opened = visit.read()
    assert (opened.status_code, opened.url) == (303, f"{visit.path}document/fr-ca.pdf")
    pdf = visit.client.get(opened.url)
    assert (pdf["Content-Type"], pdf.content) == ("application/pdf", pdf_of("Autorisation d’accès", language="fr-CA"))
    assert "no-store" in pdf["Cache-Control"]
    sent = visit.ask_for_code()
    assert (sent.status_code, sent.url) == (303, f"{visit.path}#sign")
    page = text_of(visit.get())
    assert "a•••@a•••.example" in page
    assert alice.email not in page
    done = visit.sign(code_sent())
    assert (done.status_code, done.url) == (303, visit.path)
    assert "Le document est signé" in text_of(visit.get())
    event = asked.events.of(Kind.SIGNED).get()
    assert (event.by, event.ip, event.user_agent) == (alice, "127.0.0.1", "Essai/1.0")


def test_a_get_changes_nothing_whatever_is_under_the_link(asked, visit):
    """Mail scanners follow every link."""
    events = asked.events.count()
    for under in ("", "decline/", "document/fr-ca.pdf", "signed.pdf"):
        assert visit.get(under).status_code in {200, 303}
    for under in ("read/fr-ca/", "code/"):
        assert visit.get(under).status_code == 405
    assert asked.events.count() == events
    assert not OutgoingMessage.objects.exists()
    assert state_of(asked) == State.WAITING


def test_the_document_is_not_readable_before_it_is_handed_over(asked, visit):
    for language in ("fr-ca", "en-ca"):
        answer = visit.get(f"document/{language}.pdf")
        assert (answer.status_code, answer.url) == (303, visit.path)
    visit.read()
    assert visit.get("document/fr-ca.pdf").status_code == 200
    assert visit.get("document/en-ca.pdf").status_code == 303


def test_english_before_french_is_refused_with_the_reason_and_after_it_chosen(asked, visit):
    refused = visit.read("en-ca")
    assert refused.status_code == 422
    assert "Ouvrez d’abord le document en français" in text_of(refused)
    page = text_of(visit.get())
    assert "Il existe aussi en anglais" in page
    assert 'type="radio"' not in page
    visit.read("fr-ca")
    page = text_of(visit.get())
    assert "Je le veux aussi en anglais" in page
    assert visit.read("en-ca").status_code == 303
    assert "je choisis expressément l’anglais" in text_of(visit.get())
    visit.ask_for_code("en-ca")
    assert visit.sign(code_sent()).status_code == 303
    asked.refresh_from_db()
    assert (asked.state, asked.language) == (State.SIGNED, "en-ca")


def test_a_language_that_is_none_is_not_found(asked, visit):
    assert visit.read("es-mx").status_code == 404
    assert visit.get("document/es-mx.pdf").status_code == 303
    assert visit.ask_for_code("es-mx").status_code == 422


def test_a_code_for_a_document_not_opened_is_refused_with_the_reason(visit):
    refused = visit.ask_for_code()
    assert refused.status_code == 422
    assert "Ouvrez d’abord le document" in text_of(refused)
    assert not OutgoingMessage.objects.exists()


def test_a_second_code_at_once_is_refused_and_the_first_still_signs(asked, visit):
    visit.read()
    visit.ask_for_code()
    refused = visit.ask_for_code()
    assert refused.status_code == 422
    assert "Un code vient de partir" in text_of(refused)
    assert visit.sign(code_sent()).status_code == 303


def test_a_wrong_code_keeps_what_was_ticked_and_says_how_many_tries_are_left(asked, visit):
    visit.read()
    visit.ask_for_code()
    refused = visit.sign(wrong(code_sent()))
    page = text_of(refused)
    assert refused.status_code == 422
    assert "Il reste 4 essais." in page
    assert re.search(r'name="agreed"[^>]* checked', page)
    for _ in range(otp.TRIES - 1):
        refused = visit.sign(wrong(code_sent()))
    assert "essayé trop de fois" in text_of(refused)
    assert state_of(asked) == State.WAITING


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"code": "12345"}, "formé de six chiffres"),
        ({"code": "abcdef"}, "formé de six chiffres"),
        ({"code": "１２３４５６"}, "formé de six chiffres"),
        ({"code": "1234567"}, "formé de six chiffres"),
        ({"code": "x" * 500}, "20 caractères"),
        ({"code": ""}, "obligatoire"),
        ({"agreed": ""}, "Cochez la case"),
    ],
)
def test_what_is_not_a_code_or_not_agreed_costs_no_try(asked, visit, data, words):
    visit.read()
    visit.ask_for_code()
    refused = visit.sign(data.pop("code", code_sent()), **data)
    assert refused.status_code == 422
    assert words in text_of(refused)
    assert OneTimeCode.objects.get().tries == 0


def test_a_code_is_taken_with_the_spaces_people_type(asked, visit):
    visit.read()
    visit.ask_for_code()
    code = code_sent()
    assert visit.sign(f" {code[:3]}\u00a0{code[3:]} ").status_code == 303


def test_two_clicks_sign_once_and_both_see_the_receipt(asked, visit):
    visit.read()
    visit.ask_for_code()
    code = code_sent()
    assert [visit.sign(code).status_code for _ in range(2)] == [303, 200]
    assert asked.events.of(Kind.SIGNED).count() == 1
    assert "Le document est signé" in text_of(visit.sign(code))


def test_a_rule_of_the_app_that_asked_is_said_on_the_page(asked, visit):
    """A receiver of `signed` may refuse: it says why, and nothing is signed."""

    class Gone(requests.Refusal):
        sentence = "Cette personne a quitté l’entreprise."

    def refuse(sender: object, **_: object) -> None:
        raise Gone

    visit.read()
    visit.ask_for_code()
    signals.signed.connect(refuse)
    try:
        refused = visit.sign(code_sent())
    finally:
        signals.signed.disconnect(refuse)
    assert refused.status_code == 422
    assert "a quitté l’entreprise" in text_of(refused)
    assert state_of(asked) == State.WAITING


def test_declining_is_a_page_of_its_own_then_a_receipt(asked, visit):
    assert "Refuser de signer" in text_of(visit.get("decline/"))
    refused = visit.post("decline/", reason="  ")
    assert refused.status_code == 422
    assert state_of(asked) == State.WAITING
    done = visit.post("decline/", reason="Je ne suis plus administratrice.")
    assert (done.status_code, done.url) == (303, visit.path)
    page = visit.get()
    assert page.status_code == 200
    assert "Vous avez refusé de signer" in text_of(page)
    assert asked.events.of(Kind.DECLINED).get().data["reason"] == "Je ne suis plus administratrice."
    assert visit.post("decline/", reason="Encore").status_code == 303


def test_a_link_out_of_time_or_given_up_says_so_and_nothing_under_it_acts(asked, visit, alice, time_machine):
    requests.cancel(request=asked, by=alice, origin=AT_HOME)
    page = visit.get()
    assert page.status_code == 410
    assert "Plus rien à signer" in text_of(page)
    late = asked_of(alice, merchant=alice.memberships.get().customer.merchant, subject_key="2")
    time_machine.move_to(late.expires_at)
    expired = Visit(late, alice)
    page = expired.get()
    assert page.status_code == 410
    assert "Le délai pour signer est écoulé" in text_of(page)
    for browser in (visit, expired):
        assert browser.read().status_code == 303
        assert browser.ask_for_code().status_code == 303
        assert browser.post("decline/", reason="Non").status_code == 303
        assert browser.sign("123456").status_code == 410
    assert not OneTimeCode.objects.exists()


@pytest.mark.parametrize("token", ["forged", "a" * 43, "%00", "é"])
def test_a_forged_link_is_not_found_and_says_what_to_do(client, boreal, token):
    for under in ("", "decline/", "document/fr-ca.pdf", "signed.pdf"):
        answer = client.get(f"/sign/{token}/{under}")
        assert answer.status_code == 404
    assert "Ce lien est incomplet" in text_of(client.get(f"/sign/{token}/"))
    assert client.post(f"/sign/{token}/code/").status_code == 404


@pytest.mark.parametrize("person", ["anonymous", "bob", "charlie", "ines", "sam", "root"])
def test_nobody_but_the_person_named_learns_anything_or_acts(asked, person, request, sam, root):
    who = None if person == "anonymous" else request.getfixturevalue(person)
    visit = Visit(asked, who)
    for answer in (visit.get(), visit.get("document/fr-ca.pdf"), visit.get("signed.pdf"), visit.get("decline/")):
        page = text_of(answer)
        assert answer.status_code == 200
        assert "a•••@a•••.example" in page
        assert "alice@acme.example" not in page
        assert "Autorisation d’accès" not in page
        assert "Alice" not in page
    for answer in (visit.read(), visit.ask_for_code(), visit.sign("123456"), visit.post("decline/", reason="Non")):
        assert "Autorisation d’accès" not in text_of(answer)
    assert asked.events.count() == 1
    assert state_of(asked) == State.WAITING


def test_signed_out_the_page_leads_to_sign_in_and_back(asked):
    page = text_of(Visit(asked, None).get())
    path = links.path_of(request=asked)
    assert f'href="{reverse("account_login")}?next={path}"' in page


def test_somebody_without_a_profile_signs_by_the_link_alone(alice, boreal, sam, folder: Path):
    asked = asked_of(alice, merchant=boreal, by=sam, is_named=False, language="en-ca")
    visit = Visit(asked, None)
    page = text_of(visit.get())
    assert "asks you to sign this document" in page  # in the language of the letter, before any choice
    visit.read()
    visit.ask_for_code()
    assert visit.sign(code_sent()).status_code == 303
    assert "The document is signed" in text_of(visit.get())
    assert asked.events.of(Kind.SIGNED).get().by is None


def test_the_receipt_gives_the_sealed_copy_for_thirty_days(asked, visit, alice, folder: Path, time_machine):
    signed_by(alice, asked)
    assert "en préparation" in text_of(visit.get())
    assert visit.get("signed.pdf").status_code == 303
    sealing.seal_owed()
    page = text_of(visit.get())
    assert "Obtenir ma copie signée" in page
    assert asked.seal.sha256 in page
    copy = visit.get("signed.pdf")
    with asked.seal.file.open("rb") as file:
        assert copy.content == file.read()
    assert "autorisation-dacces-signe.pdf" in copy["Content-Disposition"]
    time_machine.move_to(timezone.now() + timedelta(days=31))
    assert visit.get("signed.pdf").status_code == 303
    assert "Demandez-la à Location Boréal" in text_of(visit.get())


def test_a_copy_that_could_not_be_made_is_said_without_alarm(asked, visit, alice, settings):
    settings.SIGNING_CERTIFICATE = "/nowhere.pem"
    signed_by(alice, asked)
    sealing.seal_owed()
    page = text_of(visit.get())
    assert "Votre signature est enregistrée, avec sa preuve." in page
    assert "nowhere" not in page


def test_the_link_is_never_written_to_a_log(asked, visit, caplog):
    caplog.set_level(logging.DEBUG)
    token = links.token_of(request=asked)
    for answer in (visit.ask_for_code(), visit.sign("1"), visit.post("decline/", reason=""), visit.get("nothing/")):
        assert answer.status_code in {404, 422}
    for record in caplog.records:
        MaskLinks().filter(record)
    logged = "".join(record.getMessage() for record in caplog.records)
    assert "/sign/…/nothing/" in logged
    assert token not in logged


def test_after_a_change_of_secret_the_page_of_a_former_link_still_works(asked, visit, settings):
    former = visit.path
    settings.SECRET_KEY = "another secret"
    visit.client.force_login(asked.signer, backend=configured.AUTHENTICATION_BACKENDS[0])
    page = visit.get()
    assert page.status_code == 200
    assert f'action="{former}code/"' in text_of(page)
    assert visit.read().url.startswith(former)


def test_the_page_asks_the_database_little(asked, visit, django_assert_max_num_queries):
    visit.read()
    visit.ask_for_code()
    with django_assert_max_num_queries(10):
        visit.get()


def test_a_cancelled_request_answers_a_late_receiver(asked, visit):
    """Cancelled between the page and the press: the page says it, and the code signs nothing."""

    def cancel(sender: object, **_: object) -> None:
        raise RequestCancelled

    visit.read()
    visit.ask_for_code()
    signals.signed.connect(cancel)
    try:
        answer = visit.sign(code_sent())
    finally:
        signals.signed.disconnect(cancel)
    assert (answer.status_code, answer.url) == (303, visit.path)
    assert state_of(asked) == State.WAITING
