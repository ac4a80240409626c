"""An enterprise register that does not exist: two editions of made-up enterprises, imported by the real loader.

The numbers are valid and given to nobody; no name is that of a private person.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from registry.loader.edition import Run, load_edition
from registry.loader.layouts import Enterprises, Names
from registry.models import Edition

SINCE = "1998-05-04"


class Entry(NamedTuple):
    """An enterprise of the first edition; `after` is what the second says otherwise."""

    neq: str
    name: str = ""
    status: str = "IM"
    kind: str = "N"
    former: str = ""
    address: tuple[str, str, str] = ("", "", "")
    is_bankrupt: bool = False
    after: dict[str, str] = {}


REGISTER = [
    Entry("1170000005", "ACME CONSTRUCTION INC.", address=("1200 rue Notre-Dame E", "Montréal (Québec)", "H2L2R5")),
    Entry("3370000005", "GLOBEX LTÉE", address=("88 rue Marconi", "Longueuil (Québec)", "J4G2B9"),
          after={"status": "RD", "status_on": "2026-10-30"}),
    Entry("2270000005", "RÉNOVATIONS NONAME", kind="A", address=("7 rue du Parc", "Boucherville (Québec)", "J4B5K9")),
    Entry("1170000013", "TOITURES GAUTHIER ET FILLES INC.", address=("4 rang Double", "Laval (Québec)", "H7A0A1")),
    Entry("1170000021", "EXCAVATION BEAUCHEMIN MIRABEL LTÉE", former="EXCAVATION BEAUCHEMIN LTÉE"),
    Entry("1170000039", "CHARPENTES DU FJORD INC.", after={"name": "CHARPENTES ET STRUCTURES DU FJORD INC."}),
    Entry("1170000047", "PAVAGES RIVE-SUD INC.", status="RO"),
    Entry("1170000054", "9000-0019 QUÉBEC INC."),
    Entry("3370000013", "PAYSAGES VERDURE S.E.N.C.", is_bankrupt=True),
    Entry("2200000018"),
    Entry("8870000005", "MUNICIPALITÉ DE SAINT-EXEMPLE"),
]  # fmt: skip


def load(*, published_on: date, is_second: bool = False) -> Edition | None:
    """Write the ZIP of one edition as the registrar publishes it, and import it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registre.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Entreprise.csv", _text(Enterprises.columns, _enterprises(is_second=is_second)))
            archive.writestr("Nom.csv", _text(Names.columns, _names(is_second=is_second)))
        return load_edition(run=Run(path=path, published_on=published_on))


def _text(columns: Sequence[str], rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _enterprises(*, is_second: bool) -> list[dict[str, str]]:
    rows = []
    for entry in REGISTER:
        changed = entry.after if is_second else {}
        street, city, postal_code = entry.address
        rows.append(
            {
                "NEQ": entry.neq,
                "COD_STAT_IMMAT": changed.get("status", entry.status),
                "DAT_STAT_IMMAT": changed.get("status_on", SINCE),
                "DAT_IMMAT": SINCE,
                "IND_FAIL": "O" if entry.is_bankrupt else "N",
                "ADR_DOMCL_ADR_DISP": "O" if street else "N",
                "ADR_DOMCL_LIGN1_ADR": street,
                "ADR_DOMCL_LIGN2_ADR": city,
                "ADR_DOMCL_LIGN4_ADR": postal_code,
            }
        )
    return rows


def _names(*, is_second: bool) -> list[dict[str, str]]:
    """The names in force and the former ones; a sole proprietor's own is in no open data."""
    rows = []
    for entry in REGISTER:
        changed = entry.after.get("name", "") if is_second else ""
        former = entry.former or (entry.name if changed else "")
        if entry.name:
            rows.append(_name(entry, changed or entry.name, state="V"))
        if former:
            rows.append(_name(entry, former, state="A", until="2026-09-30"))
    return rows


def _name(entry: Entry, text: str, *, state: str, until: str = "") -> dict[str, str]:
    said = {"NEQ": entry.neq, "NOM_ASSUJ": text, "STAT_NOM": state, "TYP_NOM_ASSUJ": entry.kind}
    return {**said, "DAT_FIN_NOM_ASSUJ": until}
