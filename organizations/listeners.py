"""Facts of the apps below: of accounts and allauth, about a person; of signatures, which give or give up.

Connected in apps.py; nothing here decides.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import User
from organizations.services.authority import take_effect
from organizations.services.effects import refuse_alone_in_charge
from organizations.services.mandates import PURPOSE, give_up_declined
from organizations.services.recognition import recognize
from signatures.models import SignatureRequest


def address_confirmed(sender: object, *, email_address: EmailAddress, **_: Any) -> None:
    recognize(user=email_address.user)


def address_changed(sender: object, *, user: User, **_: Any) -> None:
    recognize(user=user)


def signed_in(sender: object, *, user: User, **_: Any) -> None:
    recognize(user=user)


def profile_closing(sender: object, *, user: User, **_: Any) -> None:
    refuse_alone_in_charge(user=user)


def mandate_signed(sender: object, *, request: SignatureRequest, **_: Any) -> None:
    if request.purpose == PURPOSE:
        take_effect(request=request)


def mandate_declined(sender: object, *, request: SignatureRequest, **_: Any) -> None:
    if request.purpose == PURPOSE:
        give_up_declined(request=request)
