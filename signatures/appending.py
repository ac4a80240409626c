"""The pages of one PDF at the end of another, tags included, as an update of it: its bytes stay the first ones.

No business word here. What is appended is ours (accounts.pdf, as a part); what it is appended to may be any PDF.
"""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    Dereferenceable,
    DictionaryObject,
    IndirectObject,
    NumberObject,
    pdf_name,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

NUMS, KIDS, LIMITS = pdf_name("/Nums"), pdf_name("/Kids"), pdf_name("/Limits")


def append_pages(*, writer: IncrementalPdfFileWriter, part: PdfFileReader) -> None:
    """Add every page of the part after the writer's last one; where both are tagged, its tags after the others."""
    wanted = DictionaryObject({name: part.root.raw_get(name) for name in ("/Pages", "/StructTreeRoot")})
    # One import of both, so that a tag and its page keep pointing at each other.
    wanted.container_ref = part.root.container_ref
    taken: Any = writer.import_object(wanted)
    pages = _items(taken["/Pages"]["/Kids"])
    _append_to_tree(writer, pages)
    if "/StructTreeRoot" in writer.root:
        _append_tags(writer, taken["/StructTreeRoot"], pages)
        return
    for page in pages:
        # Without a tree these would point nowhere.
        page.get_object().pop("/StructParents", None)


def _items(array: ArrayObject) -> list[IndirectObject]:
    return [array.raw_get(index) for index in range(len(array))]


def _append_to_tree(writer: IncrementalPdfFileWriter, pages: list[IndirectObject]) -> None:
    root_ref = writer.root.raw_get("/Pages")
    root = root_ref.get_object()
    for page in pages:
        page.get_object()[pdf_name("/Parent")] = root_ref
        root["/Kids"].append(page)
    root[pdf_name("/Count")] = NumberObject(root["/Count"] + len(pages))
    writer.update_container(root["/Kids"])
    writer.update_container(root)


def _append_tags(writer: IncrementalPdfFileWriter, tree: DictionaryObject, pages: list[IndirectObject]) -> None:
    """ISO 32000-1, 14.7.2: the tags of the part become the last children of the root; 14.7.4.4: numbers stay apart."""
    root_ref = writer.root.raw_get("/StructTreeRoot")
    root = root_ref.get_object()
    first_free = _first_free(root)
    for page in pages:
        found = page.get_object()
        found[pdf_name("/StructParents")] = NumberObject(found["/StructParents"] + first_free)
    tops = _items(tree["/K"])
    for top in tops:
        top.get_object()[pdf_name("/P")] = root_ref
    children = _children(root)
    children.extend(tops)
    root[pdf_name("/K")] = children
    numbers = tree["/ParentTree"]["/Nums"]
    shifted = ArrayObject()
    for index in range(0, len(numbers), 2):
        shifted.extend([NumberObject(numbers[index] + first_free), numbers.raw_get(index + 1)])
    _append_numbers(writer, root, shifted)
    if "/ParentTreeNextKey" in root:
        root[pdf_name("/ParentTreeNextKey")] = NumberObject(first_free + len(shifted) // 2)
    writer.update_container(root)


def _children(root: DictionaryObject) -> ArrayObject:
    """The children of the root, as a list of our own whatever the file holds: none, one, or an array of them."""
    if "/K" not in root:
        return ArrayObject()
    held = root.raw_get("/K")
    found = held.get_object() if isinstance(held, Dereferenceable) else held
    return ArrayObject(_items(found)) if isinstance(found, ArrayObject) else ArrayObject([held])


def _first_free(root: DictionaryObject) -> int:
    """The first number no page of the file uses."""
    used = _highest(root["/ParentTree"]) if "/ParentTree" in root else -1
    return max(used + 1, int(root.get("/ParentTreeNextKey", 0)))


def _highest(node: DictionaryObject) -> int:
    if "/Kids" in node:
        return max((_highest(kid.get_object()) for kid in _items(node["/Kids"])), default=-1)
    numbers = node["/Nums"]
    return max((int(numbers[index]) for index in range(0, len(numbers), 2)), default=-1)


def _append_numbers(writer: IncrementalPdfFileWriter, root: DictionaryObject, numbers: ArrayObject) -> None:
    """A number tree (7.9.7) is one list, or lists under a root, each saying its first and last number."""
    if "/ParentTree" not in root:
        root[pdf_name("/ParentTree")] = writer.add_object(DictionaryObject({NUMS: numbers}))
        return
    tree = root["/ParentTree"]
    if "/Kids" in tree:
        limits = ArrayObject([numbers[0], numbers[-2]])
        tree["/Kids"].append(writer.add_object(DictionaryObject({NUMS: numbers, LIMITS: limits})))
        writer.update_container(tree["/Kids"])
    else:
        held = tree["/Nums"]
        held.extend(numbers)
        writer.update_container(held)
    writer.update_container(tree)
