"""Looking an enterprise up while somebody types: what is found, in which order, and for how long."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdnum import luhn

from registry import search
from registry.loader.words import count_words
from registry.models import Enterprise, EnterpriseName
from registry.names import fold
from registry.search import suggest

pytestmark = pytest.mark.django_db
IM, RO, V, A = Enterprise.Status.REGISTERED, Enterprise.Status.STRUCK_OFF, "V", "A"


def neq_of(number: int, prefix: str = "11") -> str:
    body = f"{number:07}"
    return prefix + body + luhn.calc_check_digit(body)


def enterprise(number: int, *names: tuple[str, str], status: str = IM, city: str = "") -> str:
    """One enterprise of the register with its names and their states, the legal ones."""
    known = Enterprise.objects.create(
        neq=neq_of(number),
        status=status,
        address_line1="1 rue du Quai",
        address_line2=f"{city} (Québec)" if city else "",
    )
    for place, (text, state) in enumerate(names):
        EnterpriseName.objects.create(
            pk=100 * number + place, enterprise=known, text=text, folded=fold(text), state=state, kind="N"
        )
    return known.neq


@pytest.fixture
def acme() -> str:
    return enterprise(1, ("Acme Construction inc.", V), ("Acme Bâtiments ltée", A), city="Laval")


@pytest.fixture
def register(acme: str) -> None:
    """A few enterprises and the words of their names."""
    enterprise(2, ("Toitures Bombardier inc.", V), city="Lévis")
    enterprise(3, ("Les Toitures de Laval ltée", V))
    enterprise(4, ("Gestion Tremblay inc.", V))
    enterprise(5, ("Excavation Tremblay et fils inc.", A), status=RO)
    enterprise(6, ("9000-0019 QUÉBEC INC.", V))
    enterprise(7)
    count_words(schema="public")


def numbers(text: str, limit: int = 8) -> list[int]:
    """Which enterprises are proposed, by their number in the test."""
    return [int(found.neq[2:9]) for found in suggest(text=text, limit=limit)]


def test_suggest_shows_number_names_status_and_city(register, acme):
    [found] = suggest(text="acme bat")
    assert found == search.Suggestion(
        neq=acme, name="Acme Bâtiments ltée", legal_name="Acme Construction inc.", status=IM, city="Laval"
    )


def test_an_enterprise_is_proposed_once_by_its_likeliest_name(register):
    [found] = suggest(text="acme")
    assert found.name == "Acme Construction inc."


@pytest.mark.parametrize("shape", ["{0}{1}{2}", " {0} {1} {2} ", "{0}-{1}-{2}"])
def test_a_whole_neq_finds_its_enterprise_though_it_has_no_name(register, shape):
    number = neq_of(7)
    [found] = suggest(text=shape.format(number[:4], number[4:8], number[8:]))
    assert (found.neq, found.name, found.legal_name, found.city) == (number, "", "", "")


def test_the_beginning_of_a_neq_finds_all_that_begin_so(register):
    assert numbers("1100 000") == [1, 2, 3, 4, 5, 6, 7]
    assert numbers("1100 000", limit=3) == [1, 2, 3]
    assert numbers("2200") == []


def test_a_number_that_begins_no_neq_is_looked_for_in_names(register):
    assert numbers("9000 00") == [6]
    assert numbers("9000-0019 Québec") == [6]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # As it begins, whatever the accents, the case and the punctuation.
        ("ACME", [1]),
        ("toitures bom", [2]),
        ("gestion-tremblay INC", [4]),
        ("québec", [6]),
        # Its words in any order, the last one begun, articles and forms left aside.
        ("bombardier toi", [2]),
        ("les toitures bombardier ltée", [2]),
        ("toitures de la", [2, 3]),
        ("laval les toitures", [3]),
        # Two of them share a word: the one that begins with it comes first.
        ("toitures", [2, 3]),
        # Former names by their beginning only.
        ("excavation", [5]),
        ("tremblay", [4]),
        # Mistyped.
        ("toitures bombadier", [2]),
        ("tremblai gestion", [4]),
        ("bomardier", [2]),
        ("constuction acme", [1]),
        # Nothing like it.
        ("garage roy", []),
        ("zzzz", []),
        # Nothing to look for.
        ("a", []),
        ("", []),
        ("é", []),
        ("...", []),
        ("inc.", []),
        ("de la", []),
    ],
)
def test_suggest_finds_by_name(register, text, found):
    assert numbers(text) == found


def test_the_name_itself_comes_first_then_the_registered_then_names_in_force(db):
    enterprise(1, ("Acme Nord inc.", V), status=RO)
    enterprise(2, ("Acme Sud inc.", A), ("Zénith", V))
    enterprise(3, ("Acme Ouest international inc.", V))
    enterprise(4, ("Acme", V), status=RO)
    assert numbers("acme") == [4, 3, 2, 1]


def test_nothing_is_proposed_while_no_edition_is_loaded(db):
    assert suggest(text="acme") == suggest(text=neq_of(1)) == []


@given(st.text(max_size=40) | st.text("'\\\"%_&|!:*()<> acme09", max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_typed_is_answered(register, text):
    """No character of a text is one of SQL, of LIKE or of a text query."""
    assert all(found.neq.startswith("11") for found in suggest(text=text))


@pytest.mark.parametrize(
    ("text", "found"),
    [("a" * 100_000, []), ("acme " * 20_000, [1]), ("acme " + "x" * 10_000, []), ("1" * 50_000, [])],
)
def test_a_text_nobody_types_is_answered_too(register, text, found):
    assert numbers(text) == found


def test_common_words_are_looked_for_another_way_with_the_same_answer(register, monkeypatch):
    texts = ("bombardier toi", "laval toi", "tremblay ges", "oitures", "toit", "construction ac")
    expected = [numbers(text) for text in texts]
    assert [] in expected
    for common, everywhere in ((0, 10), (0, 0)):
        monkeypatch.setattr(search, "COMMON", common)
        monkeypatch.setattr(search, "EVERYWHERE", everywhere)
        assert [numbers(text) for text in texts] == expected


def test_when_time_is_up_what_was_found_is_shown_and_nothing_breaks(acme):
    """Another connection keeps the table of words for itself: the step that needs it waits in vain."""
    address = connection.get_connection_params()
    address = {key: address[key] for key in ("host", "port", "dbname", "user", "password")}
    with psycopg.connect(**address) as other:
        other.execute("LOCK TABLE registry_word IN ACCESS EXCLUSIVE MODE")
        assert numbers("acme") == [1]
        assert numbers("construction acme") == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    assert numbers("acme") == [1]


def test_no_step_begins_once_time_is_up(register, monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", 0)
    assert numbers("acme") == []


def test_a_search_leaves_the_transaction_it_is_part_of_as_it_was(register):
    with connection.cursor() as cursor:
        suggest(text="toitures bombadier")
        cursor.execute("SHOW pg_trgm.similarity_threshold")
        assert cursor.fetchone() == ("0.3",)
    assert Enterprise.objects.count() == 7


def test_an_error_of_the_database_is_not_taken_for_impatience(register, monkeypatch):
    monkeypatch.setattr(search, "LIKENESS", "none")
    with pytest.raises(DatabaseError):
        suggest(text="acme")


def test_a_search_asks_little_of_the_database(register, django_assert_max_num_queries):
    """A savepoint and its end, the settings, one or a few searches, the enterprises and their names."""
    with django_assert_max_num_queries(8):
        suggest(text="acme", limit=1)
    with django_assert_max_num_queries(20):
        suggest(text="toitures bombadier")


def test_each_search_can_use_its_index(register):
    """Were the expression or the condition not the index's, it would read every name or word."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # Of a handful of words, any index would do.
        cursor.execute("ALTER TABLE registry_word DROP CONSTRAINT registry_word_pkey")
        plans = {}
        for index, query, params in (
            ("name_words", search.WORDS, ("'acme'", "%", 40)),
            ("name_folded", search.BEGINNING, ("ac", "ad", 40)),
            ("word_trigrams", search.NEIGHBOURING, ("acm", "acm", 3)),
        ):
            cursor.execute(f"EXPLAIN {query}", params)
            plans[index] = "\n".join(row[0] for row in cursor.fetchall())
    assert [index for index, plan in plans.items() if index not in plan] == []
