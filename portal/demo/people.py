"""Who is in the demo: merchants, branches, customers and the accounts of INTERFACE. Data only."""

from __future__ import annotations

from typing import NamedTuple

from organizations.models import Customer
from organizations.permissions import Role

BOREAL = {
    "slug": "boreal",
    "name": "Location Boréal",
    "legal_name": "Location d’équipement Boréal inc.",
    "is_default": True,
    "hue": 165,
    "website": "https://www.boreal.example",
    "email": "ouverture@boreal.example",
    "phone": "+14505550134",
    "phone_extension": "10435",
    "privacy_officer": "Directrice des affaires juridiques",
    "privacy_email": "vieprivee@boreal.example",
    "gst_number": "808437370 RT 0001",
    "qst_number": "1224002901 TQ 0001",
    "address_line1": "2450, boulevard Industriel",
    "city": "Laval",
    "province": "QC",
    "postal_code": "H7S 1P5",
}
RIVIERE = {
    "slug": "riviere",
    "name": "Club Rivière",
    "legal_name": "Club nautique de la Rivière inc.",
    "hue": 240,
    "website": "https://www.riviere.example",
    "email": "adhesion@riviere.example",
    "phone": "+18195550177",
    "phone_extension": "220",
    "privacy_officer": "Directeur général",
    "privacy_email": "vieprivee@riviere.example",
    "gst_number": "808437370 RT 0002",
    "qst_number": "1214326422 TQ 0001",
    "address_line1": "15, chemin du Quai",
    "city": "Trois-Rivières",
    "province": "QC",
    "postal_code": "G8Z 4K2",
}


class Counter(NamedTuple):
    code: str
    name: str
    address_line1: str
    city: str
    postal_code: str
    phone: str


BRANCHES = {
    "boreal": [
        Counter("laval", "Laval", "2450, boulevard Industriel", "Laval", "H7S 1P5", "+14505550134"),
        Counter("longueuil", "Longueuil", "780, rue Saint-Laurent Ouest", "Longueuil", "J4H 1M6", "+14505550156"),
        Counter("quebec", "Québec", "3200, avenue Watt", "Québec", "G1X 4P7", "+14185550181"),
        Counter("sherbrooke", "Sherbrooke", "1125, rue King Est", "Sherbrooke", "J1G 1E5", "+18195550122"),
        Counter("saguenay", "Saguenay", "560, boulevard Talbot", "Saguenay", "G7H 4A1", "+14185550149"),
    ],
    "riviere": [
        Counter("quai", "Quai principal", "15, chemin du Quai", "Trois-Rivières", "G8Z 4K2", "+18195550177"),
    ],
}


class Account(NamedTuple):
    """A customer of the demo; `email` is the contact address of individuals and non-member businesses."""

    merchant: str
    number: str
    kind: str
    name: str
    address_line1: str
    city: str
    postal_code: str
    email: str = ""
    language: str = "fr-ca"
    neq: str = ""
    terms_days: int = 0
    credit_limit: int | None = None


MEMBER, BUSINESS, INDIVIDUAL = Customer.Kind.MEMBER, Customer.Kind.BUSINESS, Customer.Kind.INDIVIDUAL

CAST = [
    Account("boreal", "10482", MEMBER, "Acme Construction inc.", "1200, rue Notre-Dame Est", "Montréal", "H2L 2R5",
            neq="1170000005", terms_days=30, credit_limit=25_000),
    Account("boreal", "10977", MEMBER, "Globex ltée", "88, rue Marconi", "Longueuil", "J4G 2B9",
            neq="3370000005", terms_days=30, credit_limit=40_000, language="en-ca"),
    Account("boreal", "20001", INDIVIDUAL, "Inès Lavoie", "41, avenue des Érables", "Laval", "H7N 2K3",
            "ines@example.org"),
    Account("boreal", "30001", BUSINESS, "Rénovations Noname", "7, rue du Parc", "Boucherville", "J4B 5K9",
            "nadia@noname.example", neq="2270000005", terms_days=15),
    Account("boreal", "20002", INDIVIDUAL, "Maxime Nouveau", "302, rue Principale", "Sherbrooke", "J1H 4N8",
            "nouveau@example.org"),
    Account("riviere", "M-0007", INDIVIDUAL, "Inès Lavoie", "41, avenue des Érables", "Laval", "H7N 2K3",
            "ines@example.org"),
    Account("riviere", "M-0012", BUSINESS, "Excursions du Fleuve", "3, rue des Forges", "Trois-Rivières", "G9A 2H3",
            "info@excursions.example", terms_days=15),
]  # fmt: skip

COMPANIES = [
    ("Toitures Gauthier et fils inc.", "Laval"), ("Excavation Beauchemin ltée", "Mirabel"),
    ("Maçonnerie Saint-Jean inc.", "Saint-Jean-sur-Richelieu"), ("Charpentes du Fjord inc.", "Saguenay"),
    ("Pavages Rive-Sud inc.", "Brossard"), ("Électricité Morin et associés", "Québec"),
    ("Plomberie Lachance inc.", "Lévis"), ("Paysages Verdure s.e.n.c.", "Terrebonne"),
    ("Démolition Fortin inc.", "Montréal"), ("Coffrages Estrie inc.", "Sherbrooke"),
    ("Peinture Arc-en-ciel enr.", "Longueuil"), ("Isolation Boréale inc.", "Rimouski"),
    ("Aménagements Côté inc.", "Gatineau"), ("Structures Bélanger ltée", "Drummondville"),
    ("Ponts et Chaussées Leduc inc.", "Trois-Rivières"), ("Ventilation Pro-Air inc.", "Saint-Jérôme"),
    ("Béton Mauricie inc.", "Shawinigan"), ("Vitrerie du Vieux-Port", "Québec"),
    ("Clôtures Desjardins et frères", "Granby"), ("Acier Tremblay inc.", "Saguenay"),
    ("Événements Grande-Allée inc.", "Québec"), ("Festival des Lumières", "Montréal"),
]  # fmt: skip
INDIVIDUALS = [
    ("Jean-François Bélanger", "Laval"), ("Marie-Ève Bergeron", "Longueuil"), ("Louis Caron", "Lévis"),
    ("Sophie Deschênes", "Sherbrooke"), ("Martin Fournier", "Saguenay"), ("Chantal Giroux", "Québec"),
    ("Patrick Hébert", "Boucherville"), ("Isabelle Lefebvre", "Blainville"), ("Étienne Nadeau", "Magog"),
    ("Julie Ouellet", "Chicoutimi"), ("Réjean Poirier", "Repentigny"), ("Karine Simard", "Beauport"),
]  # fmt: skip
STREETS = [
    "rue Principale",
    "boulevard Taschereau",
    "chemin du Lac",
    "rue Saint-Joseph",
    "avenue du Pont",
    "rang Double",
]


class Login(NamedTuple):
    """A demo account: who, and of which customers in which role."""

    email: str
    first_name: str
    last_name: str
    roles: tuple[tuple[str, Role], ...] = ()
    language: str = "fr-ca"
    serves: str = ""
    is_superuser: bool = False


LOGINS = [
    Login("alice@acme.example", "Alice", "Tremblay", (("10482", Role.ADMINISTRATOR),)),
    Login("bob@acme.example", "Bob", "Gagnon", (("10482", Role.EDITOR),)),
    Login("rita@acme.example", "Rita", "Côté", (("10482", Role.VISITOR),)),
    Login(
        "charlie@globex.example",
        "Charlie",
        "Roy",
        (("10977", Role.ADMINISTRATOR), ("10482", Role.ACCOUNTANT)),
        language="en-ca",
    ),
    Login("ines@example.org", "Inès", "Lavoie"),
    Login("nadia@noname.example", "Nadia", "Bouchard"),
    Login("sam@boreal.example", "Sam", "Pelletier", serves="boreal"),
    Login("zoe@riviere.example", "Zoé", "Fortin", serves="riviere"),
    Login("root@comptoir.example", "Racine", "Comptoir", is_superuser=True),
]
