"""Inputs drawn at once: Django's own templates include three of each other for one tag, a sixth of a small page."""

from __future__ import annotations

from typing import Any, override

from django.forms.renderers import DjangoTemplates
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

KINDS = ("color", "date", "datetime", "email", "hidden", "number", "password", "search", "tel", "text", "time", "url")
PLAIN = frozenset(f"django/forms/widgets/{kind}.html" for kind in KINDS)


class Renderer(DjangoTemplates):
    """Form renderer (FORM_RENDERER); every widget but plain inputs keeps its template."""

    @override
    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        if template_name not in PLAIN:
            return super().render(template_name, context, request)
        widget = context["widget"]
        value = "" if widget["value"] is None else format_html(' value="{}"', widget["value"])
        attributes = mark_safe("".join(_attribute(*pair) for pair in widget["attrs"].items()))  # noqa: S308 - escaped
        return format_html('<input type="{}" name="{}"{}{}>', widget["type"], widget["name"], value, attributes)


def _attribute(name: str, value: Any) -> SafeString | str:
    if value is False:
        return ""
    return format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)
