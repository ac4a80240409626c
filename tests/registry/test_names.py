"""Company names: the key they are searched by, and what a comparison of two says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.names import Verdict, best, compare, fold

NAMES = st.text(st.characters(), max_size=60)
# Names that look like names: their words meet often, with what Québec puts between and after them.
PARTS = """
    Tremblay Tremblai Acme Construction Constructions Québec Canada inc. ltée LIMITÉE s.e.n.c. S.E.C. enr. cie Saint St
    Sainte-Anne L'Ami d’Or le de & et and 9000-0019 90000027 Œuvres Micro Bird Microbird A. B. J.-P. co-op Coopérative
    Plumbing Plomberie 1999 (1999) Noël élégant société en commandite
"""
WORDS = st.sampled_from(PARTS.split())
PHRASES = st.builds(" ".join, st.lists(WORDS, max_size=7)) | NAMES


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Bombardier inc.", "bombardier inc"),
        ("COOPÉRATIVE UNIVERSITAIRE DE TROIS-RIVIÈRES", "cooperative universitaire de trois rivieres"),
        ("9000-0019 QUÉBEC INC.", "9000 0019 quebec inc"),
        ("L'Œuvre & l’Æther s.e.n.c.", "l oeuvre l aether s e n c"),
        ("  Deux\u00a0 espaces\t(et) «guillemets»  ", "deux espaces et guillemets"),
        ("Compose\u0301 ou de\u0301compose\u0301", "compose ou decompose"),
        ("Cou\u00adpe\u200dmot\ufeff", "coupemot"),
        ("Straße Ǿ Łódź İstanbul", "strasse o lodz istanbul"),
        ("Acme™ №5 ½ ² ﬁn", "acme no5 1 2 2 fin"),
        ("\x00\ud800", ""),
        ("...", ""),
    ],
)
def test_fold_keeps_letters_and_figures_only(name, key):
    assert fold(name) == key


@given(NAMES)
def test_fold_of_a_key_is_the_key(name):
    assert fold(fold(name)) == fold(name)


@given(NAMES)
def test_fold_is_blind_to_case_and_to_how_accents_are_written(name):
    key = fold(name)
    assert fold(name.lower()) == fold(name.upper()) == key
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name)) == key


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_fold_is_the_same_with_and_without_bytes(name):
    """A name beyond Latin-1 takes the slower way; what it shares with the others must not change."""
    assert fold(f"{name} ω") == f"{fold(name)} ω".strip()


LETTERS = str.maketrans("0123456789", "ghijklmnop")
SAME_NAMES = [
    ("BOMBARDIER INC.", "Bombardier inc.", (), ()),
    ("Bombardier incorporée", "Bombardier inc.", (), ()),
    ("Bombardier Incorporated", "Bombardier inc.", (), ()),
    ("Bombardier", "Bombardier inc.", ("inc.",), ()),
    ("Bombardier ltée", "Bombardier inc.", ("inc.",), ("ltée",)),
    ("Acme Ltd", "Acme limitée", (), ()),
    ("Acme LIMITED", "Acme ltée", (), ()),
    ("Acme Corp.", "Acme Corporation", (), ()),
    ("Tremblay et Cie ltée", "Tremblay & Co. Ltd.", (), ()),
    ("La Compagnie Acme", "The Acme Company", (), ()),
    ("Roy et Roy, société en nom collectif", "ROY & ROY S.E.N.C.", (), ()),
    ("Roy et Roy SENCRL", "Roy et Roy, S.E.N.C.R.L./s.r.l.", ("s.r.l.",), ()),
    ("Roy et Roy LLP", "Roy et Roy S. E. N. C. R. L.", (), ()),
    ("Fonds A, société en commandite", "FONDS A S.E.C.", (), ()),
    ("Fonds A. s.e.c.", "Fonds A Limited Partnership", (), ()),
    ("Garage Roy enr.", "Garage Roy enregistrée", (), ()),
    ("Garage Roy Reg'd", "Garage Roy enr.", (), ()),
    ("Acme ULC", "Acme, société à responsabilité illimitée", (), ()),
    ("Co-op universitaire de Trois-Rivières", "Coopérative universitaire de Trois-Rivières", (), ()),
    ("caisse desjardins de la tuque", "Caisse Desjardins de La Tuque", (), ()),
    ("Caisse Desjardins La Tuque", "Caisse Desjardins de La Tuque", (), ()),
    ("9000 0019 Quebec inc", "9000-0019 QUÉBEC INC.", (), ()),
    ("90000019 Québec incorporée", "9000-0019 QUÉBEC INC.", (), ()),
    ("1234567 Canada Ltd.", "123456-7 CANADA LTÉE", (), ()),
    ("St-Jérôme Toyota", "Saint-Jérôme Toyota", (), ()),
    ("Ste Anne Toyota", "SAINTE-ANNE TOYOTA", (), ()),
    ("Tremblay and Fils", "Tremblay & fils", (), ()),
    ("Tremblay + Roy", "Tremblay et Roy", (), ()),
    ("Les Toits du Nord", "Toits Nord", (), ()),
    ("L’Ami d'Or inc.", "L'Ami d’Or inc.", (), ()),
    ("Lami dor inc.", "L'Ami d'Or", (), ("inc.",)),
    ("D'Amour Garage enr.", "Damour Garage", (), ("enr.",)),
    ("JP Roy inc.", "J.-P. Roy inc.", (), ()),
    ("A B C Fruits", "A.B.C. Fruits", (), ()),
    ("Micro-Bird inc.", "Microbird ltée", ("ltée",), ("inc.",)),
    ("Groupe Acme Enterprises", "Group Acme entreprises", (), ()),
    ("Immobilier Roy", "Real Estate Roy", (), ()),
    ("Œuvres du Cœur", "OEUVRES DU COEUR", (), ()),
    ("Limited Edition", "Limited Edition inc.", ("inc.",), ()),
    ("Acme\u00a0\u00a0inc.", "Acme inc. ", None, None),
]


@pytest.mark.parametrize(("declared", "registered", "missing", "extra"), SAME_NAMES)
def test_compare_finds_names_that_are_the_same_but_for_form(declared, registered, missing, extra):
    found = compare(declared=declared, registered=registered)
    if missing is None:
        assert found.verdict == Verdict.EXACT
    else:
        assert (found.verdict, found.missing, found.extra) == (Verdict.SAME, missing, extra)
    assert found.score == 1


@pytest.mark.parametrize(
    ("declared", "registered", "missing", "extra"),
    [
        ("Bombadier inc.", "Bombardier inc.", ("Bombardier",), ("Bombadier",)),
        ("Constuction Tremblay", "Construction Tremblay", ("Construction",), ("Constuction",)),
        ("Tremblay", "Gestion Tremblay et fils inc.", ("Gestion", "fils", "inc."), ()),
        ("Jeanne Tremblay", "Jean Tremblay", ("Jean",), ("Jeanne",)),
        ("Tremblay Construction", "Construction Tremblay", (), ()),
        ("ABC Plumbing", "Plomberie ABC", (), ()),
        ("Construction ABC", "Construction ABC (1999)", ("1999",), ()),
        ("Caisse Desjardins de La Tuque", "Caisse populaire Desjardins de La Tuque", ("populaire",), ()),
        ("9000-0019", "9000-0019 Québec inc.", ("Québec", "inc."), ()),
        ("9000-0019 Québec inc. (Café Roy)", "9000-0019 Québec inc.", (), ("Café", "Roy")),
        ("Saint-Laurent Toyota", "Sainte-Laurent Toyota", ("Sainte",), ("Saint",)),
        ("Micro Bird Québec", "Microbird", (), ("Québec",)),
    ],
)
def test_compare_says_how_close_names_are_and_which_words_differ(declared, registered, missing, extra):
    found = compare(declared=declared, registered=registered)
    assert found.verdict == Verdict.CLOSE
    assert 0.6 <= found.score < 1
    assert (found.missing, found.extra) == (missing, extra)


@pytest.mark.parametrize(
    ("declared", "registered"),
    [
        ("Construction Tremblay", "Construction Gagnon"),
        ("Jean Tremblay", "Luc Tremblay"),
        ("Café Noir", "Café Blanc"),
        ("Bombardier inc.", "Bombardier Produits Récréatifs inc."),
        ("Studio 54", "Studio 55"),
        ("Acme", ""),
        ("!!!", "???"),
        # A company number is never nearly right.
        ("9000-0019 Québec inc.", "9000-0027 Québec inc."),
        ("9000-0019 Québec inc.", "9000-0019 Canada inc."),
        ("Québec inc.", "9000-0019 Québec inc."),
        ("Acme (9000-0019 Québec inc.)", "Acme"),
        ("123456 Canada inc.", "123457 Canada inc."),
    ],
)
def test_compare_tells_names_that_differ(declared, registered):
    found = compare(declared=declared, registered=registered)
    assert found.verdict == Verdict.DIFFERENT
    assert found.score < 0.6


def test_a_nearer_name_scores_more():
    scores = [compare(declared=name, registered="Toitures Bombardier Laval inc.").score for name in (
        "Toitures Bombardier Laval", "Toitures Bombadier Laval", "Toitures Bombardier", "Bombadier", "Roy",
    )]  # fmt: skip
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@given(PHRASES, PHRASES)
def test_comparison_is_symmetric(one, other):
    there, back = compare(declared=one, registered=other), compare(declared=other, registered=one)
    assert (there.verdict, there.score) == (back.verdict, back.score)
    assert (there.missing, there.extra) == (back.extra, back.missing)


@given(PHRASES)
def test_comparison_is_reflexive(name):
    assert compare(declared=name, registered=name).verdict == Verdict.EXACT


def without_accents(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


@given(PHRASES, PHRASES)
def test_comparison_is_blind_to_accents_and_case(one, other):
    """Only "exact" may become "same"."""
    seen = compare(declared=one, registered=other)
    blind = compare(declared=without_accents(one).upper(), registered=without_accents(other))
    exact_is_same = {Verdict.EXACT: Verdict.SAME}
    assert exact_is_same.get(blind.verdict, blind.verdict) == exact_is_same.get(seen.verdict, seen.verdict)
    assert blind.score == seen.score


@given(PHRASES)
def test_a_name_and_its_key_are_the_same(name):
    if fold(name):
        assert compare(declared=fold(name), registered=name).verdict in {Verdict.EXACT, Verdict.SAME}


@given(PHRASES, PHRASES)
def test_a_score_goes_with_its_verdict(one, other):
    found = compare(declared=one, registered=other)
    bounds = {Verdict.EXACT: (1, 1), Verdict.SAME: (1, 1), Verdict.CLOSE: (0.6, 0.95), Verdict.DIFFERENT: (0, 0.5999)}
    low, high = bounds[found.verdict]
    assert low <= found.score <= high


def test_best_takes_the_nearest_name_of_an_enterprise():
    names = ["Gestion Roy inc.", "Acme ltée", "ACME INC.", "Acme Construction inc."]
    found = best(declared="Acme inc.", registered=names)
    assert (found.registered, found.verdict, found.missing) == ("ACME INC.", Verdict.SAME, ())
    assert best(declared="Gestions Roy", registered=names).registered == "Gestion Roy inc."
    assert best(declared="Acme", registered=[]) is None


def test_a_text_that_is_no_name_is_compared_at_once():
    """Ten thousand different words on each side would take minutes if each were tried against each."""
    one, other = (" ".join(f"{start}{word:x}".translate(LETTERS) for word in range(10_000)) for start in "xy")
    assert compare(declared=one, registered=other).verdict == Verdict.DIFFERENT
    assert compare(declared="a" * 100_000, registered="ab" * 50_000).verdict == Verdict.DIFFERENT
