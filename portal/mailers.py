"""EMAIL_URL read into Django's MAILERS: a mail server, or files while there is none."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
TIMEOUT = 10.0


def mailers(*, url: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Seconds in `?timeout=` bound every step of the dialogue; no address at all writes .eml files in `folder`."""
    if not url:
        return {"default": {"BACKEND": "accounts.eml.EmailBackend", "OPTIONS": {"folder": str(folder)}}}
    try:
        parts = urlsplit(url)
        port = parts.port
        timeout = float(parse_qs(parts.query).get("timeout", [TIMEOUT])[0])
    except ValueError:
        parts, port, timeout = urlsplit(""), None, TIMEOUT
    if parts.scheme not in PORTS or not parts.hostname or timeout <= 0:
        # The address is not repeated: it holds a password.
        raise ImproperlyConfigured(
            "EMAIL_URL is not an address we know. Write smtp://, smtp+tls:// or smtps://, then user:password@host:port."
        )
    options = {
        "host": parts.hostname,
        "port": port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtps",
        "timeout": timeout,
    }
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
