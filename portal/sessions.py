"""Sessions in PostgreSQL, read through the cache; a key that we cannot have given is no question to ask."""

from django.contrib.sessions.backends.cached_db import SessionStore as CachedSessionStore


class SessionStore(CachedSessionStore):
    def _validate_session_key(self, key: str) -> bool:
        """Letters and digits, as ours are; PostgreSQL fails on some of the others."""
        return bool(key) and key.isascii() and key.isalnum() and super()._validate_session_key(key)  # type: ignore[misc]  # the stubs forget it
