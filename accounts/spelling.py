"""Names and phones compared as people type them: without accents or capitals, by their digits alone."""

from __future__ import annotations

import re
import unicodedata

from django.db.models import CharField, Transform

MARKS = re.compile("[\u0300-\u036f]")


def plain(text: str) -> str:
    """Without accents, in lower case: what `field__plain` is compared with."""
    return MARKS.sub("", unicodedata.normalize("NFKD", text.lower()))


@CharField.register_lookup
class Plain(Transform):
    """The same of a column, by PostgreSQL alone: no extension to install."""

    lookup_name = "plain"
    template = r"regexp_replace(normalize(lower(%(expressions)s), NFKD), '[\u0300-\u036f]', '', 'g')"


@CharField.register_lookup
class Digits(Transform):
    """The digits of a column, whatever stands between them."""

    lookup_name = "digits"
    template = r"regexp_replace(%(expressions)s, '\D', '', 'g')"
