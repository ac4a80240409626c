"""What the next edition says otherwise than the live one, as rows of `Change` that wait beside the new tables.

Both are compared as sets. An enterprise that is only in the new edition is counted, not told.
"""

from __future__ import annotations

from datetime import date

from registry.loader.copying import SCHEMA
from registry.loader.shadow import execute, home, rows_of
from registry.models import Change

KINDS = tuple(Change.Kind.values)

TABLE = (
    "CREATE TABLE {next}.change (neq text NOT NULL, kind text NOT NULL, before jsonb NOT NULL, after jsonb NOT NULL)"
)
# Registered, and its planned end is not past: what Enterprise.is_registered and has_lapsed say.
STATUSES = """
WITH pair AS (
    SELECT o.neq, n.neq IS NULL AS is_gone,
        jsonb_build_object('status', o.status, 'status_on', o.status_on, 'ceases_on', o.ceases_on) AS old_facts,
        jsonb_build_object('status', n.status, 'status_on', n.status_on, 'ceases_on', n.ceases_on) AS new_facts,
        array_remove(ARRAY[o.address_line1, o.address_line2, o.address_line3, o.address_line4], '') AS old_address,
        array_remove(ARRAY[n.address_line1, n.address_line2, n.address_line3, n.address_line4], '') AS new_address,
        o.status IN ('RD', 'RO', 'RX') AS was_struck_off,
        coalesce(n.status IN ('RD', 'RO', 'RX'), false) AS is_struck_off,
        o.status = 'IM' AND (o.ceases_on IS NULL OR o.ceases_on > %(old_day)s) AS was_registered,
        coalesce(n.status = 'IM' AND (n.ceases_on IS NULL OR n.ceases_on > %(new_day)s), false) AS is_registered
    FROM {live}.registry_enterprise o LEFT JOIN {next}.registry_enterprise n USING (neq)
    WHERE n.neq IS NULL OR o.status <> n.status OR o.ceases_on IS NOT NULL OR n.ceases_on IS NOT NULL
        OR (o.address_line1, o.address_line2, o.address_line3, o.address_line4)
            IS DISTINCT FROM (n.address_line1, n.address_line2, n.address_line3, n.address_line4)
)
INSERT INTO {next}.change (neq, kind, before, after)
SELECT neq, found.kind, found.before, found.after
FROM pair CROSS JOIN LATERAL (VALUES
    (
        CASE WHEN is_struck_off AND NOT was_struck_off THEN 'struck_off'
            WHEN was_registered AND NOT is_registered AND NOT is_struck_off THEN 'lapsed'
            WHEN is_registered AND NOT was_registered THEN 'restored' END,
        old_facts, new_facts
    ),
    (
        CASE WHEN old_address <> new_address AND NOT is_gone THEN 'address_changed' END,
        jsonb_build_object('lines', old_address), jsonb_build_object('lines', new_address)
    )
) AS found (kind, before, after)
WHERE found.kind IS NOT NULL
"""
# A digest of the legal names of each enterprise finds the few to look at.
DIGEST = """
SELECT neq, bit_xor(hashtextextended(text, ascii(state) * 100000 + coalesce(until - date '1900-01-01', 0))) AS digest
FROM {schema}.registry_enterprisename WHERE kind IN ('N', 'M') GROUP BY neq
"""
DIFFERING = f"""
CREATE TABLE {{next}}.differing AS
SELECT neq FROM ({DIGEST.format(schema="{live}")}) o FULL JOIN ({DIGEST.format(schema="{next}")}) n USING (neq)
WHERE o.digest IS DISTINCT FROM n.digest
"""
# As Enterprise.legal_names: those in force, else the latest former ones.
LEGAL = """
SELECT neq, array_agg(DISTINCT text ORDER BY text) AS names FROM (
    SELECT neq, text, state, bool_or(state = 'V') OVER enterprise AS has_one_in_force,
        coalesce(until, '-infinity') AS ended_on,
        max(coalesce(until, '-infinity')) OVER enterprise AS last_ended_on
    FROM {schema}.registry_enterprisename JOIN {next}.differing USING (neq)
    WHERE kind IN ('N', 'M') AND state IN ('V', 'A')
    WINDOW enterprise AS (PARTITION BY neq)
) name
WHERE CASE WHEN has_one_in_force THEN state = 'V' ELSE ended_on = last_ended_on END GROUP BY neq
"""
NAMES = f"""
INSERT INTO {{next}}.change (neq, kind, before, after)
SELECT neq, 'renamed', jsonb_build_object('names', coalesce(o.names, '{{{{}}}}')),
    jsonb_build_object('names', coalesce(n.names, '{{{{}}}}'))
FROM ({LEGAL.replace("{schema}", "{live}")}) o FULL JOIN ({LEGAL.replace("{schema}", "{next}")}) n USING (neq)
JOIN {{live}}.registry_enterprise USING (neq) JOIN {{next}}.registry_enterprise USING (neq)
WHERE o.names IS DISTINCT FROM n.names
"""
MERGER = "neq, other_neq, other_name, code, effective_on"
# Told of both enterprises.
LINKS = f"""
WITH fresh AS (
    SELECT {MERGER} FROM {{next}}.registry_link WHERE kind = 'merger'
    EXCEPT SELECT {MERGER} FROM {{live}}.registry_link WHERE kind = 'merger'
), told AS (
    SELECT neq AS about, fresh.* FROM fresh
    UNION SELECT other_neq, fresh.* FROM fresh WHERE other_neq <> ''
)
INSERT INTO {{next}}.change (neq, kind, before, after)
SELECT about, 'merged', jsonb_build_object('links', '[]'::jsonb), jsonb_build_object('links', jsonb_agg(
    jsonb_build_object('neq', told.neq, 'other_neq', other_neq, 'other_name', other_name, 'code', code,
        'effective_on', effective_on) ORDER BY effective_on, told.neq, other_neq, other_name))
FROM told JOIN {{live}}.registry_enterprise e ON e.neq = about GROUP BY about
"""
NEW = """
SELECT count(*) FROM {next}.registry_enterprise n
WHERE NOT EXISTS (SELECT FROM {live}.registry_enterprise o WHERE o.neq = n.neq)
"""
STORE = """
INSERT INTO registry_change (edition_id, neq, kind, before, after)
SELECT %(edition)s, neq, kind, before, after FROM {next}.change ORDER BY neq, kind
"""


def compute_changes(*, old_day: date, new_day: date) -> dict[str, int]:
    """Compare the two editions, published on those days; how many changes of each kind, and `new`."""
    places = {"live": home(), "next": SCHEMA}
    execute(TABLE.format(**places))
    execute(STATUSES.format(**places), old_day=old_day, new_day=new_day)
    execute(DIFFERING.format(**places))
    execute(f"ANALYZE {SCHEMA}.differing")
    execute(NAMES.format(**places))
    execute(LINKS.format(**places))
    [(new,)] = rows_of(NEW.format(**places))
    counts = dict.fromkeys(KINDS, 0)
    counts.update(rows_of(f"SELECT kind, count(*) FROM {SCHEMA}.change GROUP BY kind"))
    return {"new": new, **counts}


def store_changes(*, edition: int) -> None:
    """Keep them, as those of this edition."""
    execute(STORE.format(next=SCHEMA), edition=edition)
