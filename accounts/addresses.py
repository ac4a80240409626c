"""Whether an e-mail address can be written to: Django's check, its length, and a domain that mail servers can name."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import normalize_email

LONGEST_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1


def validate_address(email: str) -> None:
    """Raise ValidationError for what is no address: Django lets any sign beyond ASCII into a domain, such as the marks
    that turn the direction of writing, by which one domain reads as another. What IDNA refuses names no domain.
    """
    validate_email(email)
    if not normalize_email(email).isascii() or len(email.rpartition("@")[0].strip()) > LONGEST_LOCAL_PART:
        raise ValidationError(validate_email.message, code=validate_email.code)
