"""A made-up register as the registrar publishes it: its ZIP, its six files, the widths of the real ones.

Deterministic, with no real enterprise in it. Edition 2 is edition 1 a fortnight later.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import batched
from pathlib import Path

from stdnum import luhn

ENTERPRISES = int(os.environ.get("BENCH_ENTERPRISES", "3000000"))
# Sole proprietors are many; of a hundred in a row, how each number begins.
PREFIXES = ["11"] * 50 + ["22"] * 41 + ["33"] * 8 + ["88"]
STATUSES = ["IM"] * 34 + ["RD"] * 24 + ["RO"] * 20 + ["RX"] * 19 + ["NI"] * 2 + ["AI"]
FORMS = {"11": "CIE", "22": "IND", "33": "SENC", "88": "ADM"}
ENTERPRISE = (
    "NEQ,IND_FAIL,DAT_IMMAT,COD_REGIM_JURI,COD_INTVAL_EMPLO_QUE,DAT_CESS_PREVU,COD_STAT_IMMAT,COD_FORME_JURI,"
    "DAT_STAT_IMMAT,COD_REGIM_JURI_CONSTI,DAT_DEPO_DECLR,AN_DECL,AN_PROD,DAT_LIMIT_PROD,AN_PROD_PRE,"
    "DAT_LIMIT_PROD_PRE,DAT_MAJ_INDEX_NOM,COD_ACT_ECON_CAE,NO_ACT_ECON_ASSUJ,DESC_ACT_ECON_ASSUJ,COD_ACT_ECON_CAE2,"
    "NO_ACT_ECON_ASSUJ2,DESC_ACT_ECON_ASSUJ2,NOM_LOCLT_CONSTI,DAT_CONSTI,IND_CONVEN_UNMN_ACTNR,IND_RET_TOUT_POUVR,"
    "IND_LIMIT_RESP,DAT_DEB_RESP,DAT_FIN_RESP,OBJET_SOC,NO_MTR_VOLONT,ADR_DOMCL_ADR_DISP,ADR_DOMCL_LIGN1_ADR,"
    "ADR_DOMCL_LIGN2_ADR,ADR_DOMCL_LIGN3_ADR,ADR_DOMCL_LIGN4_ADR"
)
NAME = "NEQ,NOM_ASSUJ,NOM_ASSUJ_LANG_ETRNG,STAT_NOM,TYP_NOM_ASSUJ,DAT_INIT_NOM_ASSUJ,DAT_FIN_NOM_ASSUJ"
ESTABLISHMENT = (
    "NEQ,NO_SUF_ETAB,IND_ETAB_PRINC,IND_SALON_BRONZ,IND_VENTE_TABAC_DETL,IND_DISP,LIGN1_ADR,LIGN2_ADR,LIGN3_ADR,"
    "LIGN4_ADR,COD_ACT_ECON,DESC_ACT_ECON_ETAB,NO_ACT_ECON_ETAB,COD_ACT_ECON2,DESC_ACT_ECON_ETAB2,NO_ACT_ECON_ETAB2,"
    "NOM_ETAB"
)
MERGER = "NEQ,NEQ_ASSUJ_REL,DENOMN_SOC,COD_RELA_ASSUJ,DAT_EFCTVT,IND_DISP,LIGN1_ADR,LIGN2_ADR,LIGN3_ADR,LIGN4_ADR"
CONTINUATION = "NEQ,COD_TYP_CHANG,COD_REGIM_JURI,AUTR_REGIM_JURI,NOM_LOCLT,DAT_EFCTVT"
LABEL = "TYP_DOM_VAL,COD_DOM_VAL,VAL_DOM_FRAN"
LABELS = [
    *("STAT_IMMAT,IM,Immatriculée", "STAT_IMMAT,RO,Radiée d'office", "FORM_JURI,CIE,Société par actions ou compagnie"),
    *("FORM_JURI,IND,Entreprise individuelle", "FORM_JURI,SENC,Société en nom collectif", "RELA_ASSUJ,FO,Fusion"),
    *(
        f'ACT_ECON,{code},"Activité numéro {code}, et ce qui s’y rattache de près ou de loin"'
        for code in range(1, 1200)
    ),
]


def words(text: str) -> list[str]:
    return text.split(",")


TRADES = words(
    "CONSTRUCTION,TRANSPORT,GESTION,PLACEMENTS,LES ENTREPRISES,RESTAURANT,GARAGE,EXCAVATION,TOITURES,ÉLECTRICITÉ,"
    "PLOMBERIE,LOCATION,IMMEUBLES,BOULANGERIE,COIFFURE,AMÉNAGEMENTS,RÉNOVATIONS,PEINTURE,DISTRIBUTION,SERVICES,"
    "CLINIQUE,PHARMACIE,ÉDITIONS,PRODUCTIONS,FERME,ÉRABLIÈRE,PISCINES,MEUBLES,TRAITEUR,ATELIER,LES AMIS DE,"
    "ASSOCIATION,COOPÉRATIVE,CENTRE,CLUB,ÉCOLE,LES SERRES,MÉCANIQUE,SOUDURE,USINAGE"
)
PLACES = words(
    "Laval,Québec,Montréal,Lévis,Gatineau,Trois-Rivières,Saguenay,Sherbrooke,Rimouski,Joliette,Saint-Jérôme,Granby,"
    "Sept-Îles,Rouyn-Noranda,Val-d’Or,La Tuque,Saint-Hyacinthe,Victoriaville,Magog,Alma,Matane,Gaspé,Amos,Sorel-Tracy"
)
HEADS = words(
    "Tre,Gau,Bel,Mor,Lan,Des,Vil,Char,Per,Du,Gi,Ro,Ga,La,Bou,Cô,Ber,Si,For,Pel,Mar,Fon,Ri,Cho,Pa,Thi,Bris,Val"
)
MIDDLES = words("mon,ta,vi,ri,ne,li,bau,ce,ran,tan,gue,ro,che,de,te,ni,lle,ve,sa,bi,lo,ci,ga,du")
TAILS = words("blay,gnon,dois,rin,vin,leau,quette,nière,let,chand,tier,ault,zon,court,main,ville,mont,pré,son,dy")
STREETS = words(
    "rue du Quai,boul. des Laurentides,rue Saint-Paul,ch. de la Rivière,av. des Érables,rang 4 Est,mtée Masson"
)
ACTIVITIES = words(
    "Construction de bâtiments résidentiels,Transport général de marchandises,Gestion immobilière,Entretien ménager,"
    "Société de portefeuille,Restauration avec permis,Services de conseil en gestion d’entreprise,Location d’outils"
)
FIRST_DAY = date(1994, 1, 3)
STRIDE = 7919  # a prime: each property of a record has a rhythm of its own


@cache
def day(number: int) -> str:
    """One of the working days since the register was opened."""
    return (FIRST_DAY + timedelta(days=number % 11000)).isoformat()


@cache
def check_sum(digits: str) -> int:
    """Luhn's sum of digits of which the last is doubled, the one before not, and so on."""
    return luhn.checksum(digits + "0")


def neq_of(number: int) -> str:
    """A valid NEQ of its own for each number, below 6 millions."""
    head, tail = divmod(4_000_000 + number, 10_000)
    total = check_sum(f"{head:03}") + check_sum(f"{tail:04}")
    return f"{PREFIXES[number % 100]}{head:03}{tail:04}{-total % 10}"


def mixed(number: int) -> int:
    """A number without visible relation to the first: what follows must not follow in the alphabet."""
    return number * 2_654_435_761 % 4_294_967_291


def surname(number: int) -> str:
    """One of some thirteen thousand made-up surnames."""
    return HEADS[number % 28] + MIDDLES[number // 28 % 24] + TAILS[number // 672 % 20]


def company(number: int) -> str:
    """A name as companies have: numbered, or a trade, a surname or two, a place, a form."""
    kind, number = number % 10, mixed(number)
    if kind < 3:
        return f"9{number % 1000:03}-{number // 1000 % 10000:04} QUÉBEC INC."
    trade, name, place = TRADES[number % 40], surname(number // 40).upper(), PLACES[number // 700_000 % 24].upper()
    if kind < 6:
        return f"{trade} {name} INC." if number % 101 else f'{trade} "CHEZ {name}" INC.'
    if kind < 8:
        return f"{trade} {place} {name} LTÉE"
    if kind == 8:
        return f"{name}, {surname(number // 3).upper()} & ASSOCIÉS S.E.N.C.R.L."
    return f"{trade} {surname(number // 5)} et {surname(number // 11)}, de {PLACES[number % 24]}"


def status_of(number: int, *, edition: int) -> str:
    """Some are struck off in the second edition."""
    status = STATUSES[number * STRIDE // 100 % 100]
    return "RO" if edition > 1 and status == "IM" and number % 150 == 7 else status


def quoted(text: str) -> str:
    if '"' in text:
        text = text.replace('"', '""')
    return f'"{text}"' if "," in text or '"' in text else text


def enterprise_lines(n: int, *, edition: int) -> str:
    """The record of Entreprise.csv, some 215 bytes."""
    status = status_of(n, edition=edition)
    has_moved = edition > 1 and n % 130 == 3
    door, place = 1 + n * 7 % 9800 + has_moved, PLACES[n // 3 % 24]
    address = f"{door} {STREETS[n % 7]},{place} (Québec),,H{n % 10}A{n // 10 % 10}B{n // 100 % 10}"
    if n % 9 == 0:
        address = f"{door} {STREETS[n % 7]},bureau {n % 900},{place} (Québec) Canada,G{n % 10}X{n // 10 % 10}T{n % 7}"
    purpose = "" if n % 40 else f'"Exploiter toute entreprise utile,\nnotamment « {n} »,\net placer ses fonds"'
    is_shown = "N" if n % 31 == 0 else "O"
    if n % 7 == 0:
        address = ",,,"
    return (
        f"{neq_of(n)},N,{day(n)},{'LSAQ' if n % 3 else 'LCSA'},{'ABCDO'[n % 5]},{'' if n % 500 else '2030-01-31'},"
        f"{status},{FORMS[PREFIXES[n % 100]]},{day(n * 3 + edition if status == 'RO' else n * 3)},"
        f"{'QC' if n % 4 else 'CA'},{day(n * 5)},{2010 + n % 16},{2011 + n % 15},{day(n * 7)},{2009 + n % 16},,"
        f"{day(n * 13)},{1000 + n % 8999},0,{quoted(ACTIVITIES[n % 8] + (', gros et détail' if n % 6 == 0 else ''))},"
        f"{',,' if n % 9 else f'{1000 + n * 3 % 8999},0,{ACTIVITIES[n // 8 % 8]}'},"
        f"{place if n % 5 == 0 else ''},{day(n)},N,N,N,,,{purpose},,{is_shown},{address}\n"
    )


def name_lines(n: int, *, edition: int) -> str:
    """The records of Nom.csv of one enterprise: none for some sole proprietors, else one to five, some 64 bytes."""
    if PREFIXES[n % 100] == "22" and n * STRIDE % 100 < 18:
        return ""
    neq, state = neq_of(n), "V" if status_of(n, edition=edition) in {"IM", "NI", "AI"} else "A"
    until = "" if state == "V" else day(n * 3)
    renamed = n + 1 if edition > 1 and n % 170 == 5 and state == "V" else n
    foreign = f"{surname(n)} Holdings Ltd." if n % 12 == 0 else ""
    lines = [f"{neq},{quoted(company(renamed))},{foreign},{state},N,{day(n)},{until}\n"]
    if renamed != n:
        lines.append(f"{neq},{quoted(company(n))},,A,N,{day(n)},2026-11-01\n")
    lines += [f"{neq},{quoted(company(n + 1000 * k))},,{'VA'[k % 2]},A,{day(n + k)},\n" for k in range(n % 16 // 11)]
    if n % 3 == 0:
        lines.append(f"{neq},{quoted(company(n * 3))},,A,M,{day(n)},{day(n * 2)}\n")
    return "".join(lines)


def establishment_lines(n: int, *, edition: int) -> str:
    """The records of Etablissements.csv: a main one for one enterprise in twelve, some 150 bytes."""
    if n % 12:
        return ""
    place = PLACES[n // 3 % 24]
    return (
        f"{neq_of(n)},1,O,N,N,O,{1 + n * 7 % 9800} {STREETS[n % 7]},{place} (Québec),,H{n % 10}A1B{n % 7},"
        f"{1000 + n % 8999},{ACTIVITIES[n % 8]} et autres,0,,,,{quoted(company(n * 3))}\n"
    )


def merger_lines(n: int, *, edition: int) -> str:
    """A merger for one enterprise in a hundred and fifty; one more in the second edition for some."""
    known = f"{neq_of(n)},{neq_of(n + 1)},{quoted(company(n + 1))},FO,{day(n)},O,,,,\n" if n % 150 == 1 and n else ""
    if edition > 1 and n % 3000 == 2:
        return known + f"{neq_of(n)},{neq_of(n + 3)},{quoted(company(n + 3))},FO,2026-11-10,O,,,,\n"
    return known


def continuation_lines(n: int, *, edition: int) -> str:
    return f"{neq_of(n)},CONT,LSAQ,,{PLACES[n % 24]},{day(n)}\n" if n % 90 == 0 else ""


FILES: dict[str, tuple[str, Callable[..., str]]] = {
    "Entreprise.csv": (ENTERPRISE, enterprise_lines),
    "Nom.csv": (NAME, name_lines),
    "Etablissements.csv": (ESTABLISHMENT, establishment_lines),
    "FusionScissions.csv": (MERGER, merger_lines),
    "ContinuationsTransformations.csv": (CONTINUATION, continuation_lines),
}


def write_register(path: Path, *, enterprises: int = ENTERPRISES, edition: int = 1) -> Path:
    """Write the ZIP of an edition, dated 2026-11-01 or 2026-11-15."""
    published = (2026, 11, 1 if edition == 1 else 15, 6, 0, 0)
    numbers = range(enterprises + (enterprises // 400 if edition > 1 else 0))
    with zipfile.ZipFile(path, "w") as archive:
        for name, (header, lines_of) in FILES.items():
            entry = zipfile.ZipInfo(name, published)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                member.write(f"\ufeff{header}\n".encode())
                for some in batched(numbers, 2000):
                    member.write("".join([lines_of(number, edition=edition) for number in some]).encode())
        entry = zipfile.ZipInfo("DomaineValeur.csv", published)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, "\ufeff" + "\n".join([LABEL, *LABELS, ""]))
    return path
