"""The profile behind an address: in use or not, and made by whoever holds a link sent to it."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts.models import User
from organizations.refusals import Refusal


class ProfileInUse(Refusal):
    """Its owner signs in: a profile is never changed by a link."""


def profile_in_use(*, email: str) -> User | None:
    """The profile in use at this address. One that nobody ever confirmed proves nothing, and is not in use."""
    confirmed = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    if confirmed is not None:
        return confirmed.user
    user = User.objects.filter(email=email).first()
    if user is None:
        return None
    is_in_use = user.is_staff or not user.is_active or user.last_login is not None
    return user if is_in_use or EmailAddress.objects.filter(user=user, verified=True).exists() else None


def complete_profile(*, email: str, password: str, first_name: str, last_name: str, language: str) -> User:
    """Create the person, or complete a sign-up never confirmed: whoever began it did not hold the address.

    Raises ProfileInUse. In a transaction.
    """
    user = User.objects.select_for_update(of=("self",)).filter(email=email).first() or User(email=email)
    if profile_in_use(email=email) is not None:
        raise ProfileInUse
    user.first_name, user.last_name, user.language = first_name, last_name, language
    user.phone, user.phone_extension = "", ""
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as taken:  # made meanwhile by another link sent to the same address
        raise ProfileInUse from taken
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user
