"""The stylesheet: one file per component in static/css, served as one, in the merchant's hue, without a build.

Its address carries a digest of every rule, so browsers keep it for a year and ask for it once.
"""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

DEFAULT_HUE, HUES = 165, 360
ENTRY = "comptoir.css"  # declares the order of the layers, so it comes first; the others come in any order
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FOLDER = Path(settings.BASE_DIR) / "static" / "css"


def _paths() -> list[Path]:
    return sorted(FOLDER.rglob("*.css"), key=lambda path: (path.name != ENTRY, str(path)))


@lru_cache(maxsize=1)
def _fixed_rules() -> str:
    text = "".join(path.read_text() for path in _paths())
    return " ".join(COMMENT.sub("", text).split())


def rules() -> str:
    """Every rule, read once; again at each request while developing."""
    if settings.DEBUG:
        _fixed_rules.cache_clear()
    return _fixed_rules()


@lru_cache(maxsize=2)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def digest() -> str:
    """Twelve characters that change when any rule changes."""
    return _digest(rules())


@lru_cache(maxsize=64)
def _content(text: str, hue: int) -> tuple[bytes, bytes]:
    plain = f"{text}\n:root{{--hue:{hue}}}\n".encode()
    return plain, gzip.compress(plain, mtime=0)


@login_not_required
@require_safe
def serve(request: HttpRequest, hue: int, digest: str) -> HttpResponse:
    """The stylesheet in one hue (0 to 359), compressed when the browser can read it."""
    if hue >= HUES:
        raise Http404
    text = rules()
    plain, packed = _content(text, hue)
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(packed if is_packed else plain, content_type="text/css; charset=utf-8")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    if digest == _digest(text):
        patch_cache_control(response, public=True, immutable=True, max_age=365 * 24 * 3600)
    else:
        patch_cache_control(response, no_cache=True)
    return response
