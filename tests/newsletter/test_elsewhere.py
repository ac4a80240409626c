"""Links of a letter to other sites: asked at most once, and only what is public."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.urls import reverse
from django.utils import translation

from newsletter import elsewhere
from newsletter.elsewhere import dead_links, is_public
from portal.embedded.processes import free_port
from tests import factories

asked: list[str] = []


class Site(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        asked.append(self.path)
        if self.path == "/slow":
            threading.Event().wait(elsewhere.SECONDS + 1)
        self.send_response({"/gone": 410, "/none": 404, "/moved": 302, "/closed": 403}.get(self.path, 200))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def site() -> Iterator[str]:
    asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def anywhere(ip: str) -> bool:
    return True


def test_a_page_that_is_not_there_is_told_from_one_that_is(site):
    addresses = [f"{site}/{page}" for page in ("there", "none", "gone", "moved", "closed", "une page é?x=1", "there")]
    with translation.override("en-ca"):
        dead = dead_links(addresses=addresses, may_ask=anywhere)
    assert dead == [(f"{site}/none", "it has no such page (404)"), (f"{site}/gone", "it has no such page (410)")]
    assert len(asked) == 6


def test_a_site_that_does_not_exist_is_dead_and_a_slow_one_is_not(site):
    nowhere = f"http://127.0.0.1:{free_port()}/"
    with translation.override("en-ca"):
        dead = dead_links(addresses=[f"{site}/slow", nowhere, "http://no.such.invalid/"], may_ask=anywhere)
    assert dead == [(nowhere, "nobody answers there"), ("http://no.such.invalid/", "nobody answers there")]


def test_a_private_network_is_never_spoken_to(site):
    (dead,) = dead_links(addresses=[f"{site}/there"])
    assert (dead.address, asked) == (f"{site}/there", [])
    private = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1%eth0"]
    assert [is_public(ip) for ip in [*private, "9.9.9.9"]] == [False] * 6 + [True]


@pytest.mark.parametrize("address", ["mailto:a@b.example", "tel:+15145550100", "http://[", "http://localhost:8000/x"])
def test_what_is_no_other_site_is_not_asked(address):
    assert dead_links(addresses=[address], may_ask=anywhere) == []


@pytest.mark.django_db
def test_an_agent_reads_of_a_dead_link_before_sending(client, topic, sam, site, settings):
    campaign = factories.CampaignFactory(topic=topic, status="draft", body_fr=f"[ici]({site}/none)")
    client.force_login(sam, backend=settings.AUTHENTICATION_BACKENDS[0])
    shown = client.get(reverse("admin:newsletter_campaign_schedule", args=[campaign.pk])).text
    assert "Lien mort" in shown
    assert f"{site}/none" in shown
