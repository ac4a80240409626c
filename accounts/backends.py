"""Who is signed in: allauth's backend, with the SQL of a person written once, since every request asks it."""

from __future__ import annotations

import functools
from typing import override

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User
from accounts.statements import Statement, columns_of, statement, take

PERSON = -1  # a mark in the SQL, where the key goes


class EmailBackend(AuthenticationBackend):
    @override
    def get_user(self, user_id: int) -> User | None:
        """The person of a session; None once their profile is closed. One query."""
        for row in _person().rows(values={PERSON: user_id}):
            user = take(User, iter(row))
            if self.user_can_authenticate(user):
                return user
        return None


@functools.cache
def _person() -> Statement:
    return statement(queryset=User.objects.filter(pk=PERSON).values_list(*columns_of(User)))
