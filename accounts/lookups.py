"""What the address of an admin's list may ask."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.http import HttpRequest


class FiltersAlone:
    """A list answers its filters and nothing else. Asked anything of any column (`text__regex`, `key__gte`), as Django
    lets one, it would tell bit by bit what the page of a row does not show.
    """

    list_filter: Any
    # Lookups that other pages lead here with; numbers of rows are no secret.
    followed: frozenset[str] = frozenset({"id__exact", "id__in"})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        asked = set(self.followed)
        for entry in self.list_filter:
            if isinstance(entry, tuple):
                field, period = entry
                asked.update(period.names_of(field))
            elif issubclass(entry, SimpleListFilter):
                asked.add(str(entry.parameter_name))
        return lookup in asked
