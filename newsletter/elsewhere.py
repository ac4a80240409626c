"""Whether the links of a letter to other sites lead to a page: each site is asked once, for nothing but its answer."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

SECONDS = 4.0  # for all of them: an agent waits at a page
AT_ONCE = 8
MOST = 40  # a letter with more links has its first ones tried
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
Rule = Callable[[str], bool]


class Dead(NamedTuple):
    """An address that leads nowhere, and why, in words."""

    address: str
    reason: str


class Forbidden(OSError):
    """The name leads into a private network, which a letter has no business with."""


def is_public(ip: str) -> bool:
    return ipaddress.ip_address(ip.partition("%")[0]).is_global


def dead_links(*, addresses: Iterable[str], may_ask: Rule = is_public) -> list[Dead]:
    """Those to other sites that do not answer, or have no such page, in their order; within four seconds.

    A site too slow for that, or that turns robots away, is not called dead. Redirections are not followed: they lead
    somewhere. `may_ask` says of an IP address whether it may be spoken to, once connected and before anything is said.
    """
    asked = [address for address in dict.fromkeys(addresses) if _is_elsewhere(address)][:MOST]
    if not asked:
        return []
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    answers = {address: pool.submit(_answer, address, may_ask=may_ask) for address in asked}
    wait(answers.values(), timeout=SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    found = ((address, answer) for address, answer in answers.items() if answer.done() and not answer.cancelled())
    return [Dead(address, reason) for address, answer in found if (reason := _reason(answer.result()))]


def _is_elsewhere(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False  # the checks of its shape say so
    return parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}" != settings.SITE_URL


def _answer(address: str, *, may_ask: Rule) -> int | None:
    """The status of the page; none when nobody answers, zero when it takes too long to tell."""
    try:
        return _status(address, may_ask=may_ask)
    except TimeoutError:
        return 0
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _reason(status: int | None) -> str:
    """Why it leads nowhere; empty when it does not."""
    if status is None:
        return _("nobody answers there")
    return _("it has no such page (%(status)s)") % {"status": status} if status in GONE else ""


def _status(address: str, *, may_ask: Rule) -> int:
    parts = urlsplit(address)
    host = (parts.hostname or "").encode("idna").decode()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.connect()
        if not may_ask(connection.sock.getpeername()[0]):
            raise Forbidden
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        connection.request("HEAD", target, headers={"User-Agent": "Comptoir (link check)"})
        return connection.getresponse().status
    finally:
        connection.close()
