"""Whether an e-mail address can be written to: Django's check, and a domain that mail servers can name."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import normalize_email


def validate_address(email: str) -> None:
    """Raise ValidationError for what is no address: Django lets any sign beyond ASCII into a domain, such as the marks
    that turn the direction of writing, by which one domain reads as another. What IDNA refuses names no domain.
    """
    validate_email(email)
    if not normalize_email(email).isascii():
        raise ValidationError(validate_email.message, code=validate_email.code)
