"""Template words of the portal: formats in the reader's language, icons, form fields, the stylesheet's address.

No query and no business rule here.
"""

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Form
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from lucide.templatetags.lucide import lucide

from accounts import devices, formats
from portal import stylesheet
from registry import neq as numbers

register = template.Library()


def _language() -> str:
    return get_language() or "fr-ca"


@register.filter
def whole(number: int) -> str:
    """A count."""
    return formats.whole(number, _language())


@register.filter
def money(amount: Decimal | None) -> str:
    """An amount in Canadian dollars."""
    return formats.money(amount, _language())


@register.filter
def percent(points: Decimal | None) -> str:
    """Percentage points."""
    return formats.percent(points, _language())


@register.filter
def isodate(day: dt.date | dt.datetime | None) -> str:
    """A date for a table."""
    return formats.iso_date(day)


@register.filter
def longdate(day: dt.date | dt.datetime | None) -> str:
    """A date for a sentence."""
    return formats.long_date(day, _language())


@register.filter
def moment(at: dt.datetime | None) -> str:
    """A date and an hour for a sentence."""
    return formats.long_moment(at, _language())


@register.filter
def phone(number: object, extension: object = "") -> str:
    """A phone number and its extension."""
    return formats.phone(number, extension, _language())


@register.filter
def neq(digits: str) -> str:
    """An enterprise number, 4-4-2, that no line breaks."""
    return numbers.shown(digits).replace(" ", formats.NO_BREAK_SPACE)


@register.filter
def tel(number: object, extension: object = "") -> str:
    """The address a phone dials: tel:+15145550123;ext=12."""
    digits = "".join(c for c in str(getattr(number, "as_e164", number)) if c.isdigit() or c == "+")
    return f"tel:{digits};ext={extension}" if extension else f"tel:{digits}"


@register.filter
def filesize(count: int | None) -> str:
    """A number of bytes."""
    return formats.file_size(count, _language())


@register.filter
def device(user_agent: str) -> str:
    """A browser as a person names it."""
    return devices.describe(user_agent)


@lru_cache(maxsize=64)
def _icon(name: str) -> SafeString:
    return mark_safe(  # noqa: S308 - drawn by the icon package from a name written in our templates
        lucide(name, size=None, **{"class": "icon", "aria-hidden": "true", "width": "20", "height": "20"})
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative icon, hidden from screen readers."""
    return _icon(str(name))


@register.simple_tag
def language_tag() -> str:
    """The language of the page as browsers and screen readers name it."""
    return "en-CA" if _language().startswith("en") else "fr-CA"


@register.simple_tag
def stylesheet_url(hue: int | None = None) -> str:
    """The address of the whole stylesheet in a merchant's hue; it changes when a rule changes."""
    hue = stylesheet.DEFAULT_HUE if hue is None else hue
    return reverse("portal:stylesheet", kwargs={"hue": hue % stylesheet.HUES, "digest": stylesheet.digest()})


@register.simple_tag(takes_context=True)
def current(context: Context, *names: str) -> SafeString:
    """Marks the link of the page we are on, by the names of its addresses."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    return mark_safe('aria-current="page"') if match and match.view_name in names else SafeString("")


def _kind(field: BoundField) -> str:
    if field.field.widget.attrs.get("tabindex") == "-1":
        return "trap"
    if isinstance(field.field.widget, CheckboxInput):
        return "check"
    return "group" if field.field.widget.use_fieldset else "line"


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "", hint: str | None = None, autocomplete: str = "") -> dict[str, Any]:
    """Label, input, help and error of one form field, tied together for screen readers.

    Placeholders are dropped (the label says it) and so are inline styles (the content policy refuses them).
    """
    attrs = bound.field.widget.attrs
    attrs.pop("placeholder", None)
    attrs.pop("style", None)
    if autocomplete:
        attrs["autocomplete"] = autocomplete
    if hint is not None:
        bound.help_text = hint
    kind = _kind(bound)
    return {
        "kind": kind,
        "label": label or bound.label,
        "target": bound.id_for_label,
        "described": bound.aria_describedby if kind == "group" else "",
        "words": _words_of(bound),
        "input": bound,
        "is_optional": not bound.field.required and kind == "line",
    }


def _words_of(field: BoundField) -> SafeString:
    """Its help and its errors, which its input names as what describes it."""
    lines = []
    if field.help_text:
        help_text = mark_safe(str(field.help_text))  # noqa: S308 - as Django's own templates: written in our code
        lines.append(format_html('<div class="help" id="{}_helptext">{}</div>', field.auto_id, help_text))
    if field.errors:
        errors = format_html_join(" ", "{}", ((error,) for error in field.errors))
        lines.append(format_html('<div class="error" id="{}_error"><span>{}</span></div>', field.auto_id, errors))
    return format_html_join("\n", "{}", ((line,) for line in lines))


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: Form) -> dict[str, Any]:
    """What to correct in a form, each line a link to its field."""
    errors = form.errors if form.is_bound else {}
    hidden = [error for name in errors if name in form.fields and form[name].is_hidden for error in errors[name]]
    general = [*(form.non_field_errors() if errors else []), *hidden]
    fields = [
        (f"#{bound.id_for_label or bound.auto_id}", bound.label, bound.errors)
        for bound in form.visible_fields()
        if errors and bound.errors
    ]
    return {"general": general, "fields": fields, "count": len(general) + len(fields)}
