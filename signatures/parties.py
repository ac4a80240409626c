"""Who signs what, who asks, and from where: what an app above this one says when it asks for a signature."""

from __future__ import annotations

from typing import NamedTuple

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from phonenumber_field.phonenumber import PhoneNumber

from accounts.models import User


class Signer(NamedTuple):
    """Who must sign. With a `user`, only that person signed in may; a `phone` is one that receives text messages."""

    name: str
    email: str
    language: str
    user: User | None = None
    phone: str | PhoneNumber = ""
    capacity: str = ""


class Sender(NamedTuple):
    """In whose name the signature is asked, as letters, pages and the evidence show it; `phone` is E.164."""

    slug: str
    name: str
    email: str
    phone: str
    phone_extension: str
    hue: int


class Paper(NamedTuple):
    """One language of what is to be signed: its title and its PDF."""

    title: str
    content: bytes


class Origin(NamedTuple):
    """From where somebody acted; empty when the portal itself did."""

    ip: str | None = None
    user_agent: str = ""


def origin_of(*, request: HttpRequest) -> Origin:
    """From where a person acts, as the evidence keeps it: behind a proxy we trust, not the proxy's address."""
    return Origin(ip=get_adapter(request).get_client_ip(request), user_agent=request.headers.get("User-Agent", ""))
