"""The words of company names in Québec: legal forms, small words, French and English, and what tells little.

All are keys as `names.fold` makes them. How names are compared does not belong here.
"""

from __future__ import annotations

# A form may be written in full or short: Canada Business Corporations Act, s. 10(1); the partnerships of the Civil Code
# and of the Professional Code (s. 187.13) do the same. One code a form, in every spelling of both languages.
SPELLINGS = {
    "inc": "inc|incorporee|incorpore|incorporated",
    "ltee": "ltee|lte|limitee|ltd|limited",
    "corp": "corp|corporation",
    "cie": "cie|co|compagnie|company",
    "sa": "sa|societe par actions",
    "sarf": "sarf|societe par actions de regime federal",
    "senc": "senc|societe en nom collectif|general partnership",
    "sencrl": "sencrl|srl|llp|societe en nom collectif a responsabilite limitee|societe a responsabilite limitee"
    "|limited liability partnership",
    "sec": "sec|lp|societe en commandite|limited partnership",
    "llc": "llc|limited liability company",
    "ulc": "ulc|sri|societe a responsabilite illimitee|unlimited liability company",
    "enr": "enr|enrg|enreg|enregistre|enregistree|regd|reg d|registered",
}
FORMS = {tuple(spelling.split()): code for code, line in SPELLINGS.items() for spelling in line.split("|")}
# A name may open with these; another form at its beginning is a word ("Limited Edition").
OPENING_FORMS = frozenset({"compagnie", "company"})
# Written with dots they run into an initial before them: "Fonds A. S.E.C.". Shorter ones are also ends of initials.
DOTTED_FORMS = ("sencrl", "senc", "sarf", "sec", "srl", "llp", "ulc", "llc")

# Articles, and the conjunction with its signs, do not tell a name from another: Regulation respecting the names of
# companies (CQLR, S-31.1, r. 1.02), s. 2, par. 2 and 3. "The" and "of" are theirs in English.
# Elided ones only with their apostrophe: a letter alone is an initial.
ELIDED = frozenset({"l'", "d'"})
SMALL_WORDS = ELIDED.union(
    ("le", "la", "les", "un", "une", "au", "aux", "du", "de", "des", "the", "of", "et", "and", "&", "+")
)

# One meaning in company names, the first word standing for the others: each was kept because no company uses it for
# something else in the other language. Number is kept apart where both languages tell it.
GROUPS = """
    saint st|sainte ste|saints sts|saintes stes|coop cooperative cooperatif|quebec qc|montreal mtl
    entreprise enterprise|entreprises enterprises|groupe group|gestion management|investissement investment
    investissements investments|immobilier realty|produits products|equipement equipment|equipements equipments
    systeme system|systemes systems|technologie technology|laboratoire laboratory lab|laboratoires laboratories labs
    centre center|freres brothers bros|fils sons|associes associates|international internationale
    canadien canadienne canadian|assurance assurances insurance|fondation foundation|pharmacie pharmacy
    boulangerie bakery|clinique clinic|plomberie plumbing|toiture toitures roofing|electrique electric electrical
    location locations rental rentals|nettoyage cleaning|paysagement landscaping|chauffage heating|peinture painting
    soudure welding|imprimerie printing|securite security|energie energy|publicite advertising|logiciels software
    batiment building|batiments buildings|ecole school|eglise church|paroisse parish|ferme farm|fermes farms
    traiteur catering|voyages travel|dentaire dental|meubles furniture|recherche research|developpement development
    nord north|sud south|ouest west
""".strip().replace("\n", "|")
SYNONYMS: dict[tuple[str, ...], str] = {
    (other,): word for word, *others in (group.split() for group in GROUPS.split("|")) for other in others
} | {
    ("co", "op"): "coop",
    ("co", "operative"): "coop",
    ("real", "estate"): "immobilier",
}
# Forms and synonyms of several words: how long they may be, from the longest down, by the word they begin with.
LONG = {words for words in (*FORMS, *SYNONYMS) if len(words) > 1}
RUNS = {first: sorted({len(run) for run in LONG if run[0] == first}, reverse=True) for first, *_rest in LONG}

# Where a company may be numbered: the same number elsewhere is another company.
JURISDICTIONS = frozenset({"quebec", "canada", "ontario", "alberta", "manitoba", "saskatchewan"})

# What many companies share tells little: the words "without determining character" of s. 2, par. 9, trades, places.
TELLING_LITTLE = """
    association compagnie entreprise entreprises personne morale societe corporation organisme groupe coop club centre
    construction constructions gestion gestions service services immobilier immobiliere immeuble immeubles
    investissement investissements placement placements transport transports restaurant garage ferme fermes fondation
    plomberie electrique electricite toiture renovation location distribution distributions
    equipement equipements industrie industries technologie technologies solution solutions systeme systemes
    consultant consultants conseil conseils clinique pharmacie assurance international holding holdings
    production productions produits communication communications studio atelier ateliers excavation paysagement peinture
    nettoyage entretien design media marketing developpement developpements habitation habitations syndicat copropriete
    fiducie ecole eglise paroisse residence residences magasin boutique salon boulangerie epicerie marche chauffage
    fils freres associes quebec canada montreal laval gatineau longueuil nord sud est ouest
"""
GENERIC = frozenset(TELLING_LITTLE.split())
