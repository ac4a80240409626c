"""Queries whose SQL Django writes once: it takes longer to write them than the database to answer them.

Only for what every page asks; the others are ordinary querysets.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet


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


@functools.cache
def columns_of(model: type[Model], path: str = "") -> list[str]:
    """Every column of a model, as `values_list` names them along that path."""
    return [path + field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - the documented way


def take[M: Model](model: type[M], values: Iterator[Any]) -> M:
    """An object of that model from the next values of a row, in the order of its columns."""
    names = columns_of(model)
    return model.from_db(connection.alias, names, list(islice(values, len(names))))
