"""What we send is read back with the standard library: every header and part, and nothing an attacker adds."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts import mime
from accounts.transports import Refused
from tests.factories import OutgoingMessageFactory

FRENCH = "Votre facture est prête : voici l’état détaillé de « Nacelle 60 pi », à 1 234,56 $.\n\nÀ bientôt\n"


def read(**fields: object) -> EmailMessage:
    content = mime.build(OutgoingMessageFactory.build(**fields))
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert content.isascii()
    parsed = message_from_bytes(content, policy=policy.default)
    assert [part.defects for part in parsed.walk() if part.defects] == []
    return parsed


def test_a_message_is_text_and_html_with_every_header():
    message = OutgoingMessageFactory.build(
        recipient="alice@acme.example",
        sender_name="Location Boréal",
        reply_to="credit@boreal.example",
        subject="Votre facture F-10482 est prête",
        text=FRENCH,
        html=f"<p>{FRENCH}</p>",
        headers={"List-Unsubscribe": "<https://boreal.example/u/abc>"},
    )
    mail = message_from_bytes(mime.build(message), policy=policy.default)
    assert mail["From"] == "Location Boréal <comptoir@localhost>"
    assert mail["To"] == "alice@acme.example"
    assert mail["Reply-To"] == "credit@boreal.example"
    assert mail["Subject"] == "Votre facture F-10482 est prête"
    assert mail["Message-ID"] == f"<{message.key}@localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "fr-CA"
    assert mail["List-Unsubscribe"] == "<https://boreal.example/u/abc>"
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert mail.get_body(["plain"]).get_content().replace("\r\n", "\n").rstrip() == FRENCH.rstrip()
    assert mail.get_body(["html"]).get_content().replace("\r\n", "\n").rstrip() == f"<p>{FRENCH}</p>"


def test_the_same_row_has_the_same_message_id():
    message = OutgoingMessageFactory.build()
    ids = {message_from_bytes(mime.build(message))["Message-ID"] for _ in range(2)}
    assert len(ids) == 1


def test_a_message_without_html_is_plain_text():
    mail = read(html="", text=FRENCH)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").rstrip() == FRENCH.rstrip()


def test_without_a_sender_the_default_name_is_written():
    assert read(sender_name="")["From"] == "Comptoir <comptoir@localhost>"


@pytest.mark.parametrize(
    "evil",
    [
        "Facture\r\nBcc: victim@example.org",
        "Facture\nBcc: victim@example.org",
        "Facture\r\n\r\n<html>evil",
        "Facture\x0bBcc: victim@example.org",
        "Facture\u2028Bcc: victim@example.org",
        "Facture\x85Bcc: victim@example.org",
    ],
)
@pytest.mark.parametrize("field", ["subject", "sender_name"])
def test_a_line_break_in_a_subject_or_a_name_adds_no_header(field, evil):
    plain, mail = read(), read(**{field: evil})
    assert mail["Bcc"] is None
    assert sorted(mail.keys()) == sorted(plain.keys())
    assert mail.get_body(["plain"]).get_content() == plain.get_body(["plain"]).get_content()


@pytest.mark.parametrize(
    "name",
    [
        'Boréal "le loueur" <evil@example.org>',
        'Boreal", <evil@example.org>, "',
        "Boreal <evil@example.org>",
        "Boreal, inc.",
        "=?utf-8?q?evil=40example=2Eorg?=",
        "Back\\slash",
        "Un nom très long d’une entreprise de location d’équipement lourd, outillage et échafaudages de Gaspé",
    ],
)
def test_a_sender_name_stays_a_name(name):
    content = mime.build(OutgoingMessageFactory.build(sender_name=name))
    (address,) = message_from_bytes(content, policy=policy.default)["From"].addresses
    assert address.addr_spec == "comptoir@localhost"
    # The modern parser keeps the space between two encoded words of a phrase, which RFC 2047 (6.2) says to drop.
    written = parseaddr(message_from_bytes(content)["From"])[0]
    assert str(make_header(decode_header(written))) == name


def test_a_subject_that_looks_encoded_is_shown_as_written():
    assert read(subject="=?utf-8?q?evil?=")["Subject"] == "=?utf-8?q?evil?="


def test_a_long_french_subject_is_folded_and_complete():
    subject = "Votre état de compte est prêt à être consulté dans votre espace " * 3
    assert read(subject=subject.strip())["Subject"] == subject.strip()


def test_no_break_spaces_survive_in_a_subject():
    assert "\u00a0" in read(subject="Solde\u00a0: 1\u00a0234,56\u00a0$")["Subject"]


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.example\r\nBcc: victim@example.org",
        "a@b.example, victim@example.org",
        "a b@example.org",
        "Alice <alice@acme.example>",
        "rené@example.org",
        "alice@",
        "@example.org",
        "alice@exam ple.org",
        "",
    ],
)
def test_an_address_nobody_can_write_to_is_refused_with_a_sentence(recipient):
    with translation.override("fr-ca"), pytest.raises(Refused, match="ne peut pas recevoir de courriel"):
        read(recipient=recipient)


def test_an_accented_domain_is_written_as_servers_know_it():
    assert read(recipient="alice@québec.example")["To"] == "alice@xn--qubec-csa.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "victim@example.org"},
        {"subject": "other"},
        {"X-Evil\r\nBcc": "victim@example.org"},
        {"X-Evil": "a\r\nBcc: victim@example.org"},
        {"X-Long": "a" * 1000},
        {"X Space": "a"},
    ],
)
def test_an_added_header_cannot_replace_ours_nor_carry_another(headers):
    with pytest.raises(ValueError, match="header"):
        read(headers=headers)


BODY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)


@given(text=BODY, html=BODY.filter(bool))
def test_any_text_arrives_as_it_was_written(text, html):
    mail = read(text=text, html=html)
    plain, rich = (part.get_payload(decode=True).decode() for part in mail.iter_parts())
    # The parser drops the last line breaks of a part.
    assert plain.rstrip("\r\n") == mime.crlf(text).rstrip("\r\n")
    assert rich.rstrip("\r\n") == mime.crlf(html).rstrip("\r\n")


@given(subject=BODY, name=BODY)
def test_any_subject_and_name_leave_the_headers_alone(subject, name):
    mail = read(subject=subject[:250], sender_name=name[:120])
    assert sorted(mail.keys()) == sorted(read().keys())
    assert [address.addr_spec for address in mail["From"].addresses] == ["comptoir@localhost"]
