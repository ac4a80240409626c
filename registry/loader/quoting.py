"""The quotes of CSV taken out of whole blocks: what they protect is marked, every other comma and break is a border.

It reads what Python's csv module reads, stray quotes included, several times as fast: most of it is bytes.replace.
"""

from __future__ import annotations

QUOTE, COMMA, BREAK = b'"', b",", b"\n"
# What stands for a comma and for a line break inside quotes. Search keys are the same with them.
MARKED_COMMA, MARKED_BREAK = b"\x1c", b"\x1d"
# What stands for those two characters themselves: like them, no cell may hold it.
FORBIDDEN = b"\x01"


def marked(text: bytes, *, is_last: bool = False) -> tuple[bytes, bytes]:
    """The whole records at the beginning of the text, their quotes taken out, and the text that is left.

    `is_last` when no more text follows: the last record may then lack its line break.
    """
    for mark in (MARKED_COMMA, MARKED_BREAK):
        if mark in text:
            text = text.replace(mark, FORBIDDEN)
    if is_last and text and not text.endswith(BREAK):
        text += BREAK
    end = text.rfind(BREAK) + 1
    if text.find(QUOTE, 0, end) < 0:
        return text[:end], text[end:]
    parts = text[:end].split(QUOTE)
    if not _is_regular(parts):
        return _marked_one_by_one(text)
    parts[1::2] = _protected(QUOTE.join(parts[1::2])).split(QUOTE)
    return b"".join(parts), text[end:]


def _is_regular(parts: list[bytes]) -> bool:
    """Whether each quote between these parts opens or closes a whole cell: there is a border on its other side."""
    before = {part[-1:] for part in parts[:-1:2]} - {COMMA, BREAK}
    after = {part[:1] for part in parts[2::2]} - {COMMA, BREAK}
    return len(parts) % 2 == 1 and not after and (not before or (before == {b""} and not parts[0]))


def _protected(text: bytes) -> bytes:
    return text.replace(COMMA, MARKED_COMMA).replace(BREAK, MARKED_BREAK)


def _marked_one_by_one(text: bytes) -> tuple[bytes, bytes]:
    """The same for any text: a quote in the middle of a cell is a character, two in a row inside quotes are one."""
    pieces: list[bytes] = []
    is_inside, is_escape, offset = False, False, 0
    whole = left = 0  # how many pieces are whole records, and where in the text they end
    parts = text.split(QUOTE)
    for place, part in enumerate(parts):
        if is_escape:
            is_escape = False
        elif is_inside:
            pieces.append(_protected(part))
            # The quote after it is one of two, or closes the cell.
            is_escape = place + 2 < len(parts) and not parts[place + 1]
            is_inside = is_escape
            pieces.append(QUOTE if is_escape else b"")
        else:
            records, found, begun = part.rpartition(BREAK)
            pieces += [records, found]
            if found:
                whole, left = len(pieces), offset + len(records) + 1
            pieces.append(begun)
            is_inside = begun.endswith(COMMA) or (not begun and (bool(found) or not offset))
            pieces.append(b"" if is_inside else QUOTE)
        offset += len(part) + 1
    return b"".join(pieces[:whole]), text[left:]
