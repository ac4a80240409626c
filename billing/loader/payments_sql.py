"""The statements of billing.loader.payments."""

PAYMENTS = """
CREATE UNLOGGED TABLE import_payment (
    record integer, line integer, payment_number text, customer_number text, received_on date, method text,
    amount numeric(12, 2), reference text, allocations text
)
"""

KNOWN = """
CREATE UNLOGGED TABLE import_known AS
SELECT r.record, r.line, r.payment_number, r.customer_number, c.id AS customer_id, p.id AS payment_id,
    p.id IS NOT NULL AND (p.customer_id, p.received_on, p.method, p.amount, p.reference)
        IS DISTINCT FROM (c.id, r.received_on, r.method, r.amount, r.reference) AS is_different,
    r.amount
FROM import_payment r
LEFT JOIN organizations_customer c ON c.merchant_id = %(merchant)s AND c.number = r.customer_number
LEFT JOIN billing_payment p ON p.merchant_id = %(merchant)s AND p.number = r.payment_number
"""

# One row a part; of one that is recorded already, whether the same part is there.
PARTS = """
CREATE UNLOGGED TABLE import_part AS
SELECT r.record, r.line, t.number, t.amount, i.id AS invoice_id, i.customer_id, i.kind,
    i.total - i.settled_amount AS unpaid, k.customer_id AS payer_id, k.payment_id
FROM import_payment r
JOIN import_known k ON k.record = r.record
CROSS JOIN LATERAL (
    SELECT split_part(part, E'\\x1f', 1) AS number, split_part(part, E'\\x1f', 2)::numeric(12, 2) AS amount
    FROM string_to_table(r.allocations, E'\\x1e') AS part
) AS t
LEFT JOIN billing_invoice i ON i.merchant_id = %(merchant)s AND i.number = t.number
WHERE r.allocations <> ''
"""

REPEATED = """
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT r.record, r.line, 'payment_number', r.payment_number, 'repeated', r.first_line::text
FROM (
    SELECT record, line, payment_number, first_value(line) OVER w AS first_line, row_number() OVER w AS place
    FROM import_known WINDOW w AS (PARTITION BY payment_number ORDER BY record)
) AS r
WHERE r.place > 1
"""

# Table, column, value, code, what is known, and the condition on a row r.
RULES = (
    ("import_known", "customer_number", "r.customer_number", "unknown_customer", "''", "r.customer_id IS NULL"),
    (
        "import_known",
        "payment_number",
        "r.payment_number",
        "recorded_differently",
        "''",
        """r.payment_id IS NOT NULL AND (r.is_different OR r.record IN (
            SELECT k.record
            FROM import_known k
            LEFT JOIN (
                SELECT record, count(*) AS parts, count(a.id) AS same
                FROM import_part p
                LEFT JOIN billing_allocation a
                    ON a.payment_id = p.payment_id AND a.invoice_id = p.invoice_id AND a.amount = p.amount
                GROUP BY record
            ) AS said ON said.record = k.record
            LEFT JOIN (
                SELECT payment_id, count(*) AS parts FROM billing_allocation
                WHERE payment_id IN (SELECT payment_id FROM import_known) GROUP BY payment_id
            ) AS kept ON kept.payment_id = k.payment_id
            WHERE coalesce(said.same, 0) <> coalesce(said.parts, 0)
                OR coalesce(said.parts, 0) <> coalesce(kept.parts, 0)
        ))""",
    ),
    (
        "import_known",
        "allocations",
        "(SELECT sum(p.amount) FROM import_part p WHERE p.record = r.record)",
        "allocated_beyond_payment",
        "r.amount",
        "r.amount < (SELECT sum(p.amount) FROM import_part p WHERE p.record = r.record)",
    ),
    (
        "import_part",
        "allocations",
        "r.number",
        "allocated_to_missing",
        "''",
        "r.invoice_id IS NULL OR r.kind <> 'invoice'",
    ),
    (
        "import_part",
        "allocations",
        "r.number",
        "allocated_to_other_customer",
        "''",
        "r.kind = 'invoice' AND r.payer_id IS NOT NULL AND r.customer_id <> r.payer_id",
    ),
)

SOUND = "NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = k.record)"

OVERPAID = f"""
SELECT k.invoice_id, min(k.unpaid) FROM import_part k WHERE k.payment_id IS NULL AND {SOUND}
GROUP BY k.invoice_id HAVING sum(k.amount) > min(k.unpaid)
"""

PAYMENTS_IN_QUESTION = f"""
SELECT k.record, k.line, array_agg(k.number), array_agg(k.invoice_id), array_agg(k.amount)
FROM import_part k
WHERE k.payment_id IS NULL AND k.invoice_id = ANY(%(invoices)s::bigint[]) AND {SOUND}
GROUP BY k.record, k.line ORDER BY k.record
"""

# Keys are drawn here, in the order of the file, and what each payment pays in all is known from the start.
NEW = f"""
CREATE UNLOGGED TABLE import_new AS
SELECT nextval(pg_get_serial_sequence('billing_payment', 'id')) AS id, sorted.*
FROM (
    SELECT row_number() OVER (ORDER BY k.record) AS place, k.record, k.customer_id,
        coalesce(s.amount, 0) AS allocated_amount
    FROM import_known k
    LEFT JOIN (SELECT record, sum(amount) AS amount FROM import_part GROUP BY record) AS s ON s.record = k.record
    WHERE k.payment_id IS NULL AND {SOUND}
    ORDER BY place
) AS sorted
"""

LOCK_INVOICES = """
SELECT i.id FROM billing_invoice i
WHERE i.id IN (
    SELECT k.invoice_id FROM import_new n JOIN import_part k ON k.record = n.record
    WHERE n.place BETWEEN %(first)s AND %(last)s
)
ORDER BY i.id FOR NO KEY UPDATE
"""

# Before their payments: a payment that begins with its sum is written once.
INSERT_ALLOCATIONS = """
INSERT INTO billing_allocation (payment_id, invoice_id, amount, created_at)
SELECT n.id, k.invoice_id, k.amount, now()
FROM import_new n JOIN import_part k ON k.record = n.record
WHERE n.place BETWEEN %(first)s AND %(last)s
ORDER BY n.place, k.invoice_id
"""

INSERT_PAYMENTS = """
INSERT INTO billing_payment (
    id, merchant_id, customer_id, number, received_on, method, amount, reference, allocated_amount, created_at
)
SELECT n.id, %(merchant)s, n.customer_id, r.payment_number, r.received_on, r.method, r.amount, r.reference,
    n.allocated_amount, now()
FROM import_new n JOIN import_payment r ON r.record = n.record
WHERE n.place BETWEEN %(first)s AND %(last)s
ORDER BY n.place
"""
