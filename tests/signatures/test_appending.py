"""Pages at the end of a PDF made by anybody: its pages and its tags keep their places, ours follow."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from signatures.appending import append_pages
from tests.judges import judged, pages_of
from tests.signatures.samples import pdf_of
from tests.signatures.test_papers import blank
from tests.signatures.test_seal import part_of

DOCUMENT = "Contrat"


def appended(content: bytes, *titles: str) -> bytes:
    """One part after the other, each in an update of its own."""
    for title in titles:
        writer = IncrementalPdfFileWriter(io.BytesIO(content))
        append_pages(writer=writer, part=PdfFileReader(io.BytesIO(part_of(title))))
        made = io.BytesIO()
        writer.write(made)
        content = made.getvalue()
    return content


def changed(content: bytes, change: object) -> bytes:
    """The same document with its tree of tags written otherwise."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    tree = writer.root["/StructTreeRoot"]
    change(writer, tree)
    writer.update_container(tree)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def in_leaves(writer: IncrementalPdfFileWriter, tree: DictionaryObject) -> None:
    """The number tree as large documents have it: lists under a root."""
    numbers = tree["/ParentTree"]["/Nums"]
    limits = ArrayObject([numbers[0], numbers[len(numbers) - 2]])
    leaf = DictionaryObject({pdf_name("/Nums"): numbers, pdf_name("/Limits"): limits})
    tree[pdf_name("/ParentTree")] = DictionaryObject({pdf_name("/Kids"): ArrayObject([writer.add_object(leaf)])})


def with_next_key(_writer: IncrementalPdfFileWriter, tree: DictionaryObject) -> None:
    tree[pdf_name("/ParentTreeNextKey")] = NumberObject(40)


def with_one_child(_writer: IncrementalPdfFileWriter, tree: DictionaryObject) -> None:
    """One tag at the top, not in a list."""
    tree[pdf_name("/K")] = tree["/K"].raw_get(0)


def without_numbers(_writer: IncrementalPdfFileWriter, tree: DictionaryObject) -> None:
    del tree["/ParentTree"]


def numbers_of(content: bytes) -> list[int]:
    """The numbers of the tree, in order."""
    tree = PdfFileReader(io.BytesIO(content)).root["/StructTreeRoot"]["/ParentTree"]
    lists = [kid.get_object()["/Nums"] for kid in tree["/Kids"]] if "/Kids" in tree else [tree["/Nums"]]
    return [int(numbers[index]) for numbers in lists for index in range(0, len(numbers), 2)]


def places_of(content: bytes) -> list[int]:
    """The number each page goes by in the tree."""
    pages = PdfFileReader(io.BytesIO(content)).root["/Pages"]["/Kids"]
    return [int(page.get_object()["/StructParents"]) for page in pages]


@pytest.mark.parametrize("change", [in_leaves, with_next_key, with_one_child])
def test_however_the_tags_are_kept_each_page_finds_its_own(change, tmp_path):
    content = appended(changed(pdf_of(DOCUMENT), change), "Première", "Seconde")
    assert all(word in page for word, page in zip([DOCUMENT, "Première", "Seconde"], pages_of(content), strict=True))
    places = places_of(content)
    assert len(set(places)) == 3
    assert numbers_of(content) == places == sorted(places)
    tree = PdfFileReader(io.BytesIO(content)).root["/StructTreeRoot"]
    assert len(tree["/K"]) == 3
    path = tmp_path / "appended.pdf"
    path.write_bytes(content)
    for flavour in ("3a", "ua1"):
        is_good, said = judged(flavour=flavour, files=[path])
        assert is_good, said


def test_a_tree_of_tags_without_numbers_gets_some():
    content = appended(changed(pdf_of(DOCUMENT), without_numbers), "Suite")
    assert len(pages_of(content)) == 2
    assert numbers_of(content) == [0]


def test_a_document_without_tags_gets_pages_without_tags():
    content = appended(blank(pages=2), "Suite")
    reader = PdfFileReader(io.BytesIO(content))
    assert reader.root["/Pages"]["/Count"] == 3
    assert "/StructTreeRoot" not in reader.root
    assert "/StructParents" not in reader.root["/Pages"]["/Kids"][2]


def test_what_was_there_stays_the_first_bytes():
    content = pdf_of(DOCUMENT)
    assert appended(content, "Suite").startswith(content)
