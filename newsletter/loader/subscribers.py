"""subscribers.csv: consents given elsewhere, each with its evidence. Nobody who left comes back, nobody is mailed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from django.conf import settings
from django.utils import timezone

from accounts.models import Language
from newsletter.models import Consent
from organizations.loader import shapes, staging
from organizations.loader.reading import Column, Source
from organizations.loader.staging import Counts, Import, execute, value_of

# What was agreed to, and how long it lasts (Loi canadienne anti-pourriel, 10).
BASES = (Consent.Kind.EXPRESS.value, *Consent.Basis.values)
COLUMNS = (
    Column("email", shapes.email(is_required=True)),
    Column("language", shapes.renamed(among={"fr": Language.FRENCH.value, "en": Language.ENGLISH.value})),
    Column("topic", shapes.text(longest=50, is_required=True)),
    Column("basis", shapes.choice(among=BASES)),
    Column("consented_on", shapes.day()),
    Column("evidence", shapes.text(longest=300, is_required=True)),
)
NAMES = [column.name for column in COLUMNS]
TABLES = {
    "import_consent": """
        CREATE UNLOGGED TABLE import_consent (
            record integer, line integer, email text, language text, topic text, basis text, consented_on date,
            evidence text
        )
    """,
    # Each record that is one, judged: the number of its address, its topic, its end, and what the ledger already says.
    "import_known": "",
}
# One reason a line, and first of all that its person left: nobody looks for a better line of theirs.
UNREFUSED = "NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = r.record)"
WITHDRAWN = """
EXISTS (
    SELECT 1 FROM newsletter_subscriber s JOIN newsletter_subscription l ON l.subscriber_id = s.id
    WHERE s.merchant_id = %(merchant)s AND s.email = r.email AND l.left_at IS NOT NULL
)
"""
REPEATED = f"""
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT r.record, r.line, 'email', r.email, 'repeated', r.first_line::text
FROM (
    SELECT record, line, email, first_value(line) OVER w AS first_line, row_number() OVER w AS place
    FROM import_consent WINDOW w AS (PARTITION BY email, topic ORDER BY record)
) AS r
WHERE r.place > 1 AND {UNREFUSED}
"""
KNOWN = f"""
CREATE UNLOGGED TABLE import_known AS
SELECT r.record, r.line, dense_rank() OVER (ORDER BY r.email)::integer AS address, r.email, r.language,
    t.id AS topic_id, r.basis, r.consented_on::timestamp AT TIME ZONE %(zone)s AS at, r.evidence, e.expires_at,
    u.id IS NOT NULL AS has_row,
    u.express_at IS NOT NULL OR COALESCE(u.implied_until >= e.expires_at, false) AS is_unchanged,
    CASE
        WHEN s.suppressed_at IS NOT NULL THEN 'suppressed'
        WHEN t.closed_at IS NOT NULL THEN 'topic_closed'
        WHEN e.expires_at IS NOT NULL AND NOT t.takes_implied THEN 'no_implied'
        WHEN e.expires_at <= %(now)s THEN 'consent_expired'
    END AS refusal
FROM import_consent r
JOIN newsletter_topic t ON t.merchant_id = %(merchant)s AND t.slug = r.topic
CROSS JOIN LATERAL (SELECT CASE r.basis
    WHEN 'purchase' THEN (r.consented_on + interval '2 years')::timestamp AT TIME ZONE %(zone)s
    WHEN 'inquiry' THEN (r.consented_on + interval '6 months')::timestamp AT TIME ZONE %(zone)s END AS expires_at) AS e
LEFT JOIN newsletter_subscriber s ON s.merchant_id = %(merchant)s AND s.email = r.email
LEFT JOIN newsletter_subscription u ON u.subscriber_id = s.id AND u.topic_id = t.id
WHERE {UNREFUSED}
"""
REFUSED = """
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT k.record, k.line,
    CASE k.refusal WHEN 'consent_expired' THEN 'consented_on' WHEN 'topic_closed' THEN 'topic'
        WHEN 'no_implied' THEN 'basis' ELSE 'email' END,
    CASE k.refusal WHEN 'topic_closed' THEN t.slug WHEN 'no_implied' THEN k.basis ELSE k.email END,
    k.refusal,
    CASE k.refusal WHEN 'consent_expired' THEN k.expires_at::date::text WHEN 'no_implied' THEN t.slug ELSE '' END
FROM import_known k JOIN newsletter_topic t ON t.id = k.topic_id
WHERE k.refusal IS NOT NULL
"""
TAKEN = "k.address BETWEEN %(first)s AND %(last)s AND k.refusal IS NULL AND NOT k.is_unchanged"
MEET = f"""
INSERT INTO newsletter_subscriber (merchant_id, email, language, key, soft_bounces, suppressed_for, created_at)
SELECT DISTINCT ON (k.address) %(merchant)s, k.email, k.language, gen_random_uuid(), 0, '', now()
FROM import_known k WHERE {TAKEN} ORDER BY k.address, k.record
ON CONFLICT (merchant_id, email) DO NOTHING
"""
# Whoever leaves meanwhile is waited for, or waits for this transaction and has the last word. Rows of this transaction
# need no lock: nobody else sees them.
LOCK = f"""
SELECT count(*) FROM (
    SELECT s.id FROM newsletter_subscriber s
    WHERE s.merchant_id = %(merchant)s AND s.created_at <> now()
        AND s.email IN (SELECT k.email FROM import_known k WHERE {TAKEN})
    ORDER BY s.id FOR NO KEY UPDATE
) AS locked
"""
NOTE = f"""
INSERT INTO newsletter_consent
    (subscriber_id, topic_id, act, kind, at, channel, language, user_agent, by_id, source, expires_at, reason)
SELECT s.id, k.topic_id, 'given', CASE k.basis WHEN 'express' THEN 'express' ELSE 'implied' END,
    k.at, 'import', '', '', %(by)s::integer, k.evidence, k.expires_at, ''
FROM import_known k
JOIN newsletter_subscriber s ON s.merchant_id = %(merchant)s AND s.email = k.email
WHERE {TAKEN}
    AND NOT EXISTS (
        SELECT 1 FROM newsletter_subscription l WHERE l.subscriber_id = s.id AND l.left_at IS NOT NULL
    )
ORDER BY k.record
"""


def load_subscribers(*, run: Import) -> Counts:
    """Write the consents of the file that say something new; a second run changes nothing."""
    source = Source(run.path, COLUMNS, run.progress)
    with staging.staged(kind="subscribers", merchant=run.merchant, tables=TABLES):
        staging.copy_rows(
            table="import_consent",
            columns=["record", "line", *NAMES],
            texts=[name for name in NAMES if name != "consented_on"],
            rows=_rows(run=run, source=source),
        )
        execute("ANALYZE import_consent")
        _judge(run=run)
        staging.report_rejects(run=run)
        _count(run=run)
        if not run.is_dry_run:
            # By address, not by record: the lines of one address are of one transaction.
            last = value_of("SELECT max(address) FROM import_known") or 0
            staging.write_batches(run=run, last=last, write=partial(_write, run=run))
    return run.counts


def _rows(*, run: Import, source: Source) -> Iterator[Sequence[object]]:
    for record, line, row in staging.fit_records(run=run, source=source, columns=COLUMNS):
        yield (record, line, *row)


def _judge(*, run: Import) -> None:
    """Refuse who left or cannot be reached, repeats, what a topic does not take, days to come, ended consents."""
    staging.reject_where(
        table="import_consent",
        column="email",
        value="r.email",
        code="consent_withdrawn",
        where=WITHDRAWN,
        merchant=run.merchant.pk,
    )
    execute(REPEATED)
    staging.reject_where(
        table="import_consent",
        column="topic",
        value="r.topic",
        code="unknown_topic",
        where=f"{UNREFUSED} AND NOT EXISTS "
        "(SELECT 1 FROM newsletter_topic t WHERE t.merchant_id = %(merchant)s AND t.slug = r.topic)",
        merchant=run.merchant.pk,
    )
    staging.reject_where(
        table="import_consent",
        column="consented_on",
        value="r.consented_on",
        code="in_future",
        where=f"{UNREFUSED} AND r.consented_on > %(today)s",
        today=timezone.localdate(),
    )
    execute(KNOWN, merchant=run.merchant.pk, zone=settings.TIME_ZONE, now=timezone.now())
    execute("CREATE INDEX ON import_known (address)")
    execute("ANALYZE import_known")
    execute(REFUSED)


def _count(*, run: Import) -> None:
    for name, where in (
        ("created", "NOT has_row"),
        ("updated", "has_row AND NOT is_unchanged"),
        ("unchanged", "has_row AND is_unchanged"),
    ):
        setattr(run.counts, name, value_of(f"SELECT count(*) FROM import_known WHERE refusal IS NULL AND {where}"))


def _write(*, run: Import, first: int, last: int) -> None:
    """Whoever is new, whoever is known already, what each agreed to."""
    by = run.by.pk if run.by else None
    window = {"merchant": run.merchant.pk, "by": by, "first": first, "last": last}
    for statement in (MEET, LOCK, NOTE):
        execute(statement, **window)
