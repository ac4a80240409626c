"""The messages of a campaign, read back with the standard library as a mail program would."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.transports import Refused
from newsletter.letters import Letters, Reader
from newsletter.models import Campaign, Topic
from tests import factories

pytestmark = pytest.mark.django_db
KEY = uuid.UUID("12345678123456781234567812345678")


def reader(**fields: object) -> Reader:
    return Reader(**{"recipient_id": 7, "email": "luc@example.org", "key": KEY, "language": "fr-ca", **fields})


def written(campaign: Campaign, **fields: object) -> EmailMessage:
    return message_from_bytes(Letters(campaign=campaign).to(reader=reader(**fields)), policy=policy.default)


def body(message: EmailMessage, kind: str) -> str:
    return message.get_body((kind,)).get_content()


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    return factories.CampaignFactory(topic=topic)


def test_the_headers_are_those_the_law_and_mail_programs_want(campaign):
    message = written(campaign)
    assert str(message["From"]) == "Location Boréal <comptoir@localhost>"
    assert (message["To"], message["Subject"]) == ("luc@example.org", "Nacelles à moitié prix")
    token = f"{KEY.hex}-{campaign.pk}"
    https, mailto = str(message["List-Unsubscribe"]).split(", ")
    assert https == f"<http://localhost:8000/newsletter/unsubscribe/{token}/>"
    assert mailto == f"<mailto:ouverture@boreal.example?subject={token}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<offres.boreal.localhost>"
    assert message["Message-ID"] == f"<n7.{KEY.hex[:12]}@localhost>"
    assert not message.defects


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_each_part_holds_the_words_the_identity_and_both_links_of_the_reader(campaign, kind):
    content = body(written(campaign), kind)
    assert "moitié prix" in content
    assert "Location Boréal" in content
    assert campaign.merchant.legal_name in content
    assert "1, rue du Quai" in content
    token = f"{KEY.hex}-{campaign.pk}"
    for page in ("unsubscribe", "preferences"):
        assert f"http://localhost:8000/newsletter/{page}/{token}/" in content


def test_nothing_is_added_that_observes_its_reader(campaign, settings):
    campaign.body_fr += "\n\n![Une nacelle](https://boreal.example/n.jpg)"
    message = written(campaign)
    asked = [message[name] for name in ("X-Mailgun-Track", "X-PM-TrackOpens", "X-PM-TrackLinks")]
    assert asked == ["no", "false", "None"]
    html = body(message, "html")
    theirs = {"https://boreal.example/nacelles", "https://boreal.example/n.jpg"}
    found = re.findall(r"""(?:href|src|background)\s*=\s*["']([^"']*)|url\(([^)]*)""", html)
    addresses = {first or second for first, second in found}
    assert theirs < addresses
    ours = (f"{settings.SITE_URL}/newsletter/", "mailto:", "tel:")
    assert [address for address in addresses - theirs if not address.startswith(ours)] == []
    assert re.findall(r"<img[^>]*src=.([^\"']*)", html) == ["https://boreal.example/n.jpg"]


def test_the_preheader_is_in_the_html(campaign):
    campaign.preheader_fr = "Jusqu’au 30 novembre"
    assert "Jusqu’au 30 novembre" in body(written(campaign), "html")


def test_each_reader_gets_their_language_and_their_own_link(campaign):
    letters = Letters(campaign=campaign)
    other = uuid.uuid4()
    french = letters.to(reader=reader())
    english = letters.to(reader=reader(language="en-ca", key=other, recipient_id=8))
    message = message_from_bytes(english, policy=policy.default)
    assert message["Subject"] == "Half-price lifts"
    assert "Unsubscribe" in body(message, "plain")
    assert other.hex in body(message, "html")
    assert KEY.hex not in english.decode()
    assert other.hex not in french.decode()


def test_no_line_is_longer_than_mail_allows(campaign):
    campaign.body_fr = "é" * 5000 + "\n\n" + "[" + "x" * 400 + "](https://boreal.example/" + "a" * 800 + ")"
    head, _, bodies = Letters(campaign=campaign).to(reader=reader()).partition(b"\r\n\r\n")
    assert max(len(line) for line in head.split(b"\r\n")) < 200
    assert max(len(line) for line in bodies.split(b"\r\n")) <= 76


def test_a_subject_or_a_name_injects_no_header(campaign):
    campaign.subject_fr = "Bonjour\r\nBcc: victime@example.org"
    campaign.merchant.name = "Boréal\nCc: victime@example.org"
    message = written(campaign)
    assert message["Bcc"] is None
    assert message["Cc"] is None
    assert message["Subject"] == "Bonjour Bcc: victime@example.org"


def test_an_internationalised_domain_is_written_in_ascii_and_an_impossible_address_refused(campaign):
    assert written(campaign, email="luc@exämple.org")["To"] == "luc@xn--exmple-cua.org"
    with pytest.raises(Refused):
        written(campaign, email="pas une adresse")


@pytest.mark.parametrize(
    ("address", "written_as"),
    [
        ("info@boréal.example", "info@xn--boral-dsa.example"),
        ("a&b+c%d?@boreal.example", "a%26b+c%25d%3F@boreal.example"),
    ],
)
@pytest.mark.parametrize("is_setting", [False, True])
def test_the_address_to_write_to_for_leaving_is_as_mail_programs_take_it(
    campaign, settings, address, written_as, is_setting
):
    if is_setting:
        settings.NEWSLETTER_MAILTO = address
    else:
        campaign.merchant.email = address
    content = Letters(campaign=campaign).to(reader=reader())
    assert content.partition(b"\r\n\r\n")[0].isascii()
    mailto = str(message_from_bytes(content, policy=policy.default)["List-Unsubscribe"]).split(", ")[1]
    assert mailto == f"<mailto:{written_as}?subject={KEY.hex}-{campaign.pk}>"


def test_html_typed_in_the_text_is_shown_and_not_obeyed(campaign):
    campaign.body_fr = "<script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>gras</b>"
    content = body(written(campaign), "html")
    assert "<script" not in content
    assert 'href="javascript' not in content
    assert "&lt;script&gt;" in content


@pytest.fixture
def verify(settings) -> Callable[[bytes], bool]:
    """Our mail is signed; whether a message is as it was when it was."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings.DKIM_KEY = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    settings.DKIM_SELECTOR = "comptoir"
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    return lambda content: dkim.verify(content, dnsfunc=lambda name, timeout=5: record)


COVERED = {
    *("from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post"),
}


def test_a_signature_verifies_and_covers_both_unsubscribe_headers(campaign, verify):
    content = Letters(campaign=campaign).to(reader=reader())
    assert verify(content)
    tags = re.sub(r"\s", "", str(message_from_bytes(content)["DKIM-Signature"])).split(";")
    said = dict(tag.split("=", 1) for tag in tags if tag)
    assert set(said["h"].lower().split(":")) == COVERED
    assert (said["d"], said["s"]) == ("localhost", "comptoir")
    # Of the whole body: nothing can be added after it.
    assert "l" not in said


@pytest.mark.parametrize("header", sorted(COVERED))
def test_a_signature_tells_when_a_header_was_touched(campaign, verify, header):
    content = Letters(campaign=campaign).to(reader=reader())
    head, _, bodies = content.partition(b"\r\n\r\n")
    touched, count = re.subn(rb"(?im)^(%s: *(?:\r\n )?)(?=\S)" % header.encode(), rb"\1x", head)
    assert count == 1
    assert not verify(touched + b"\r\n\r\n" + bodies)
    removed, count = re.subn(rb"(?im)^%s:[^\n]*\n(?:[ \t][^\n]*\n)*" % header.encode(), b"", head + b"\r\n")
    assert count == 1
    assert not verify(removed + b"\r\n" + bodies)


def test_a_signature_tells_when_the_text_was_touched(campaign, verify):
    content = Letters(campaign=campaign).to(reader=reader())
    assert not verify(content.replace(b"moiti=C3=A9", b"tiers", 1))
    assert not verify(content + b"PS: cliquez ici\r\n")


OBSERVING = ("X-Mailgun-Track", "X-Mailgun-Track-Opens", "X-Mailgun-Track-Clicks", "X-PM-TrackOpens", "X-PM-TrackLinks")


def test_only_the_message_of_who_agreed_asks_the_mail_service_to_tell(campaign, verify):
    letters = Letters(campaign=campaign)
    for is_measured, asked in ((True, [None, "yes", "htmlonly", "true", "HtmlOnly"]), (False, ["no", *[None] * 2])):
        content = letters.to(reader=reader(is_measured=is_measured))
        assert verify(content)
        message = message_from_bytes(content, policy=policy.default)
        assert [message[name] for name in OBSERVING][: len(asked)] == asked
        # Postmark hands it back: it tells a number of its own instead of ours.
        told = message["X-PM-Metadata-letter"]
        assert told == (message["Message-ID"].strip("<>") if is_measured else None)


def test_the_links_to_leave_and_to_choose_are_not_to_be_rewritten(campaign):
    html = body(written(campaign, is_measured=True), "html")
    links = re.findall(r"<a ([^>]*)>", html)
    marked = [link for link in links if 'disable-tracking="true" data-pm-no-track' in link]
    ours = [link for link in links if re.search(r"/newsletter/(unsubscribe|preferences)/", link)]
    assert len(marked) == 2
    assert marked == ours
    assert any("boreal.example/nacelles" in link for link in links)
