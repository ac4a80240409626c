"""What a browser may do with a mail we show it: the page that frames it, and the mail itself within."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.csp import CSP

# The mail is shown as its reader's program would, styles on its elements, and can do nothing.
LETTER_POLICY: dict[str, list[str]] = {
    "default-src": [str(CSP.NONE)],
    "style-src": [str(CSP.UNSAFE_INLINE)],
    "img-src": ["https:"],
    "frame-ancestors": [str(CSP.SELF)],
    "sandbox": [""],
}
FRAMED_POLICY: dict[str, Any] = {**settings.SECURE_CSP, "frame-src": [CSP.SELF]}
