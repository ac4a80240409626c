"""Facts of allauth after which a person may be recognised. Connected in apps.py; nothing here decides."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import User
from organizations.services.recognition import recognize


def address_confirmed(sender: object, *, email_address: EmailAddress, **_: Any) -> None:
    recognize(user=email_address.user)


def address_changed(sender: object, *, user: User, **_: Any) -> None:
    recognize(user=user)


def signed_in(sender: object, *, user: User, **_: Any) -> None:
    recognize(user=user)
