"""French is complete, nothing fuzzy, written as Québec writes; every string of ours is in the catalogue."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import allauth
import django
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.urls import reverse
from django.utils.translation import override
from django.utils.translation.template import templatize

from accounts.models import OutgoingMessage
from newsletter.models import Campaign, Recipient
from organizations.models import AccessRequest, CounterDecision, Invitation, Verification
from signatures.models import SignatureEvent, SignatureRequest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "portal/locale/fr_CA/LC_MESSAGES/django.po"
APPS = ["portal", "newsletter", "billing", "organizations", "registry", "signatures", "accounts"]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
NOT_WORDS = re.compile(r"%\(\w+\)[sd]|{\w+}|<[^>]+>|https?://\S+")
# As the Office québécois de la langue française sets type: a no-break space before : % $ and inside guillemets,
# none before ; ! ?, a curly apostrophe.
MISTAKES = {
    "a space before : % $ » that breaks": re.compile(r"[^\s\u00a0] [:%$»](?:\s|$)"),
    "a space before ; ! ?": re.compile(r"\s[;!?]"),
    "no space before :": re.compile(r"[^\W\d]:(?:\s|$)"),
    "a space after « that breaks": re.compile(r"« "),
    "a straight apostrophe": re.compile(r"\w'\w"),
    "an English word for mail": re.compile(r"\be-?mails?\b|\bnewsletter\b|\bpassword\b", re.IGNORECASE),
    "« tu »": re.compile(r"\b(tu|ton|tes|toi)\b", re.IGNORECASE),
    "two spaces": re.compile(r"\S  \S"),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="fr_CA")


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def sentences(message: Message) -> list[str]:
    return [text for text in (message.string if isinstance(message.string, tuple) else (message.string,)) if text]


def test_every_message_is_written_in_french(catalogue):
    found = messages(catalogue)
    assert len(found) > 100
    assert [m.id for m in found if m.fuzzy or not sentences(m) or not all(m.string)] == []


def test_placeholders_survive_translation(catalogue):
    pattern = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
    broken = []
    for message in messages(catalogue):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        wanted = set(pattern.findall(ids[-1]))
        for sentence in sentences(message):
            # A singular may leave out the count.
            missing = wanted - set(pattern.findall(sentence)) - ({"%(count)s", "%(count)d"} if len(ids) > 1 else set())
            if missing or set(pattern.findall(sentence)) - wanted:
                broken.append(message.id)
    assert broken == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_french_is_typeset_as_french(catalogue, mistake):
    texts = [(message.id, NOT_WORDS.sub("…", text)) for message in messages(catalogue) for text in sentences(message)]
    found = [(ident, text) for ident, text in texts if MISTAKES[mistake].search(text)]
    assert found == []


@pytest.mark.parametrize(
    ("state", "french"),
    [
        (Verification.State.VERIFIED, "Vérifiée"),
        (Verification.State.REFUSED, "Refusée"),
        (AccessRequest.Status.LINKED, "Reliée"),
        (AccessRequest.Status.REFUSED, "Refusée"),
        (SignatureRequest.State.SIGNED, "Signée, en cours de scellement"),
        (SignatureRequest.State.SEALED, "Signée et scellée"),
        (SignatureRequest.State.DECLINED, "Refusée"),
        (SignatureRequest.State.EXPIRED, "Échue"),
        (SignatureRequest.State.CANCELLED, "Annulée"),
        (SignatureEvent.Kind.SIGNED, "Document signé"),
        (SignatureEvent.Kind.DECLINED, "Signature refusée"),
        (SignatureEvent.Kind.CANCELLED, "Demande annulée"),
        (SignatureEvent.Kind.EXPIRED, "Demande échue"),
        (Invitation.State.SENT, "Envoyée"),
        (Invitation.State.OPENED, "Ouverte"),
        (Invitation.State.EXPIRED, "Échue"),
        (Campaign.Status.SENT, "Envoyée"),
        (Campaign.Status.CANCELED, "Annulée"),
        (Recipient.Status.SENT, "Envoyé"),
        (OutgoingMessage.Status.SENT, "Envoyé"),
        (CounterDecision.Act.REFUSED, "Refusé"),
    ],
)
def test_a_state_agrees_with_what_it_is_said_of(state, french):
    """Vérification, demande, signature, invitation and campagne are feminine in French; message is not."""
    with override("fr-ca"):
        assert str(state.label) == french


def strings_of(path: Path) -> Iterator[str]:
    """The msgid of every string marked for translation in one file of ours."""
    source = path.read_text()
    if path.suffix != ".py":
        source = templatize(source, origin=str(path))
    lines = io.BytesIO(source.encode())
    for _line, text, _comments, _context in extract("python", lines, keywords=KEYWORDS):
        first = text[0] if isinstance(text, tuple) else text
        if first:
            yield first


def test_every_string_is_in_the_catalogue(catalogue):
    known = {m.id[0] if isinstance(m.id, tuple) else m.id for m in messages(catalogue)}
    code = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    pages = [path for path in (ROOT / "templates").rglob("*.*") if path.suffix in {".html", ".txt"}]
    unknown = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in [*code, *pages]
        for text in strings_of(path)
        if text not in known
    }
    assert sorted(unknown) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_reset_password", "account_request_login_code"]
)
def test_english_pages_of_the_library_write_e_mail_as_ours_do(client, boreal, name):
    page = client.get(reverse(name), headers={"accept-language": "en-CA"}).content.decode()
    assert "E-mail" in page
    assert re.findall(r"\b[Ee]mail\b(?=[^<>]*<)", page) == []


@pytest.mark.django_db
def test_a_wrong_password_is_answered_in_our_english(client, boreal):
    form = {"login": "nobody@example.org", "password": "not this one"}
    page = client.post(reverse("account_login"), form, headers={"accept-language": "en-CA"}).content.decode()
    assert "The e-mail or the password is not right." in page
    assert "and/or" not in page


def test_our_english_answers_words_the_libraries_still_have():
    """A release that changes its words would bring them back: each entry must still be one of theirs."""
    folders = [Path(allauth.__file__).parent, Path(django.__file__).parent]
    files = [path for folder in folders for kind in ("*.py", "*.txt") for path in folder.rglob(kind)]
    theirs = "".join(path.read_text(errors="ignore") for path in files)
    with (ROOT / "portal/locale/en_CA/LC_MESSAGES/django.po").open("rb") as file:
        ours = [message for message in read_po(file, locale="en_CA") if message.id]
    assert len(ours) > 10
    assert [m.id for m in ours if m.id.replace("%(email)s", "{{email}}") not in theirs] == []
