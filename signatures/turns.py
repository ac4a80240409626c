"""Two at the same instant: the second waits for the first, even where neither has a row to lock yet."""

from __future__ import annotations

from django.db import connection


def take_turns(*, about: str) -> None:
    """Wait until nobody else in a transaction says the same words; ours until the end of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"signatures:{about}"])
