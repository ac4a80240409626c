"""Documents to sign, and requests made as an app above signatures makes them."""

from __future__ import annotations

import functools
import re

from accounts.models import OutgoingMessage, User
from accounts.pdf import engine
from organizations.models import Merchant
from signatures.models import SignatureRequest
from signatures.parties import Origin, Paper, Sender, Signer
from signatures.services import signing
from signatures.services.requests import request_signature
from signatures.wordings import CURRENT

AT_HOME = Origin(ip="203.0.113.7", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
CONSENT = CURRENT
PHONE = "+15145550123"
SMS_URL = "twilio://sid:token@+15145550199"


@functools.cache
def pdf_of(title: str, *, language: str = "fr-CA") -> bytes:
    """One tagged, archival page with a title."""
    html = (
        f'<html lang="{language}"><head><title>{title}</title><meta name="author" content="Boréal"/></head>'
        f"<body><h1>{title}</h1><p>Le titulaire autorise la location.</p></body></html>"
    )
    return engine.render(html=html, stylesheet="signatures/pdf/evidence.css", hue=165)


FRENCH = ("Autorisation d’accès", "fr-CA")
ENGLISH = ("Access mandate", "en-CA")


def paper(title: str, language: str) -> Paper:
    return Paper(title=title, content=pdf_of(title, language=language))


def sender_of(merchant: Merchant) -> Sender:
    return Sender(
        slug=merchant.slug,
        name=merchant.name,
        email=merchant.email,
        phone="+15145550100",
        phone_extension=merchant.phone_extension,
        hue=merchant.hue,
    )


def asked_of(
    person: User,
    *,
    merchant: Merchant,
    by: User | None = None,
    in_english: bool = False,
    is_named: bool = True,
    phone: str = PHONE,
    subject_key: str = "1",
    french: Paper | None = None,
    capacity: str = "",
    language: str = "fr-ca",
) -> SignatureRequest:
    """This person is asked, by themself unless another is named, to sign a mandate."""
    return request_signature(
        by=by or person,
        purpose="agreement",
        subject_key=subject_key,
        signer=Signer(
            name=person.get_full_name(),
            email=person.email,
            language=language,
            user=person if is_named else None,
            phone=phone,
            capacity=capacity,
        ),
        sender=sender_of(merchant),
        french=french or paper(*FRENCH),
        english=paper(*ENGLISH) if in_english else None,
        origin=AT_HOME,
    )


def code_sent() -> str:
    """The digits of the newest message that carries a code."""
    message = OutgoingMessage.objects.filter(template="signatures/emails/code").latest("pk")
    return re.search(r"\b\d{6}\b", message.text)[0]


def with_code(asked: SignatureRequest, *, by: User | None, language: str = "fr-ca") -> str:
    """Receive the document and a code for it."""
    signing.hand_over(request=asked, language="fr-ca", by=by, origin=AT_HOME)
    if language != "fr-ca":
        signing.hand_over(request=asked, language=language, by=by, origin=AT_HOME)
    signing.send_code(request=asked, language=language, by=by, origin=AT_HOME)
    return code_sent()


def signed_by(person: User, asked: SignatureRequest, *, language: str = "fr-ca") -> SignatureRequest:
    """The whole way to the signature."""
    by = person if asked.signer_id else None
    code = with_code(asked, by=by, language=language)
    return signing.sign(request=asked, code=code, consent=CONSENT, by=by, origin=AT_HOME)
