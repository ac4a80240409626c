"""members.csv: the people of the customers, on file before they ever sign in. Nobody is written to.

Once a person is in, or was reduced by their company, their role and dates are the company's to say: never the file's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import transaction

from organizations.loader import shapes, staging
from organizations.loader.reading import Column, Source
from organizations.loader.staging import Counts, Import, execute, value_of
from organizations.models import AuditEvent, Customer
from organizations.permissions import Role

COLUMNS = (
    Column("customer_number", shapes.text(longest=40, is_required=True)),
    Column("email", shapes.email(is_required=True)),
    Column("first_name", shapes.text(longest=80)),
    Column("last_name", shapes.text(longest=80)),
    Column("phone", shapes.text(longest=shapes.LONGEST_PHONE)),
    Column("role", shapes.choice(among=Role.values)),
    Column("starts_on", shapes.day(is_required=False)),
    Column("ends_on", shapes.day(is_required=False)),
)
NAMES = [column.name for column in COLUMNS]
KEPT = NAMES[2:]
TABLES = {
    "import_member": """
        CREATE UNLOGGED TABLE import_member (
            record integer, line integer, customer_number text, email text, first_name text, last_name text,
            phone text, role text, starts_on date, ends_on date
        )
    """,
    "import_known": "",
}


REPEATED = """
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT r.record, r.line, 'email', r.email, 'repeated', r.first_line::text
FROM (
    SELECT record, line, email, first_value(line) OVER w AS first_line, row_number() OVER w AS place
    FROM import_member WINDOW w AS (PARTITION BY customer_number, email ORDER BY record)
) AS r
WHERE r.place > 1
"""
# Whoever was shown the door does not come back with the next nightly file.
ACCESS_ENDED = """
EXISTS (
    SELECT 1 FROM organizations_customer c JOIN organizations_membership m ON m.customer_id = c.id
    WHERE c.merchant_id = %(merchant)s AND c.number = r.customer_number AND m.email = r.email
    GROUP BY c.id HAVING bool_and(m.removed_at IS NOT NULL)
)
"""
# What a company took away does not come back with the next nightly file, nor is anybody raised without a mandate.
MANAGED = """
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT r.record, r.line, d.name, coalesce(d.given, ''), 'managed_by_company', coalesce(d.present, '–')
FROM import_member r
JOIN organizations_customer c ON c.merchant_id = %(merchant)s AND c.number = r.customer_number
JOIN organizations_membership m ON m.customer_id = c.id AND m.email = r.email AND m.removed_at IS NULL
CROSS JOIN LATERAL (VALUES
    ('role', r.role, m.role),
    ('starts_on', r.starts_on::text, m.starts_on::text),
    ('ends_on', r.ends_on::text, m.ends_on::text)
) AS d (name, given, present)
WHERE d.given IS DISTINCT FROM d.present AND (
    m.user_id IS NOT NULL OR EXISTS (
        SELECT 1 FROM organizations_auditevent e
        WHERE e.customer_id = c.id AND e.event = %(reduced)s AND e.data ->> 'member' = m.id::text
    )
)
"""
KNOWN = f"""
CREATE UNLOGGED TABLE import_known AS
SELECT r.record, c.id AS customer_id, m.id AS membership_id,
    m.id IS NOT NULL AND ({", ".join(f"r.{name}" for name in KEPT)})
        IS DISTINCT FROM ({", ".join(f"m.{name}" for name in KEPT)}) AS is_changed
FROM import_member r
JOIN organizations_customer c ON c.merchant_id = %(merchant)s AND c.number = r.customer_number
LEFT JOIN organizations_membership m ON m.customer_id = c.id AND m.email = r.email AND m.removed_at IS NULL
WHERE NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = r.record)
"""


def load_members(*, run: Import) -> Counts:
    """Create and update the members of the file by customer and e-mail; a second run changes nothing."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="members", merchant=run.merchant, tables=TABLES):
        staging.copy_rows(
            table="import_member",
            columns=["record", "line", *NAMES],
            texts=NAMES[:6],
            rows=_rows(run=run, source=source),
        )
        execute("CREATE INDEX ON import_member (customer_number, email)")
        execute("ANALYZE import_member")
        _judge(run=run)
        staging.report_rejects(run=run)
        _count(run=run)
        if not run.is_dry_run:
            _write(run=run)
    return run.counts


def _rows(*, run: Import, source: Source) -> Iterator[Sequence[object]]:
    for record, line, row in staging.fit_records(run=run, source=source, columns=COLUMNS):
        number, extension = shapes.phone(row[4], country="CA")
        # A member's phone has no column of its own for the extension: it is kept as in the books then.
        row[4] = row[4] if extension else number
        yield (record, line, *row)


def _judge(*, run: Import) -> None:
    """Refuse people given twice and unknown customers, and tell new members from changed ones."""
    execute(REPEATED)
    _judge_customers(run=run)
    staging.reject_where(
        table="import_member",
        column="ends_on",
        value="r.ends_on",
        code="ends_before_start",
        known="r.starts_on",
        where="r.ends_on < r.starts_on",
    )
    staging.reject_where(
        table="import_member",
        column="email",
        value="r.email",
        code="access_ended",
        where=ACCESS_ENDED,
        merchant=run.merchant.pk,
    )
    execute(MANAGED, merchant=run.merchant.pk, reduced=AuditEvent.Event.MEMBER_REDUCED.value)
    execute(KNOWN, merchant=run.merchant.pk)


def _judge_customers(*, run: Import) -> None:
    """Refuse customers we do not know, and those that have no team."""
    staging.reject_where(
        table="import_member",
        column="customer_number",
        value="r.customer_number",
        code="unknown_customer",
        where="""NOT EXISTS (
            SELECT 1 FROM organizations_customer c WHERE c.merchant_id = %(merchant)s AND c.number = r.customer_number
        )""",
        merchant=run.merchant.pk,
    )
    staging.reject_where(
        table="import_member",
        column="customer_number",
        value="r.customer_number",
        code="not_a_member",
        where="""EXISTS (
            SELECT 1 FROM organizations_customer c
            WHERE c.merchant_id = %(merchant)s AND c.number = r.customer_number AND c.kind <> %(member)s
        )""",
        merchant=run.merchant.pk,
        member=Customer.Kind.MEMBER.value,
    )


def _count(*, run: Import) -> None:
    for name, where in (
        ("created", "membership_id IS NULL"),
        ("updated", "is_changed"),
        ("unchanged", "membership_id IS NOT NULL AND NOT is_changed"),
    ):
        setattr(run.counts, name, value_of(f"SELECT count(*) FROM import_known WHERE {where}"))


def _write(*, run: Import) -> None:
    last = value_of("SELECT max(record) FROM import_known WHERE membership_id IS NULL OR is_changed") or 0
    for begun in range(1, last + 1, staging.BATCH):
        window = {"first": begun, "last": begun + staging.BATCH - 1}
        with transaction.atomic():
            execute(
                f"""
                INSERT INTO organizations_membership (customer_id, created_at, email, {", ".join(KEPT)})
                SELECT k.customer_id, now(), r.email, {", ".join(f"r.{name}" for name in KEPT)}
                FROM import_member r JOIN import_known k ON k.record = r.record
                WHERE k.membership_id IS NULL AND r.record BETWEEN %(first)s AND %(last)s ORDER BY r.record
                """,
                **window,
            )
            execute(
                f"""
                UPDATE organizations_membership m SET {", ".join(f"{name} = r.{name}" for name in KEPT)}
                FROM import_member r JOIN import_known k ON k.record = r.record
                WHERE m.id = k.membership_id AND k.is_changed AND r.record BETWEEN %(first)s AND %(last)s
                """,
                **window,
            )
        if run.progress is not None:
            run.progress(min(begun + staging.BATCH - 1, last), last)
