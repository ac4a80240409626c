"""What allauth asks of us: its mail leaves by the outbox, its people are ours."""

from __future__ import annotations

from typing import Any, override

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User, normalize_email
from accounts.outbox import queue_email

# Mails that carry a link or a code which opens an account.
SECRETS = frozenset({"email_confirmation", "email_confirmation_signup", "password_reset_key", "login_code"})


class AccountAdapter(DefaultAccountAdapter):
    def clean_email(self, email: str) -> str:
        """Letters that mail carries as they are: ſ or ß would reach the mailbox of somebody else."""
        if not email.strip().isascii():
            raise ValidationError(_("Write the address without accents or special letters."))
        return normalize_email(super().clean_email(email))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue one of allauth's mails, in the reader's language; without a transaction it opens its own."""
        sender_name, reply_to = self.get_sender()
        with transaction.atomic():
            queue_email(
                to=email,
                template=template_prefix,
                context={**context, "email": email, "request": allauth_context.request},
                language=language_of(email=email, user=context.get("user")),
                is_sensitive=template_prefix.rpartition("/")[2] in SECRETS,
                sender_name=sender_name,
                reply_to=reply_to,
            )

    @override
    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """To an address another person signs in with, no link: it could not be followed. Its owner learns why."""
        address = emailconfirmation.email_address
        if User.objects.filter(email=normalize_email(address.email)).exclude(pk=address.user_id).exists():
            self.send_account_already_exists_mail(address.email)
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def get_sender(self) -> tuple[str, str]:
        """In whose name we write, and who reads the answers. An app above this one knows the merchant."""
        return "", ""


class MFAAdapter(DefaultMFAAdapter):
    pass


def language_of(*, email: str, user: User | None = None) -> str:
    """The person's own language, of the person with this address, else that of the page being read."""
    if user is not None:
        return user.language
    known = User.objects.filter(email=normalize_email(email)).values_list("language", flat=True).first()
    return known or get_language() or ""
