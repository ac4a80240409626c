"""A small register as the registrar publishes it: rows written in the test, every column there, its ZIP and its import.

The NEQs are made: they belong to nobody.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from django.core.management import call_command
from django.utils import translation
from stdnum import luhn

from tests.imports import Outcome

HEADERS = {
    "Entreprise.csv": (
        "NEQ,IND_FAIL,DAT_IMMAT,COD_REGIM_JURI,COD_INTVAL_EMPLO_QUE,DAT_CESS_PREVU,COD_STAT_IMMAT,COD_FORME_JURI,"
        "DAT_STAT_IMMAT,COD_REGIM_JURI_CONSTI,DAT_DEPO_DECLR,AN_DECL,AN_PROD,DAT_LIMIT_PROD,AN_PROD_PRE,"
        "DAT_LIMIT_PROD_PRE,DAT_MAJ_INDEX_NOM,COD_ACT_ECON_CAE,NO_ACT_ECON_ASSUJ,DESC_ACT_ECON_ASSUJ,"
        "COD_ACT_ECON_CAE2,NO_ACT_ECON_ASSUJ2,DESC_ACT_ECON_ASSUJ2,NOM_LOCLT_CONSTI,DAT_CONSTI,IND_CONVEN_UNMN_ACTNR,"
        "IND_RET_TOUT_POUVR,IND_LIMIT_RESP,DAT_DEB_RESP,DAT_FIN_RESP,OBJET_SOC,NO_MTR_VOLONT,ADR_DOMCL_ADR_DISP,"
        "ADR_DOMCL_LIGN1_ADR,ADR_DOMCL_LIGN2_ADR,ADR_DOMCL_LIGN3_ADR,ADR_DOMCL_LIGN4_ADR"
    ),
    "Nom.csv": "NEQ,NOM_ASSUJ,NOM_ASSUJ_LANG_ETRNG,STAT_NOM,TYP_NOM_ASSUJ,DAT_INIT_NOM_ASSUJ,DAT_FIN_NOM_ASSUJ",
    "Etablissements.csv": (
        "NEQ,NO_SUF_ETAB,IND_ETAB_PRINC,IND_SALON_BRONZ,IND_VENTE_TABAC_DETL,IND_DISP,LIGN1_ADR,LIGN2_ADR,LIGN3_ADR,"
        "LIGN4_ADR,COD_ACT_ECON,DESC_ACT_ECON_ETAB,NO_ACT_ECON_ETAB,COD_ACT_ECON2,DESC_ACT_ECON_ETAB2,"
        "NO_ACT_ECON_ETAB2,NOM_ETAB"
    ),
    "FusionScissions.csv": (
        "NEQ,NEQ_ASSUJ_REL,DENOMN_SOC,COD_RELA_ASSUJ,DAT_EFCTVT,IND_DISP,LIGN1_ADR,LIGN2_ADR,LIGN3_ADR,LIGN4_ADR"
    ),
    "ContinuationsTransformations.csv": "NEQ,COD_TYP_CHANG,COD_REGIM_JURI,AUTR_REGIM_JURI,NOM_LOCLT,DAT_EFCTVT",
    "DomaineValeur.csv": "TYP_DOM_VAL,COD_DOM_VAL,VAL_DOM_FRAN",
}
PUBLISHED = (2026, 11, 1)


def neq_of(number: int, *, prefix: str = "11") -> str:
    """A valid NEQ, another one for each number below ten millions."""
    body = f"{number:07}"
    return prefix + body + luhn.calc_check_digit(body)


def enterprise(neq: str, status: str = "IM", **cells: str) -> dict[str, str]:
    stated = {"DAT_IMMAT": "1998-05-04", "DAT_STAT_IMMAT": "1998-05-04", "COD_FORME_JURI": "CIE", "IND_FAIL": "N"}
    address = {
        "ADR_DOMCL_ADR_DISP": "O",
        "ADR_DOMCL_LIGN1_ADR": "1 rue du Quai",
        "ADR_DOMCL_LIGN2_ADR": "Laval (Québec)",
    }
    return {"NEQ": neq, "COD_STAT_IMMAT": status, **stated, **address, "ADR_DOMCL_LIGN4_ADR": "H7A0A1", **cells}


def name(neq: str, text: str = "Noname inc.", state: str = "V", kind: str = "N", **cells: str) -> dict[str, str]:
    return {
        "NEQ": neq, "NOM_ASSUJ": text, "STAT_NOM": state, "TYP_NOM_ASSUJ": kind,
        "DAT_INIT_NOM_ASSUJ": "1998-05-04", **cells,
    }  # fmt: skip


def merger(neq: str, other: str = "", called: str = "", on: str = "2026-10-30") -> dict[str, str]:
    return {"NEQ": neq, "NEQ_ASSUJ_REL": other, "DENOMN_SOC": called, "COD_RELA_ASSUJ": "FO", "DAT_EFCTVT": on}


def text_of(file: str, rows: Iterable[dict[str, str]]) -> str:
    """The CSV of one file, with its BOM."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.DictWriter(out, HEADERS[file].split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_zip(path: Path, members: dict[str, str | bytes], *, published: tuple[int, int, int] = PUBLISHED) -> Path:
    """A ZIP of these members, dated."""
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, (*published, 6, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def write_register(
    path: Path,
    enterprises: Iterable[dict[str, str]],
    names: Iterable[dict[str, str]] | None = None,
    *,
    published: tuple[int, int, int] = PUBLISHED,
    **others: Iterable[dict[str, str]],
) -> Path:
    """A ZIP with all six files; each enterprise has a name unless `names` says otherwise."""
    enterprises = list(enterprises)
    rows = {
        "Entreprise.csv": enterprises,
        "Nom.csv": [name(row["NEQ"], f"Noname {row['NEQ']} inc.") for row in enterprises] if names is None else names,
        "Etablissements.csv": others.get("establishments", []),
        "FusionScissions.csv": others.get("mergers", []),
        "ContinuationsTransformations.csv": others.get("continuations", []),
        "DomaineValeur.csv": others.get("labels", []),
    }
    return write_zip(path, {file: text_of(file, of_file) for file, of_file in rows.items()}, published=published)


def run(path: Path, *options: str, language: str = "fr-ca") -> Outcome:
    """Run import_registry on the ZIP."""
    rejects, out, exit_code = path.with_suffix(".rejects.csv"), io.StringIO(), 0
    try:
        with translation.override(language):
            call_command("import_registry", str(path), "--rejects", str(rejects), *options, stdout=out)
    except SystemExit as end:
        exit_code = int(end.code or 0)
    with rejects.open(encoding="utf-8", newline="") as file:
        return Outcome(summary=out.getvalue().strip(), exit_code=exit_code, rejects=list(csv.DictReader(file)))
