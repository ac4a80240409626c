"""Filters of the agents' lists: a choice, or two dates, in one form that works without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import DateTimeField, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChoiceFilter(admin.SimpleListFilter):
    """One of a few values: `options` is a list of (value, label)."""

    template = "admin/filters/choice.html"
    options: list[tuple[str, Any]] = []

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return self.options

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {"value": "", "display": _("All"), "selected": not self.value()}
        for value, label in self.lookup_choices:
            yield {"value": value, "display": label, "selected": self.value() == str(value)}


class PeriodFilter(admin.FieldListFilter):
    """From a day to a day, both included; a date that is none is ignored."""

    template = "admin/filters/period.html"

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, list[str]], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(field, request, params, *args, **kwargs)
        self.names = self.names_of(self.field_path)
        given: dict[str, Any] = self.used_parameters
        self.values = [given.pop(name, [""])[-1] for name in self.names]
        self.used_parameters = {name: value for name, value in zip(self.names, self.values, strict=True) if value}

    @staticmethod
    def names_of(field: str) -> list[str]:
        """How the address of the list names its two days."""
        return [f"{field}_from", f"{field}_to"]

    def expected_parameters(self) -> list[str | None]:
        return list(self.names_of(self.field_path))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        first, last = (self._day(value) for value in self.values)
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": self._bound(first)})
        if last:
            queryset = queryset.filter(**{f"{self.field_path}__lt": self._bound(last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        labels = (pgettext_lazy("a period", "from"), pgettext_lazy("a period", "to"))
        for name, value, label in zip(self.names, self.values, labels, strict=True):
            yield {"name": name, "value": value, "label": label}

    @staticmethod
    def _day(value: str) -> date | None:
        try:
            return parse_date(value)
        except ValueError:
            return None

    def _bound(self, day: date) -> date | datetime:
        if isinstance(self.field, DateTimeField):
            return timezone.make_aware(datetime.combine(day, time.min))
        return day
