"""What is read of each file, and the columns it makes: a whole block of records at a time, which makes it fast.

A block that cannot be taken raises Unfit, and leaves no trace: its records are then tried in smaller ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

from registry.loader.archive import File
from registry.loader.cells import NOT_STATED, Cells, Codes, Days, Flags, judged
from registry.loader.flaws import Unfit
from registry.loader.keys import fold_all
from registry.loader.numbers import Numbers, check_lengths
from registry.loader.records import Block

Column = Sequence[bytes]
STATUSES = ("IM", "RD", "RO", "RX", "NI", "AI")
STATES = ("V", "A", "F", "R")
KINDS = ("N", "M", "A")
HIDDEN, DASH = b"N", b"-"
ADDRESS = ("address_line1", "address_line2", "address_line3", "address_line4")
# In bytes. The longest real names have some 500 letters; the index of search keys takes 2,700 bytes.
LONGEST_NAME = 2000
LONGEST_CODE = 400


class Layout:
    """One file: the columns read of it, the table they go to, and how."""

    file: File
    # In the order that `convert` unpacks.
    columns: tuple[str, ...]
    table: str
    # Of the table, in the order that `convert` gives; those that hold texts are empty rather than NULL.
    targets: tuple[str, ...]
    texts: tuple[str, ...]
    # Whether its table is empty when it comes.
    is_first = True

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        """The columns of the table, for one or more groups of rows."""
        raise AssertionError(f"{self.file} says nothing of its rows")

    def accept(self, cells: Sequence[list[bytes]]) -> None:
        """Last word on records whose cells are right: all are taken, or Unfit."""


class Enterprises(Layout):
    """Entreprise: one record an enterprise."""

    file = File.ENTERPRISES
    columns = (
        *("NEQ", "COD_STAT_IMMAT", "DAT_STAT_IMMAT", "DAT_IMMAT", "DAT_CESS_PREVU", "IND_FAIL", "COD_FORME_JURI"),
        *("ADR_DOMCL_ADR_DISP", "ADR_DOMCL_LIGN1_ADR", "ADR_DOMCL_LIGN2_ADR", "ADR_DOMCL_LIGN3_ADR"),
        "ADR_DOMCL_LIGN4_ADR",
    )
    table = "registry_enterprise"
    texts = ("legal_form", *ADDRESS)
    targets = ("neq", "status", "status_on", "registered_on", "ceases_on", "is_bankrupt", *texts)

    def __init__(self, *, numbers: Numbers) -> None:
        self.numbers = numbers
        # One memory of days for all columns: it stays in the processor's.
        days = Days()
        self.shapes: list[Cells] = [Codes(among=STATUSES), days, days, days, Flags()]

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        numbers, typed, form, shown, address = cells[0], cells[1:6], cells[6], cells[7], cells[8:]
        written = judged(typed, shapes=self.shapes, names=self.columns[1:6])
        yield [numbers, *written, *map(stated, (form, *hide(address, shown=shown)))]

    def accept(self, cells: Sequence[list[bytes]]) -> None:
        self.numbers.add_new(cells[0])


class Names(Layout):
    """Nom: several records an enterprise. A version in another language is a row of its own."""

    file = File.NAMES
    columns = ("NEQ", "NOM_ASSUJ", "NOM_ASSUJ_LANG_ETRNG", "STAT_NOM", "TYP_NOM_ASSUJ", "DAT_FIN_NOM_ASSUJ")
    table = "registry_enterprisename"
    texts = ("text", "folded")
    targets = ("id", "neq", "is_translation", "state", "kind", "until", *texts)

    def __init__(self) -> None:
        self.shapes: list[Cells] = [Codes(among=STATES), Codes(among=KINDS), Days()]

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        numbers, names, foreign, *typed = cells
        names = list(map(bytes.strip, names))
        written = judged(typed, shapes=self.shapes, names=self.columns[3:])
        keys = named(names, column="NOM_ASSUJ")
        lines = block.lines
        yield [[b"%d0" % line for line in lines], numbers, [b"f"] * len(lines), *written, names, keys]
        also = ((place, foreign[place].strip()) for place in compress(range(len(foreign)), foreign))
        if versions := {place: name for place, name in also if name not in NOT_STATED}:
            yield [
                [b"%d1" % lines[place] for place in versions],
                [numbers[place] for place in versions],
                [b"t"] * len(versions),
                *([column[place] for place in versions] for column in written),
                list(versions.values()),
                named(list(versions.values()), column="NOM_ASSUJ_LANG_ETRNG"),
            ]

    def accept(self, cells: Sequence[list[bytes]]) -> None:
        """Whether an enterprise has the number is asked of the database, of all names at once."""
        check_lengths(cells[0])


class Establishments(Layout):
    """Etablissements: the places of business."""

    file = File.ESTABLISHMENTS
    columns = (
        *("NEQ", "IND_ETAB_PRINC", "NO_SUF_ETAB", "NOM_ETAB", "DESC_ACT_ECON_ETAB", "IND_DISP"),
        *("LIGN1_ADR", "LIGN2_ADR", "LIGN3_ADR", "LIGN4_ADR"),
    )
    table = "registry_establishment"
    texts = ("suffix", "name", "activity", *ADDRESS)
    targets = ("neq", "is_main", *texts)

    def __init__(self, *, numbers: Numbers) -> None:
        self.numbers = numbers
        self.is_main = Flags()

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        numbers, main, texts, shown, address = cells[0], cells[1], cells[2:5], cells[5], cells[6:]
        yield [
            numbers,
            list(map(self.is_main.__getitem__, main)),
            *map(stated, (*texts, *hide(address, shown=shown))),
        ]

    def accept(self, cells: Sequence[list[bytes]]) -> None:
        self.numbers.expect(cells[0])


class Mergers(Layout):
    """FusionScissions: the other enterprise has an NEQ only when it is registered in Québec."""

    file = File.MERGERS
    columns = ("NEQ", "DAT_EFCTVT", "COD_RELA_ASSUJ", "NEQ_ASSUJ_REL", "DENOMN_SOC")
    table = "registry_link"
    texts = ("kind", "code", "other_neq", "other_name", "place")
    targets = ("neq", "effective_on", *texts)

    def __init__(self, *, numbers: Numbers) -> None:
        self.numbers = numbers
        self.days = Days()

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        numbers, days, codes, others, names = cells
        self.numbers.check([other for other in others if other not in NOT_STATED], column="NEQ_ASSUJ_REL")
        count = len(numbers)
        effective = judged([days], shapes=[self.days], names=["DAT_EFCTVT"])[0]
        yield [numbers, effective, [b"merger"] * count, *map(stated, (codes, others, names)), [b""] * count]

    def accept(self, cells: Sequence[list[bytes]]) -> None:
        self.numbers.expect(cells[0])


class Continuations(Mergers):
    """ContinuationsTransformations: from the law of elsewhere, or from another form."""

    file = File.CONTINUATIONS
    is_first = False
    columns = ("NEQ", "DAT_EFCTVT", "COD_TYP_CHANG", "AUTR_REGIM_JURI", "NOM_LOCLT")

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        numbers, days, codes, regimes, places = cells
        count, empty = len(numbers), [b""] * len(numbers)
        effective = judged([days], shapes=[self.days], names=["DAT_EFCTVT"])[0]
        where = [place if regime in NOT_STATED else regime for regime, place in zip(regimes, places, strict=True)]
        yield [numbers, effective, [b"continuation"] * count, *map(stated, (codes, empty, empty, where))]


class Labels(Layout):
    """DomaineValeur: what the codes mean."""

    file = File.LABELS
    columns = ("TYP_DOM_VAL", "COD_DOM_VAL", "VAL_DOM_FRAN")
    table = "registry_label"
    texts = targets = ("kind", "code", "text")

    def convert(self, cells: Sequence[list[bytes]], *, block: Block) -> Iterator[list[Column]]:
        for name, column in zip(self.columns[:2], cells[:2], strict=True):
            if max(map(len, column)) > LONGEST_CODE:
                raise Unfit("too_long", column=name, value=column[0], known=str(LONGEST_CODE))
        yield list(cells)


def hide(address: Sequence[list[bytes]], *, shown: Column) -> Sequence[list[bytes]]:
    """The lines of the addresses, emptied in place where the register hides them."""
    if HIDDEN in shown:
        hidden = [place for place, is_shown in enumerate(shown) if is_shown == HIDDEN]
        for lines in address:
            for place in hidden:
                lines[place] = b""
    return address


def named(names: Column, *, column: str) -> list[bytes]:
    """Their search keys; Unfit when one is no name, or too long to be found."""
    lengths = set(map(len, names))
    if (lengths & {0, 1}) and not set(names).isdisjoint(NOT_STATED):
        raise Unfit("empty", column=column, value=names[0])
    keys = fold_all(names)
    if max(lengths) > LONGEST_NAME or max(map(len, keys)) > LONGEST_NAME:
        raise Unfit("too_long", column=column, value=names[0], known=str(LONGEST_NAME))
    return keys


def stated(column: Column) -> Column:
    """The texts of a column, empty for a dash."""
    return [b"" if cell == DASH else cell for cell in column] if DASH in column else column
