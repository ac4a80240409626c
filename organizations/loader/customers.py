"""customers.csv: the merchant's accounts, made or brought up to date. Nobody is written to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from accounts.models import Language
from organizations.loader import reading, shapes, staging
from organizations.loader.reading import Column, Flaw, Source
from organizations.loader.shapes import Unfit
from organizations.loader.staging import Counts, Import, execute, value_of
from organizations.models import AuditEvent, Customer
from organizations.models.customers import PUBLIC_ID_ALPHABET
from organizations.permissions import Role

LANGUAGES = {"fr": Language.FRENCH.value, "en": Language.ENGLISH.value}
COLUMNS = (
    Column("number", shapes.text(longest=40, is_required=True)),
    Column("kind", shapes.choice(among=Customer.Kind.values)),
    Column("name", shapes.text(longest=200, is_required=True)),
    Column("email", shapes.email()),
    Column("phone", shapes.text(longest=shapes.LONGEST_PHONE)),
    Column("language", shapes.renamed(among=LANGUAGES)),
    Column("address_line1", shapes.text(longest=200)),
    Column("address_line2", shapes.text(longest=200)),
    Column("city", shapes.text(longest=100)),
    Column("province", shapes.text(longest=50)),
    Column("postal_code", shapes.text(longest=20)),
    Column("country", shapes.country()),
    Column("neq", shapes.enterprise_number()),
    Column("program", shapes.text(longest=40)),
    Column("terms_days", shapes.whole(most=999, default="0")),
    Column("credit_limit", shapes.decimal(digits=12, places=2, default="")),
)
NAMES = [column.name for column in COLUMNS]
KEPT = ["phone_extension", *NAMES[1:]]
STAGED = ["record", "line", "public_id", "phone_extension", *NAMES]
NOT_TEXTS = {"record", "line", "terms_days", "credit_limit"}
PHONE, PROVINCE, POSTAL_CODE, COUNTRY = (NAMES.index(n) for n in ("phone", "province", "postal_code", "country"))
TABLES = {
    "import_customer": f"""
        CREATE UNLOGGED TABLE import_customer (
            record integer, line integer, terms_days integer, credit_limit numeric(12, 2),
            {", ".join(f"{name} text" for name in STAGED if name not in NOT_TEXTS)}
        )
    """,
    # Each record once more, judged: the customer it is, and whether anything changes.
    "import_known": "",
}
# Customers of a batch whose contact address changes, and whether it opened the space by itself.
MOVED = """
CREATE TEMP TABLE import_moved AS
SELECT k.customer_id, k.old_email, r.email AS new_email, k.old_email <> '' AND k.old_kind <> %(member)s AS was_key
FROM import_customer r JOIN import_known k ON k.record = r.record
WHERE k.is_changed AND r.email <> k.old_email AND r.record BETWEEN %(first)s AND %(last)s
"""
NOTE_MOVE = """
INSERT INTO organizations_auditevent (merchant_id, customer_id, event, data, at)
SELECT %(merchant)s, customer_id, %(event)s,
    jsonb_build_object('old', old_email, 'new', new_email, 'reason', 'import'), now()
FROM import_moved ORDER BY customer_id
"""
OWNERSHIP = """
moved.was_key AND m.customer_id = moved.customer_id AND m.email = moved.old_email AND m.role = %(owner)s
AND m.removed_at IS NULL
"""
END_GRANTS = f"""
DELETE FROM organizations_grant g USING import_moved moved, organizations_membership m
WHERE {OWNERSHIP} AND g.content_object_id = m.customer_id AND g.user_id = m.user_id
"""
END_OWNERSHIP = f"UPDATE organizations_membership m SET removed_at = now() FROM import_moved moved WHERE {OWNERSHIP}"
END_LINKS = """
UPDATE organizations_activationrequest a SET revoked_at = now() FROM import_moved moved
WHERE moved.was_key AND a.customer_id = moved.customer_id AND a.membership_id IS NULL AND a.used_at IS NULL
    AND a.revoked_at IS NULL
"""
# 243 = 9 × 27: bytes above it would make some letters of a public id more likely than others.
FAIR = 243
TO_LETTERS = bytes(ord(PUBLIC_ID_ALPHABET[byte % len(PUBLIC_ID_ALPHABET)]) for byte in range(256))
UNFAIR = bytes(range(FAIR, 256))


def load_customers(*, run: Import) -> Counts:
    """Create and update the customers of the file by their number; a second run changes nothing."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="customers", merchant=run.merchant, tables=TABLES):
        _stage(run=run, source=source)
        _judge(run=run)
        staging.report_rejects(run=run)
        _count(run=run)
        if not run.is_dry_run:
            _write(run=run)
    return run.counts


def new_public_ids(*, count: int) -> list[str]:
    """Ten random letters each, as organizations.models.customers.new_public_id makes one, by the thousand."""
    letters = b""
    while len(letters) < 10 * count:
        letters += os.urandom(12 * count).translate(TO_LETTERS, UNFAIR)
    return [letters[10 * index : 10 * index + 10].decode() for index in range(count)]


def _stage(*, run: Import, source: Source) -> None:
    texts = [name for name in STAGED if name not in NOT_TEXTS]
    staging.copy_rows(table="import_customer", columns=STAGED, texts=texts, rows=_rows(run=run, source=source))
    execute("CREATE INDEX ON import_customer (number)")
    execute("ANALYZE import_customer")


def _rows(*, run: Import, source: Source) -> Iterator[Sequence[object]]:
    """Records fit to be compared with the books, their flaws reported apart."""
    pick = source.pick(COLUMNS)
    flaws: list[Flaw] = []
    ids: list[str] = []

    for record, (line, cells) in enumerate(source.records(flaws=flaws), 1):
        row = None if flaws else reading.kept(pick(cells), columns=COLUMNS, line=line, flaws=flaws)
        extension = _finish(row, line=line, flaws=flaws) if row is not None else ""
        if flaws:
            for flaw in flaws:
                run.rejects.add(flaw)
            flaws.clear()
            run.counts.rejected += 1
            continue
        ids = ids or new_public_ids(count=staging.PIECE)
        yield (record, line, ids.pop(), extension, *(row or ()))


def _finish(row: list[str], *, line: int, flaws: list[Flaw]) -> str:
    """What depends on the country: province, postal code, phone. Changes the row; the phone's extension."""
    country = row[COUNTRY]
    for place, rule in ((PROVINCE, shapes.province), (POSTAL_CODE, shapes.postal_code)):
        try:
            row[place] = rule(row[place], country=country)
        except Unfit as unfit:
            flaws.append(Flaw(line, NAMES[place], row[place], unfit.code, unfit.known))
    row[PHONE], extension = shapes.phone(row[PHONE], country=country)
    return extension


def _judge(*, run: Import) -> None:
    """Refuse numbers given twice, and tell new customers from changed ones."""
    execute(
        """
        INSERT INTO import_reject (record, line, "column", value, code, known)
        SELECT r.record, r.line, 'number', r.number, 'repeated', r.first_line::text
        FROM (
            SELECT record, line, number, first_value(line) OVER w AS first_line, row_number() OVER w AS place
            FROM import_customer WINDOW w AS (PARTITION BY number ORDER BY record)
        ) AS r
        WHERE r.place > 1
        """
    )
    mine, theirs = (", ".join(f"{alias}.{name}" for name in KEPT) for alias in ("r", "c"))
    execute(
        f"""
        CREATE UNLOGGED TABLE import_known AS
        SELECT r.record, c.id AS customer_id, c.email AS old_email, c.kind AS old_kind,
            c.id IS NOT NULL AND ({mine}) IS DISTINCT FROM ({theirs}) AS is_changed
        FROM import_customer r
        LEFT JOIN organizations_customer c ON c.merchant_id = %(merchant)s AND c.number = r.number
        WHERE NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = r.record)
        """,
        merchant=run.merchant.pk,
    )
    execute("CREATE INDEX ON import_known (record)")
    execute("ANALYZE import_known")


def _count(*, run: Import) -> None:
    for name, where in (
        ("created", "customer_id IS NULL"),
        ("updated", "is_changed"),
        ("unchanged", "customer_id IS NOT NULL AND NOT is_changed"),
    ):
        setattr(run.counts, name, value_of(f"SELECT count(*) FROM import_known WHERE {where}"))


def _write(*, run: Import) -> None:
    last = value_of("SELECT max(record) FROM import_known WHERE customer_id IS NULL OR is_changed") or 0
    staging.write_batches(run=run, last=last, write=partial(_write_batch, merchant=run.merchant.pk))


def _write_batch(*, merchant: int, first: int, last: int) -> None:
    window = {"first": first, "last": last}
    _create(merchant=merchant, **window)
    _update(**window)
    _end_what_old_addresses_gave(merchant=merchant, **window)


def _create(*, merchant: int, first: int, last: int) -> None:
    names = ["public_id", "number", *KEPT]
    execute(
        f"""
        INSERT INTO organizations_customer (merchant_id, created_at, {", ".join(names)})
        SELECT %(merchant)s, now(), {", ".join(f"r.{name}" for name in names)}
        FROM import_customer r JOIN import_known k ON k.record = r.record
        WHERE r.record BETWEEN %(first)s AND %(last)s AND k.customer_id IS NULL
        ORDER BY r.record
        """,
        merchant=merchant,
        first=first,
        last=last,
    )


def _update(*, first: int, last: int) -> None:
    execute(
        f"""
        UPDATE organizations_customer c SET {", ".join(f"{name} = r.{name}" for name in KEPT)}
        FROM import_customer r JOIN import_known k ON k.record = r.record
        WHERE c.id = k.customer_id AND k.is_changed AND r.record BETWEEN %(first)s AND %(last)s
        """,
        first=first,
        last=last,
    )


def _end_what_old_addresses_gave(*, merchant: int, first: int, last: int) -> None:
    """As organizations.services.customers.change_contact_email does, for many at once and without a letter."""
    window = {"first": first, "last": last, "member": Customer.Kind.MEMBER.value}
    execute(MOVED, **window)
    execute(NOTE_MOVE, merchant=merchant, event=AuditEvent.Event.CUSTOMER_EMAIL_CHANGED.value)
    execute(END_GRANTS, owner=Role.OWNER.value)
    execute(END_OWNERSHIP, owner=Role.OWNER.value)
    execute(END_LINKS)
    execute("DROP TABLE import_moved")
