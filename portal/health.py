"""Is this installation ready to serve: database, migrations, broker."""

import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

TIMEOUT = 1  # seconds


def parts() -> dict[str, bool]:
    """Each part and whether it is there."""
    has_database = _has_database()
    return {
        "database": has_database,
        "migrations": has_database and _is_migrated(),
        "broker": _has_broker(),
    }


def _has_database() -> bool:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _is_migrated() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _has_broker() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
