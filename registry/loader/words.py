"""The words of the names in force, counted once an edition."""

from __future__ import annotations

from registry.loader.shadow import execute

COUNT = """
INSERT INTO {schema}.registry_word (text, occurrences)
SELECT word, count(*) FROM {schema}.registry_enterprisename, string_to_table(folded, ' ') AS word
WHERE state = 'V' AND folded <> '' GROUP BY word
"""


def count_words(*, schema: str) -> None:
    """Fill the empty table of words from the names beside it; the name of the schema is quoted."""
    execute(COUNT.format(schema=schema))
