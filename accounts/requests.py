"""What a view behind sign-in is given; a name for types alone, requests are never made of it."""

from django.http import HttpRequest

from accounts.models import User


class PersonRequest(HttpRequest):
    user: User
