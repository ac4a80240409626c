"""The cache, when it is dead: every question is a miss, and nobody holds a lock in it."""

from __future__ import annotations

from typing import Any

from django_redis.cache import RedisCache


class DeadIsEmpty(RedisCache):
    """django-redis with IGNORE_EXCEPTIONS, but for one word."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Added, also when nothing answers: rate limits lock through this, and would refuse everybody."""
        is_added = super().add(*args, **kwargs)
        return True if is_added is None else is_added
