"""Sending a form back as a browser would: what its page holds, changed only where the test says so."""

from __future__ import annotations

from html.parser import HTMLParser


class _Forms(HTMLParser):
    """The forms of a page, each with what a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[tuple[str, str]]] = []
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append([])
        if tag == "select":
            self.select = held.get("name", "")
        if tag == "option" and "selected" in held:
            self.found[-1].append((self.select, held["value"]))
        is_box = held.get("type") == "checkbox"
        if tag == "input" and (not is_box or "checked" in held) and "name" in held:
            self.found[-1].append((held["name"], held.get("value", "on" if is_box else "")))


def filled(page: str, *, having: str, **changes: list[object]) -> dict[str, list[str]]:
    """The fields of the first form that has the field named; a change replaces all the values of its field."""
    parser = _Forms()
    parser.feed(page)
    fields = next(fields for fields in parser.found if having in dict(fields))
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return data | {name: [str(value) for value in values] for name, values in changes.items()}
