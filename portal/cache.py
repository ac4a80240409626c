"""The cache, when it is dead: every question is a miss, at once, and nobody holds a lock in it."""

from __future__ import annotations

import time
from typing import Any

import redis
from django_redis.cache import RedisCache

REST = 5  # seconds without asking again
FAILURES = (redis.ConnectionError, redis.TimeoutError)


class DeadIsEmpty(RedisCache):
    """django-redis with IGNORE_EXCEPTIONS, but for one word."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Added, also when nothing answers: rate limits lock through this, and would refuse everybody."""
        is_added = super().add(*args, **kwargs)
        return True if is_added is None else is_added


class ImpatientConnection(redis.Connection):
    """Once a server kept one question of this process waiting, the next ones do not wait for it."""

    resting_until = 0.0

    def connect(self) -> None:
        if time.monotonic() < ImpatientConnection.resting_until:
            raise redis.ConnectionError("The cache did not answer a moment ago.")
        try:
            super().connect()
        except FAILURES:
            ImpatientConnection.resting_until = time.monotonic() + REST
            raise

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)
        except FAILURES:
            ImpatientConnection.resting_until = time.monotonic() + REST
            raise
