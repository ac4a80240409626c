"""The body of a campaign: Markdown made into the HTML of a mail, the HTML of our pages, and plain text.

Raw HTML is shown as typed, never obeyed, and the parser makes no link of a script: nothing is left to sanitise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_parser = MarkdownIt("commonmark", {"html": False})
# As mail programs want them: on the element itself.
_STYLES = {
    "p": "margin:0 0 16px",
    "h2": "margin:28px 0 12px;font-size:20px;line-height:1.3",
    "h3": "margin:24px 0 8px;font-size:17px;line-height:1.35",
    "ul": "margin:0 0 16px;padding-left:22px",
    "ol": "margin:0 0 16px;padding-left:22px",
    "li": "margin:0 0 6px",
    "a": "color:#14603f",
    "blockquote": "margin:0 0 16px;padding:0 0 0 14px;border-left:3px solid #e4e2dc;color:#5a6270",
    "hr": "border:0;border-top:1px solid #e4e2dc;margin:24px 0",
    "img": "display:block;max-width:100%;height:auto;border:0",
    "code": "white-space:pre-wrap;font-size:14px",  # the parser has no other name for a block of it
}
# A link alone in its paragraph is a button. Outlook gives space to cells alone.
_BUTTON = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0"><tr>'
    '<td style="border-radius:8px;background-color:#14603f;mso-padding-alt:13px 22px">'
)
_BUTTON_LINK = "display:inline-block;padding:13px 22px;font-weight:700;color:#ffffff;text-decoration:none"
# The page and the frame of the mail have the first level.
_LEVELS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h3", "h5": "h3", "h6": "h3"}


def _tokens(text: str) -> list[Token]:
    tokens = _parser.parse(text)
    for token in walk(tokens):
        token.tag = _LEVELS.get(token.tag, token.tag)
    return tokens


def walk(tokens: list[Token]) -> Iterator[Token]:
    """Each token and what it holds."""
    for token in tokens:
        yield token
        yield from walk(token.children or [])


def mail_html(text: str) -> str:
    """HTML whose style is on its elements."""
    tokens = _tokens(text)
    for token in walk(tokens):
        if token.nesting >= 0 and token.tag in _STYLES:
            token.attrSet("style", _STYLES[token.tag])
    for before, inline, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if before.type == "paragraph_open" and not before.hidden and _is_link_alone(inline.children or []):
            before.type = after.type = "html_block"
            before.content, after.content = _BUTTON, "</td></tr></table>\n"
            (inline.children or [])[0].attrSet("style", _BUTTON_LINK)
    return _parser.renderer.render(tokens, _parser.options, {})


def _is_link_alone(tokens: list[Token]) -> bool:
    """One link around words, and nothing beside it; an address typed as it is stays one."""
    kinds = [token.type for token in tokens]
    return kinds == ["link_open", "text", "link_close"] and tokens[0].markup != "autolink"


def page_html(text: str) -> str:
    """HTML without style, for our own pages."""
    return _parser.renderer.render(_tokens(text), _parser.options, {})


def plain(text: str) -> str:
    """The words alone, each link with its address; lists in lists set in, quotations marked."""
    lines: list[str] = []
    marks: list[str] = []
    lists = quotes = 0
    for token in _tokens(text):
        lists += token.nesting * (token.type in _LISTS)
        quotes += token.nesting * (token.type in _QUOTES)
        start = "> " * quotes + "  " * max(lists - 1, 0)
        lines += [f"{start}{line}" for line in _said(token, marks)]
        is_inner = token.hidden or (token.type in _LISTS and lists)
        if token.nesting <= 0 and token.type in _ENDS_BLOCK and not is_inner:
            lines.append("")
    return "\n".join(lines).strip() + "\n"


def _said(token: Token, marks: list[str]) -> list[str]:
    """The lines of one token; the mark of a list's item waits in `marks` for its first words."""
    if token.type == "inline":
        return f"{marks.pop() if marks else ''}{_inline(token.children or [])}".split("\n")
    if token.type == "list_item_open":
        marks.append(f"{token.info}. " if token.info else "- ")
    elif token.type == "hr":
        return ["", "* * *", ""]
    elif token.type in {"fence", "code_block"}:
        return token.content.rstrip().split("\n")
    return []


_LISTS = {"bullet_list_open", "bullet_list_close", "ordered_list_open", "ordered_list_close"}
_QUOTES = {"blockquote_open", "blockquote_close"}
_ENDS_BLOCK = {"paragraph_close", "heading_close", "bullet_list_close", "ordered_list_close", "fence", "code_block"}


def _inline(tokens: list[Token]) -> str:
    parts: list[str] = []
    hrefs: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            hrefs.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            href = hrefs.pop()
            parts.append("" if parts and parts[-1] == href else f" ({href})")
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif token.type == "image":
            parts.append(f"[{token.content}]" if token.content else "")
        else:
            parts.append(token.content)
    return "".join(parts)


def addresses(text: str) -> list[str]:
    """Where its links and images lead, in order."""
    found = (token.attrGet("href") or token.attrGet("src") for token in walk(_tokens(text)))
    return [str(address) for address in found if address]


def silent_images(text: str) -> int:
    """How many images say nothing to who does not see them."""
    return sum(token.type == "image" and not token.content.strip() for token in walk(_tokens(text)))


def empty_links(text: str) -> list[str]:
    """The words of the links, and of the images, that have no address."""
    found: list[str] = []
    words: list[str] | None = None
    for token in walk(_tokens(text)):
        if token.type == "image" and not token.attrGet("src"):
            found.append(token.content)
        elif token.type == "link_open":
            words = None if str(token.attrGet("href") or "").strip() else []
        elif token.type == "link_close" and words is not None:
            found.append("".join(words))
            words = None
        elif words is not None:
            words.append(token.content)
    return found


_RAW_LINK = re.compile(r"\[[^\]\n]*\]\(\S*")


def raw_links(text: str) -> list[str]:
    """What was typed as a link and stayed as typed: its address is refused, or its parenthesis never closed."""
    inlines = [token.children or [] for token in _tokens(text) if token.type == "inline"]
    lines = ["".join(_typed(token) for token in children) for children in inlines]
    return [found for line in lines for found in _RAW_LINK.findall(line)]


def _typed(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    return token.content if token.type == "text" else ""
