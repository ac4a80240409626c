"""The limit our pages are held against: a Django of sessions and users, one query, one small template."""
