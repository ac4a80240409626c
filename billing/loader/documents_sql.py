"""The statements of billing.loader.documents. The amounts follow billing.taxes to the cent; a test compares them."""

# Products only: a division would round before the rounding. PostgreSQL's round() takes halves away from zero.
LINES = """
CREATE UNLOGGED TABLE import_line (
    record integer, line integer, position integer, sku text, description text, quantity numeric, unit text,
    unit_price numeric, discount_percent numeric, tax_code text, head text,
    amount numeric GENERATED ALWAYS AS (round(quantity * unit_price * (100 - discount_percent) * 0.01, 2)) STORED
)
"""

# The cells of a header, in the order of billing.loader.invoices.HEAD; position 0 marks a flawed document.
HEADERS = """
SELECT record, line, position = 0 AS is_flawed, h[1] AS number, h[2] AS kind, h[3] AS corrects,
    h[4] AS customer_number, nullif(h[5], '')::date AS issued_on, nullif(h[6], '')::date AS due_on, h[7] AS branch,
    h[8] AS po_number, h[9] AS project, h[10] AS site_address, h[11] AS requested_by, h[12] AS requisition_number,
    h[13] AS adviser, nullif(h[14], '')::numeric AS subtotal, nullif(h[15], '')::numeric AS gst,
    nullif(h[16], '')::numeric AS qst, nullif(h[17], '')::numeric AS total
FROM (
    SELECT record, line, position, string_to_array(head, E'\\x1f') AS h FROM import_line WHERE position <= 1 OFFSET 0
) AS firsts
"""

# A due date left empty follows from the customer's terms. A branch is known by its code, else by its name.
DOCUMENTS = f"""
CREATE UNLOGGED TABLE import_document AS
SELECT h.record, h.line, h.is_flawed, h.number, h.kind, h.corrects, h.customer_number, h.issued_on,
    coalesce(h.due_on, h.issued_on + CASE WHEN h.kind = 'invoice' THEN c.terms_days ELSE 0 END) AS due_on,
    h.branch, h.po_number, h.project, h.site_address, h.requested_by, h.requisition_number, h.adviser,
    h.subtotal AS said_subtotal, h.gst AS said_gst, h.qst AS said_qst, h.total AS said_total,
    h.due_on IS NOT NULL AS says_due, s.line_count, s.subtotal, s.taxable_subtotal, s.gst, s.qst,
    s.subtotal + s.gst + s.qst AS total, c.id AS customer_id, b.id AS branch_id, i.id AS issued_id
FROM ({HEADERS}) AS h
JOIN (
    SELECT record, line_count, subtotal, taxable_subtotal,
        round(taxable_subtotal * 0.05, 2) AS gst, round(taxable_subtotal * 0.09975, 2) AS qst
    FROM (
        SELECT record, count(*) AS line_count, coalesce(sum(amount), 0.00) AS subtotal,
            coalesce(sum(amount) FILTER (WHERE tax_code = 'standard'), 0.00) AS taxable_subtotal
        FROM import_line GROUP BY record
    ) AS added
) AS s ON s.record = h.record
LEFT JOIN organizations_customer c ON c.merchant_id = %(merchant)s AND c.number = h.customer_number
LEFT JOIN LATERAL (
    SELECT id FROM organizations_branch
    WHERE h.branch <> '' AND merchant_id = %(merchant)s AND (code = h.branch OR name = h.branch)
    ORDER BY code <> h.branch, id LIMIT 1
) AS b ON true
LEFT JOIN billing_invoice i ON i.merchant_id = %(merchant)s AND i.number = h.number
"""

# The same number further down: which of the two is whole cannot be known, so neither enters.
NOT_ADJACENT = """
INSERT INTO import_reject (record, line, "column", value, code, known)
SELECT record, line, 'invoice_number', number, 'not_adjacent', other::text
FROM (
    SELECT record, line, number, is_flawed, count(*) OVER w AS times,
        coalesce(lag(line) OVER (w ORDER BY record), lead(line) OVER (w ORDER BY record)) AS other
    FROM import_document WINDOW w AS (PARTITION BY number)
) AS d
WHERE times > 1 AND number <> '' AND NOT is_flawed
"""

# Column, value, code, what is known, and the condition on a document r.
RULES = (
    ("customer_number", "r.customer_number", "unknown_customer", "''", "r.customer_id IS NULL"),
    ("branch", "r.branch", "unknown_branch", "''", "r.branch <> '' AND r.branch_id IS NULL"),
    ("due_on", "r.due_on", "due_before_issue", "r.issued_on", "r.due_on < r.issued_on"),
    ("corrects", "r.corrects", "corrects_not_allowed", "''", "r.kind <> 'credit_note' AND r.corrects <> ''"),
    ("invoice_number", "r.total", "too_large", "''", "r.total >= 1e10"),
    *(
        (
            name,
            f"r.said_{name}",
            "differs_from_computed",
            f"r.{name}::numeric(14, 2)",
            f"r.said_{name} <> r.{name}",
        )
        for name in ("subtotal", "gst", "qst", "total")
    ),
)

# What the issued document of that number must say, and its lines too, to be the same one.
ISSUED_DIFFERENTLY = (
    """
    EXISTS (
        SELECT 1 FROM billing_invoice i LEFT JOIN billing_invoice o ON o.id = i.corrects_id
        WHERE i.id = r.issued_id AND (
            i.kind, i.customer_id, i.issued_on, CASE WHEN r.says_due THEN i.due_on ELSE r.due_on END, i.branch_id,
            i.po_number, i.project, i.site_address, i.requested_by, i.requisition_number, i.adviser, i.line_count,
            i.subtotal, i.taxable_subtotal, coalesce(o.number, '')
        ) IS DISTINCT FROM (
            r.kind, r.customer_id, r.issued_on, r.due_on, r.branch_id,
            r.po_number, r.project, r.site_address, r.requested_by, r.requisition_number, r.adviser, r.line_count,
            r.subtotal, r.taxable_subtotal, r.corrects
        )
    )
    """,
    """
    NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = r.record) AND r.record IN (
        SELECT d.record
        FROM import_document d
        JOIN import_line l ON l.record = d.record
        LEFT JOIN billing_invoiceline o ON o.invoice_id = d.issued_id AND o.position = l.position
        WHERE d.issued_id IS NOT NULL AND (
            l.sku, l.description, l.quantity, l.unit, l.unit_price, l.discount_percent, l.tax_code
        ) IS DISTINCT FROM (
            o.sku, o.description, o.quantity, o.unit, o.unit_price, o.discount_percent, o.tax_code
        )
    )
    """,
)

# An invoice to correct is one of the customer's, issued already or sound in this very file.
REFUSED_CORRECTIONS = """
INSERT INTO import_reject (record, line, "column", value, code)
SELECT d.record, d.line, 'corrects', d.corrects,
    CASE WHEN f.customer_id IS NULL THEN 'corrects_missing' ELSE 'corrects_other_customer' END
FROM import_document d
LEFT JOIN LATERAL (
    SELECT i.customer_id FROM billing_invoice i
    WHERE i.merchant_id = (SELECT merchant_id FROM organizations_customer WHERE id = d.customer_id)
        AND i.number = d.corrects AND i.kind = 'invoice'
    UNION ALL
    SELECT n.customer_id FROM import_document n
    WHERE n.number = d.corrects AND n.kind = 'invoice' AND NOT n.is_flawed AND n.issued_id IS NULL
        AND NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = n.record)
    LIMIT 1
) AS f ON true
WHERE d.kind = 'credit_note' AND d.corrects <> '' AND d.issued_id IS NULL AND NOT d.is_flawed
    AND d.customer_id IS NOT NULL AND f.customer_id IS DISTINCT FROM d.customer_id
"""

NEW_ONES = """
d.issued_id IS NULL AND NOT d.is_flawed AND NOT EXISTS (SELECT 1 FROM import_reject x WHERE x.record = d.record)
"""

# Keys are drawn here, in the order of issue.
NEW = f"""
CREATE UNLOGGED TABLE import_new AS
SELECT nextval(pg_get_serial_sequence('billing_invoice', 'id')) AS id, NULL::bigint AS corrects_id, sorted.*
FROM (
    SELECT row_number() OVER (ORDER BY d.kind = 'credit_note', d.record) AS place, d.*
    FROM import_document d
    WHERE {NEW_ONES}
    ORDER BY place
) AS sorted
"""

FIRST_CREDIT_NOTE = "SELECT min(place) FROM import_new WHERE kind = %(credit_note)s"

# The invoice corrected may be issued by the same statement as its credit note: its key is drawn already.
CORRECTED = """
UPDATE import_new n SET corrects_id = f.id
FROM (
    SELECT number, id FROM billing_invoice
    WHERE merchant_id = %(merchant)s AND number IN (SELECT corrects FROM import_new WHERE corrects <> '')
    UNION ALL
    SELECT number, id FROM import_new WHERE number IN (SELECT corrects FROM import_new WHERE corrects <> '')
) AS f
WHERE n.corrects <> '' AND n.corrects = f.number
"""

# The name as billing.services.document_name gives it, the address as Address.envelope_lines writes it.
INSERT_INVOICES = """
INSERT INTO billing_invoice (
    id, merchant_id, customer_id, letterhead_id, kind, number, corrects_id, issued_on, due_on, bill_to_name,
    bill_to_address, branch_id, adviser, po_number, project, requisition_number, site_address, requested_by,
    line_count, subtotal, taxable_subtotal, gst, qst, total, settled_amount, created_at
)
SELECT n.id, c.merchant_id, n.customer_id, %(letterhead)s::bigint, n.kind, n.number, n.corrects_id,
    n.issued_on, n.due_on,
    coalesce(nullif(CASE WHEN v.verified_at IS NOT NULL THEN v.legal_name ELSE v.person_name END, ''), c.name),
    concat_ws(
        E'\\n', nullif(c.address_line1, ''), nullif(c.address_line2, ''),
        nullif(btrim(
            concat_ws(' ', nullif(c.city, ''), CASE WHEN c.province <> '' THEN '(' || c.province || ')' END)
            || '  ' || c.postal_code
        ), ''),
        %(destinations)s::jsonb -> c.language ->> c.country
    ),
    n.branch_id, n.adviser, n.po_number, n.project, n.requisition_number, n.site_address, n.requested_by,
    n.line_count, n.subtotal, n.taxable_subtotal, n.gst, n.qst, n.total, 0, now()
FROM import_new n
JOIN organizations_customer c ON c.id = n.customer_id
LEFT JOIN organizations_organization v ON v.customer_id = c.id
WHERE n.place BETWEEN %(first)s AND %(last)s
ORDER BY n.place
"""

INSERT_LINES = """
INSERT INTO billing_invoiceline (
    invoice_id, position, sku, description, quantity, unit, unit_price, discount_percent, tax_code, amount
)
SELECT n.id, l.position, l.sku, l.description, l.quantity, l.unit, l.unit_price, l.discount_percent, l.tax_code,
    l.amount
FROM import_new n JOIN import_line l ON l.record = n.record
WHERE n.place BETWEEN %(first)s AND %(last)s
ORDER BY n.place, l.position
"""

LOCK_CORRECTED = """
SELECT i.id FROM billing_invoice i
WHERE i.id IN (
    SELECT c.corrects_id FROM billing_invoice c JOIN import_new n ON n.id = c.id
    WHERE n.place BETWEEN %(first)s AND %(last)s AND n.kind = %(credit_note)s
)
ORDER BY i.id FOR NO KEY UPDATE
"""

USE_CREDITS = """
INSERT INTO billing_allocation (credit_note_id, invoice_id, amount, created_at)
SELECT credit_note_id, invoice_id, amount, now()
FROM (
    SELECT c.id AS credit_note_id, i.id AS invoice_id, n.place, least(
        c.total,
        i.total - i.settled_amount
        - coalesce(sum(c.total) OVER (
            PARTITION BY i.id ORDER BY n.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0)
    ) AS amount
    FROM import_new n
    JOIN billing_invoice c ON c.id = n.id
    JOIN billing_invoice i ON i.id = c.corrects_id
    WHERE n.place BETWEEN %(first)s AND %(last)s AND n.kind = %(credit_note)s
) AS used
WHERE amount > 0
ORDER BY place
"""
