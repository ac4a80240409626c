"""HTML to PDF: fonts of our own, no address ever fetched, everything shared by the documents of a process.

No business word here; what a document says is in its own module.
"""

from __future__ import annotations

import gc
import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from xml.etree.ElementTree import fromstring

import font_source_sans_pro as source_sans
from cssselect2 import ElementWrapper
from django.template.loader import render_to_string
from fontTools.ttLib import TTFont
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from accounts.pdf import archive, colors

FACES = {
    400: Path(source_sans.SourceSansPro).with_suffix(".ttf"),
    600: Path(source_sans.SourceSansProSemibold).with_suffix(".ttf"),
}
# Pango's font map is not safe between threads, and two renderings at once are no faster.
_one_at_a_time = Lock()
# Thirty lines a document otherwise; warnings still show.
logging.getLogger("weasyprint.progress").setLevel(logging.WARNING)
logging.getLogger("fontTools").setLevel(logging.WARNING)


class AddressFetched(Exception):
    """A page named a file or an address it could not have: ours name their fonts only."""


@cache
def _fonts() -> FontConfiguration:
    return FontConfiguration()


@cache
def _fetcher() -> URLFetcher:
    """Reads our fonts; refuses every outside address. Building one costs an SSL context: once a process."""
    return URLFetcher(allowed_protocols=("data", "file"), allow_redirects=False, fail_on_errors=True)


@cache
def _covered() -> frozenset[str]:
    """Characters every face can draw: another one would come from the machine's fonts, or be missing."""
    return frozenset.intersection(*map(_drawn_by, FACES.values())) | {"\n", "\t"}


def _drawn_by(path: Path) -> frozenset[str]:
    with TTFont(path, lazy=True) as face:
        return frozenset(map(chr, face.getBestCmap()))


def printable(text: str) -> str:
    """The text in characters our fonts hold: invisible ones are dropped, unknown ones become a question mark."""
    text = unicodedata.normalize("NFC", text)
    unknown = set(text) - _covered()
    if not unknown:
        return text
    drawn = {"\N{NON-BREAKING HYPHEN}": "-", "\r": "\n"}
    return text.translate({ord(c): drawn.get(c) or ("" if unicodedata.category(c)[0] == "C" else "?") for c in unknown})


def css_source(*, template: str, hue: int) -> str:
    """The stylesheet as text: our faces, the colours of this hue, then the rules."""
    faces = "".join(
        f"@font-face{{font-family:Document;font-weight:{weight};src:url({path.as_uri()})}}"
        for weight, path in FACES.items()
    )
    rules = render_to_string(template)
    return faces + re.sub(r"var\(--(\w+)\)", lambda match: colors.shade(name=match[1], hue=hue), rules)


@lru_cache(maxsize=64)
def _stylesheet(template: str, hue: int) -> CSS:
    source = css_source(template=template, hue=hue)
    return CSS(string=source, font_config=_fonts(), url_fetcher=_fetcher())


@contextmanager
def _without_collector() -> Iterator[None]:
    """The cyclic collector would walk the whole box tree again and again while it grows."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Page(HTML):
    """A page of ours: well-formed, so parsed in C; WeasyPrint's HTML5 parser takes 6 % of a document's time."""

    def __init__(self, *, html: str) -> None:
        self.base_url = None
        self.url_fetcher = _fetcher()
        self.media_type = "print"
        root = fromstring(html)  # noqa: S314 - our own template: every value in it is escaped, and it declares no entity
        self.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = root

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:  # noqa: FBT001, FBT002 - WeasyPrint's signature
        """None: the stylesheet of the page says all."""
        return []


def _file(html: str, stylesheet: CSS, *, is_part: bool) -> bytes:
    """In a function of its own: its boxes are gone before the collector is back and would walk them."""
    document = Page(html=html).render(
        font_config=_fonts(),
        stylesheets=[stylesheet],
        color_profiles={archive.INTENT: archive.srgb()},
        **archive.OPTIONS,
    )
    return archive.write(document=document, is_part=is_part)


def render(*, html: str, stylesheet: str, hue: int, is_part: bool = False) -> bytes:
    """The page as a file; the same page gives the same bytes. The dates in the file are those the page states.

    A part is written for another file to take its pages: larger, and quick to take apart.
    """
    with _one_at_a_time, _without_collector():
        try:
            return _file(printable(html), _stylesheet(stylesheet, hue % 360), is_part=is_part)
        except FatalURLFetchingError as refusal:  # not an Exception for WeasyPrint: it must stop the rendering
            raise AddressFetched(*refusal.args) from refusal
