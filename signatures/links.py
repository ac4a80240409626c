"""The link to sign: made from the request's random key and the installation's secret, so only its hash is kept."""

from __future__ import annotations

import base64
import hashlib

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from signatures.models import SignatureRequest


def token_of(*, request: SignatureRequest) -> str:
    """43 characters nobody can guess; the same for the same request as long as SECRET_KEY is."""
    digest = salted_hmac("signatures.links", str(request.key), algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of(*, token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def path_of(*, request: SignatureRequest) -> str:
    """Where the signer signs: an app above this one may lead there whoever signs at once."""
    return reverse("signatures:sign", args=[token_of(request=request)])


def address_of(*, request: SignatureRequest) -> str:
    """The same as a letter needs it."""
    return f"{settings.SITE_URL}{path_of(request=request)}"
