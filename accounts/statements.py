"""Queries whose SQL Django writes once: it takes longer to write them than the database to answer them.

Only for what every page asks; the others are ordinary querysets.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL of a queryset, and the value or the mark at each of its places."""

    sql: str
    places: tuple[Any, ...]

    def rows(self, *, values: Mapping[Hashable, Any]) -> list[tuple[Any, ...]]:
        """Run it with these values where their marks stand."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [values.get(place, place) for place in self.places])
            return cursor.fetchall()


def statement(*, queryset: QuerySet) -> Statement:
    """Written from a queryset of values, filtered by marks: values of the right type that no row can have."""
    sql, places = queryset.query.sql_with_params()
    return Statement(sql=sql, places=tuple(places))
