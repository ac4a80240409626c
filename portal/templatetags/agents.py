"""What the templates of the agents' admin need: the menu, and a list as rows that a phone shows as labelled lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.admin.helpers import Fieldset
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import ManyToOneRel, Model
from django.template import Context
from django.utils.text import capfirst

from accounts.formats import yes_or_no
from portal.context import Place

register = template.Library()

FIGURES = frozenset({"worth", "due", "rest", "attempts"})
WHOLE = frozenset(
    {
        *("number", "customer_number", "invoice_number", "shown_phone", "kind", "state", "status", "method"),
        *("shown_neq", "shown_state", "register_says", "submitted", "edition", "noticed"),
        *("created", "received", "issued_on_iso", "due_on_iso", "starts_on", "ends_on", "moment", "written", "sent"),
        "known",
        "language",
        "signed",
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    value: Any
    url: str  # of the object, in the cells that lead to it
    is_figure: bool
    is_whole: bool  # never on two lines


@dataclass(frozen=True, slots=True)
class Row:
    pk: Any
    cells: list[Cell]


@register.simple_tag(takes_context=True)
def agents_places(context: Context) -> list[Place]:
    """The menu of the settings, without what this person may not open."""
    items = [item for group in context["sidebar_navigation"] for item in group["items"] if item["has_permission"]]
    return [
        Place(label=item["title"], url=str(item["link"]), icon=item["icon"], is_current=bool(item["active"]))
        for item in items
    ]


def _columns(cl: ChangeList) -> list[str]:
    """Without the box that selects: our template draws it."""
    return [str(name) for name in cl.list_display if name != "action_checkbox"]


@register.simple_tag
def list_headers(cl: ChangeList) -> list[dict[str, Any]]:
    """One a column, without the box that selects."""
    names = _columns(cl)
    headers = [header for header in result_headers(cl) if "action-checkbox" not in str(header.get("class_attrib"))]
    for name, header in zip(names, headers, strict=True):
        header["is_figure"] = name in FIGURES
        header["title"] = capfirst(str(header["text"]))
    return headers


@register.simple_tag
def list_rows(cl: ChangeList) -> Iterator[Row]:
    """The page of a list, each value as Django's admin writes it."""
    names = _columns(cl)
    labels = {name: capfirst(str(label_for_field(name, cl.model, cl.model_admin))) for name in names}
    links: Sequence[Any] = cl.list_display_links or names[:1]
    for row in cl.result_list:
        url = cl.url_for_result(row)
        yield Row(
            row.pk,
            [
                Cell(labels[name], _value(cl, row, name), url if name in links else "", name in FIGURES, name in WHOLE)
                for name in names
            ],
        )


def _value(cl: ChangeList, row: Model, name: str) -> Any:
    empty = cl.model_admin.get_empty_value_display()
    try:
        model_field, attribute, value = lookup_field(name, row, cl.model_admin)
    except ObjectDoesNotExist:
        return empty
    if isinstance(value, bool):
        return yes_or_no(value)
    if model_field is None:
        return display_for_value(value, empty, getattr(attribute, "boolean", False))
    if isinstance(model_field.remote_field, ManyToOneRel):
        return getattr(row, model_field.name) or empty
    return display_for_field(value, model_field, empty)


@register.filter
def parted(fieldset: Fieldset) -> dict[str, list[Any]]:
    """A fieldset in two: what is read, as labels and values, empty ones left out; what is edited, as form lines."""
    lines: list[list[Any]] = [list(line) for line in fieldset]
    empty = {"", "-", "–"}
    read = [(field.field["label"], _shown(field)) for line in lines for field in line if hasattr(field, "contents")]
    return {
        "shown": [(label, value) for label, value in read if str(value) not in empty],
        "edited": [edited for line in lines if (edited := [f for f in line if not hasattr(f, "contents")])],
    }


def _shown(field: Any) -> Any:
    """A value that is only read; yes and no in words, for there are no icons here."""
    found = field.resolved_field
    if found and isinstance(found[2], bool):
        return yes_or_no(found[2])
    return field.contents()


@register.simple_tag
def page_address(cl: ChangeList, number: int) -> str:
    """The same list, at another page."""
    return cl.get_query_string({"p": number})
