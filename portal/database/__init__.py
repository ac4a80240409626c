"""Django's backend of PostgreSQL, with one round trip less a request (ENGINE)."""
