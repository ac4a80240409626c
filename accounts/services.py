"""What changes a person's own record."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User


@transaction.atomic
def update_profile(
    *, by: User, first_name: str, last_name: str, phone: str, phone_extension: str, language: str
) -> User:
    """Change one's own name, phone and language. The e-mail is changed by allauth, which has it confirmed first."""
    user = User.objects.select_for_update(of=("self",)).get(pk=by.pk)
    user.first_name = first_name
    user.last_name = last_name
    user.phone = phone
    user.phone_extension = phone_extension
    user.language = language
    user.save(update_fields=["first_name", "last_name", "phone", "phone_extension", "language"])
    return user
