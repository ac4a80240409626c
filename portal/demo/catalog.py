"""What the demo's merchants rent and sell, and at what price. Data only."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Item(NamedTuple):
    """An item with its price a unit, CAD; rentals carry the damage waiver."""

    sku: str
    description: str
    unit: str
    price: Decimal
    is_rental: bool = True


def _item(sku: str, description: str, unit: str, price: str, *, is_rental: bool = True) -> Item:
    return Item(sku, description, unit, Decimal(price), is_rental)


# A compulsory share of the rental rates, billed as a line of its own.
WAIVER_SHARE = Decimal("0.099")
WAIVER = "Exonération de dommages (9,9 % des tarifs de location)"

EQUIPMENT = [
    _item("NAC-060", "Nacelle articulée de 60 pi, diesel", "day", "395.00"),
    _item("NAC-060", "Nacelle articulée de 60 pi, diesel", "week", "1185.00"),
    _item("NAC-026", "Nacelle à ciseaux de 26 pi, électrique", "day", "165.00"),
    _item("NAC-026", "Nacelle à ciseaux de 26 pi, électrique", "week", "445.00"),
    _item("CHE-055", "Chariot télescopique de 5 500 lb", "day", "345.00"),
    _item("CHE-055", "Chariot télescopique de 5 500 lb", "week", "1095.00"),
    _item("MIN-018", "Mini-excavatrice de 1,8 t", "day", "289.00"),
    _item("MIN-018", "Mini-excavatrice de 1,8 t", "week", "985.00"),
    _item("EXC-080", "Excavatrice de 8 t, godets inclus", "week", "2250.00"),
    _item("CPR-185", "Compresseur de 185 pcm", "day", "118.00"),
    _item("MAR-090", "Marteau pneumatique de 90 lb", "day", "42.50"),
    _item("PLA-020", "Plaque vibrante de 20 po", "day", "79.00"),
    _item("ROU-042", "Rouleau compacteur double de 42 po", "week", "1240.00"),
    _item("GEN-025", "Génératrice de 25 kW sur remorque", "week", "610.00"),
    _item("CHA-150", "Chaufferette à air pulsé de 150 000 BTU", "week", "235.00"),
    _item("ECH-LOT", "Échafaudage, lot de 10 sections de 5 pi", "month", "420.00"),
    _item("SCI-014", "Scie à béton de 14 po", "day", "84.00"),
    _item("TAR-002", "Tarière mécanique à deux hommes", "day", "96.00"),
    _item("DEC-016", "Décolleuse de plancher", "day", "88.00"),
    _item("LAV-040", "Laveuse à pression de 4 000 lb/po²", "day", "92.00"),
    _item("TEN-020", "Chapiteau de 20 pi sur 40 pi, montage compris", "week", "1150.00"),
    _item("REM-012", "Remorque à benne de 12 pi", "day", "109.00"),
]
SUPPLIES = [
    _item("DIS-014", "Disque diamanté de 14 po, usure", "mm", "9.7500", is_rental=False),
    _item("CAR-DSL", "Carburant diesel", "litre", "1.8990", is_rental=False),
    _item("LIV-025", "Livraison et ramassage, rayon de 25 km", "unit", "145.00", is_rental=False),
    _item("LIV-060", "Livraison et ramassage, rayon de 60 km", "unit", "265.00", is_rental=False),
    _item("HAR-001", "Harnais de sécurité avec longe", "unit", "189.95", is_rental=False),
    _item("NET-001", "Frais de nettoyage", "hour", "65.00", is_rental=False),
]
BOATS = [
    _item("KAY-001", "Kayak de mer, simple", "day", "48.00"),
    _item("KAY-002", "Kayak de mer, double", "day", "72.00"),
    _item("CAN-016", "Canot de 16 pi", "day", "55.00"),
    _item("QUA-MOI", "Place à quai, 24 pi", "month", "310.00", is_rental=False),
]
PROJECTS = [
    "Chantier rue Notre-Dame", "Réfection du pont Viau", "Tour des Berges", "École Sainte-Famille", "Aréna municipal",
    "Complexe Desrosiers", "Lot 3, phase 2", "Résidence des Pins", "Usine de filtration", "Stationnement étagé",
]  # fmt: skip
ADVISERS = ["Marc-André Dubé", "Julie Dubois", "Stéphane Lemieux", "Annie Théberge", "Samuel Pelletier"]
REQUESTERS = ["Bob Gagnon", "Luc Morin", "Chef de chantier", "Sylvie Lapointe", "Contremaître de soir"]
