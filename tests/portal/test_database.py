"""A connection kept between requests: believed while the server is silent, replaced once it ended it."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from django.db import connection

from portal.database.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)
LAST = "SELECT query FROM pg_stat_activity WHERE pid = %s"


@pytest.fixture
def kept() -> Iterator[DatabaseWrapper]:
    """Another connection, between two requests."""
    other = connection.copy()
    other.settings_dict = {**other.settings_dict, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": None}
    with other.cursor() as cursor:
        cursor.execute("SELECT 'the last of a request'")
    other.close_if_unusable_or_obsolete()
    yield other
    other.close()


def asked(sql: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def pid_of(kept: DatabaseWrapper) -> int:
    return kept.connection.info.backend_pid


def end(kept: DatabaseWrapper) -> None:
    """As a restart of the server does; back once the backend is gone."""
    assert asked("SELECT pg_terminate_backend(%s, 5000)", pid_of(kept)) is True


def test_a_silent_server_is_not_asked(kept):
    assert kept.is_usable()
    assert asked(LAST, pid_of(kept)) == "SELECT 'the last of a request'"


def test_a_server_that_said_something_is_asked(kept):
    with kept.cursor() as cursor:
        cursor.execute("LISTEN comptoir_test")
    asked("SELECT pg_notify('comptoir_test', 'hello')")
    arrival = select.poll()
    arrival.register(kept.connection.fileno(), select.POLLIN)
    assert arrival.poll(30_000)
    assert kept.is_usable()
    assert asked(LAST, pid_of(kept)) == "SELECT 1"


def test_a_connection_the_server_ended_is_not_usable_and_the_next_request_has_another(kept):
    before = pid_of(kept)
    end(kept)
    assert not kept.is_usable()
    with kept.cursor() as cursor:
        cursor.execute("SELECT 7")
        assert cursor.fetchone() == (7,)
    assert pid_of(kept) != before


def test_a_broken_transaction_is_not_usable(kept):
    kept.set_autocommit(False)
    with pytest.raises(Exception, match="division by zero"), kept.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert not kept.is_usable()


def test_a_closed_connection_is_not_usable(kept):
    kept.connection.close()
    assert not kept.is_usable()
