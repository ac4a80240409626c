"""Implied consents, drawn from what customers buy and ask: a sweep, for the merchants who turned it on.

Loi canadienne anti-pourriel, 10(9) and 10(10): two years from a purchase or lease, six months from an inquiry.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from newsletter.models import Newsletter

# The last purchase, and the last request, of each address of a merchant, while it still gives a consent: from the
# beginning of its day on, like what a file says.
SOURCES = {
    "invoice": """
        SELECT DISTINCT ON (c.email) c.email, c.language, i.number AS source,
            i.issued_on::timestamp AT TIME ZONE %(zone)s AS at,
            (i.issued_on + interval '2 years')::timestamp AT TIME ZONE %(zone)s AS expires_at
        FROM billing_invoice i JOIN organizations_customer c ON c.id = i.customer_id
        WHERE i.merchant_id = %(merchant)s AND i.kind = 'invoice' AND c.email <> ''
        ORDER BY c.email, i.issued_on DESC, i.id DESC
    """,
    "inquiry": """
        SELECT DISTINCT ON (u.email) u.email, u.language, 'access request ' || a.id AS source,
            d.day::timestamp AT TIME ZONE %(zone)s AS at,
            (d.day + interval '6 months')::timestamp AT TIME ZONE %(zone)s AS expires_at
        FROM organizations_accessrequest a JOIN accounts_user u ON u.id = a.user_id
        CROSS JOIN LATERAL (SELECT (a.created_at AT TIME ZONE %(zone)s)::date AS day) AS d
        WHERE a.merchant_id = %(merchant)s
        ORDER BY u.email, a.created_at DESC, a.id DESC
    """,
}
SWITCHES = {"invoice": "takes_invoices", "inquiry": "takes_inquiries"}
# No address is kept without a purpose: only where a topic takes the consent.
MEET = """
INSERT INTO newsletter_subscriber (merchant_id, email, language, key, soft_bounces, suppressed_for, created_at)
SELECT %(merchant)s, f.email, f.language, gen_random_uuid(), 0, '', now()
FROM ({source}) AS f
WHERE f.expires_at > now() AND EXISTS (
    SELECT 1 FROM newsletter_topic t WHERE t.merchant_id = %(merchant)s AND t.takes_implied AND t.closed_at IS NULL
)
ORDER BY f.email
ON CONFLICT (merchant_id, email) DO NOTHING
"""
# Who said no to anything of this merchant is left alone; an express consent is worth more already.
NOTE = """
INSERT INTO newsletter_consent
    (subscriber_id, topic_id, act, kind, at, channel, language, user_agent, source, expires_at, reason)
SELECT s.id, t.id, 'given', 'implied', f.at, %(channel)s, '', '', f.source, f.expires_at, ''
FROM ({source}) AS f
JOIN newsletter_subscriber s ON s.merchant_id = %(merchant)s AND s.email = f.email
JOIN newsletter_topic t ON t.merchant_id = %(merchant)s AND t.takes_implied AND t.closed_at IS NULL
LEFT JOIN newsletter_subscription u ON u.subscriber_id = s.id AND u.topic_id = t.id
WHERE f.expires_at > now() AND u.express_at IS NULL
    AND (u.implied_until IS NULL OR u.implied_until < f.expires_at)
    AND NOT EXISTS (
        SELECT 1 FROM newsletter_subscription l WHERE l.subscriber_id = s.id AND l.left_at IS NOT NULL
    )
ORDER BY s.id, t.id
"""


def note_implied() -> int:
    """Write the implied consents that purchases and inquiries have given since the last sweep; how many lines."""
    written = 0
    for newsletter in Newsletter.objects.order_by("pk"):
        for channel, switch in SWITCHES.items():
            # A transaction each: the second would take addresses against the order of the first, and of an import.
            with transaction.atomic():
                row = Newsletter.objects.select_for_update(of=("self",)).get(pk=newsletter.pk)
                if getattr(row, switch):
                    written += _note(merchant_id=row.merchant_id, channel=channel)
    return written


def _note(*, merchant_id: int, channel: str) -> int:
    parameters: dict[str, int | str] = {"merchant": merchant_id, "channel": channel, "zone": settings.TIME_ZONE}
    with connection.cursor() as cursor:
        cursor.execute(MEET.format(source=SOURCES[channel]), parameters)
        cursor.execute(NOTE.format(source=SOURCES[channel]), parameters)
        return cursor.rowcount
