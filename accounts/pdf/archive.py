"""What makes a file both PDF/A-3a and PDF/UA-1: WeasyPrint writes the metadata of one standard only."""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO
from typing import BinaryIO
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

import pydyf
from weasyprint import Document
from weasyprint import pdf as weasyprint_pdf
from weasyprint.css import ColorProfile
from weasyprint.document import DocumentMetadata

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PDFUA_ID = "http://www.aiim.org/pdfua/ns/id/"
PDFA_EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
PDFA_SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
PDFA_PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
for _prefix, _uri in (("pdfaExtension", PDFA_EXTENSION), ("pdfaSchema", PDFA_SCHEMA), ("pdfaProperty", PDFA_PROPERTY)):
    register_namespace(_prefix, _uri)

# Under the name "srgb", WeasyPrint opens its profile again for each document.
INTENT = "shared-srgb"
OPTIONS = {"pdf_variant": "pdf/a-3a", "pdf_tags": True, "output_intent": INTENT}
RESOURCE = f"{{{RDF}}}parseType"


def _accessible() -> Element:
    """ISO 14289-1, 5: the file says that it is PDF/UA-1."""
    description = Element(f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    SubElement(description, f"{{{PDFUA_ID}}}part").text = "1"
    return description


def _extension() -> Element:
    """ISO 19005-3, 6.6.2.3: a property PDF/A does not know must be described in the file itself."""
    description = Element(f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    bag = SubElement(SubElement(description, f"{{{PDFA_EXTENSION}}}schemas"), f"{{{RDF}}}Bag")
    schema = SubElement(bag, f"{{{RDF}}}li", {RESOURCE: "Resource"})
    SubElement(schema, f"{{{PDFA_SCHEMA}}}schema").text = "PDF/UA identification schema"
    SubElement(schema, f"{{{PDFA_SCHEMA}}}namespaceURI").text = PDFUA_ID
    SubElement(schema, f"{{{PDFA_SCHEMA}}}prefix").text = "pdfuaid"
    properties = SubElement(SubElement(schema, f"{{{PDFA_SCHEMA}}}property"), f"{{{RDF}}}Seq")
    part = SubElement(properties, f"{{{RDF}}}li", {RESOURCE: "Resource"})
    SubElement(part, f"{{{PDFA_PROPERTY}}}name").text = "part"
    SubElement(part, f"{{{PDFA_PROPERTY}}}valueType").text = "Integer"
    SubElement(part, f"{{{PDFA_PROPERTY}}}category").text = "internal"
    SubElement(part, f"{{{PDFA_PROPERTY}}}description").text = "PDF/UA version identifier"
    return description


class SharedProfile(ColorProfile):
    """Its bytes are the file's: LittleCMS writes a profile otherwise once its tags were read."""

    content = b""

    def __init__(self, *, content: bytes) -> None:
        super().__init__(BytesIO(content), "sRGB2014.icc", "relative-colorimetric", ("r", "g", "b"))
        self.content = content


@cache
def srgb() -> SharedProfile:
    """The colours of every document (ISO 19005-3, 6.2.3), read once a process."""
    return SharedProfile(content=(files(weasyprint_pdf) / "sRGB2014.icc").read_bytes())


class BothStandards(DocumentMetadata):
    """WeasyPrint's metadata, with the second standard beside the first in the same RDF."""

    def generate_rdf_metadata(self, variant: str, version: int, conformance: str) -> bytes:
        rdf = fromstring(super().generate_rdf_metadata(variant, version, conformance))  # noqa: S314 - written by us, one line above
        rdf.extend((_accessible(), _extension()))
        return tostring(rdf, encoding="utf-8")


class Written(pydyf.Object):
    """An object turned into bytes once: pydyf does it again for the identifier of the file."""

    data = b""

    def __init__(self, *, source: pydyf.Object) -> None:
        super().__init__()
        self.number, self.generation, self.free = source.number, source.generation, source.free
        self.data = source.data


class WrittenStream(pydyf.Stream):
    """A stream compressed once, for the same reason."""

    @cached_property
    def data(self) -> bytes:
        return super().data


class Archive(pydyf.PDF):
    """A file whose streams, those added while it is written included, are compressed once."""

    def add_object(self, object_: pydyf.Object) -> None:
        super().add_object(object_)
        if isinstance(object_, pydyf.Stream):
            object_.__class__ = WrittenStream


class Part(Archive):
    """A file that gives its pages to another: objects apart, because finding one in a stream means reading all."""

    def write(
        self,
        output: BinaryIO,
        version: bytes = b"1.7",
        identifier: bool | bytes = False,  # noqa: FBT001, FBT002 - pydyf's signature
        compress: bool = False,  # noqa: FBT001, FBT002 - same
    ) -> None:
        super().write(output, version, identifier, compress=False)


def _write_archive(_document: Document, pdf: pydyf.PDF) -> None:
    pdf.__class__ = Archive
    _write_objects(pdf)


def _write_part(_document: Document, pdf: pydyf.PDF) -> None:
    pdf.__class__ = Part
    _write_objects(pdf)


def _write_objects(pdf: pydyf.PDF) -> None:
    """WeasyPrint makes the file and the objects itself: they become ours just before they are written."""
    for index, object_ in enumerate(pdf.objects):
        if isinstance(object_, pydyf.Stream):
            object_.__class__ = WrittenStream
        elif object_.free != "f":
            pdf.objects[index] = Written(source=object_)


def write(*, document: Document, is_part: bool) -> bytes:
    """The laid-out document as one PDF that is tagged, PDF/A-3a and PDF/UA-1; a part is to be appended to another."""
    document.metadata = BothStandards(**vars(document.metadata))
    return document.write_pdf(finisher=_write_part if is_part else _write_archive, **OPTIONS)
