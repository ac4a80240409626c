"""One stylesheet for every component, in the merchant's hue, kept by browsers as long as no rule changes."""

import gzip
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from portal import stylesheet

LARGEST = 40_000


def address(*, hue: int = 165, digest: str = "") -> str:
    return reverse("portal:stylesheet", kwargs={"hue": hue, "digest": digest or stylesheet.digest()})


def test_the_order_of_layers_comes_first() -> None:
    assert stylesheet.rules().startswith("@layer reset, tokens, base, layout, components, utilities;")


def test_every_component_is_in_it(client: Client) -> None:
    text = client.get(address()).content.decode()
    for path in Path("static/css").rglob("*.css"):
        first = stylesheet.COMMENT.sub("", path.read_text()).split("{", 2)[-1].split("{")[0].split()
        assert " ".join(first) in text, path


def test_it_ends_with_the_hue_asked_for(client: Client) -> None:
    assert client.get(address(hue=270)).content.decode().rstrip().endswith(":root{--hue:270}")


@pytest.mark.django_db
def test_a_hue_beyond_the_circle_is_not_found(client: Client) -> None:
    assert client.get(address(hue=360)).status_code == 404


def test_the_current_address_is_kept_for_a_year_and_an_old_one_is_asked_again(client: Client) -> None:
    assert "immutable" in client.get(address())["Cache-Control"]
    assert client.get(address(digest="0123456789ab"))["Cache-Control"] == "no-cache"


def test_it_leaves_compressed_for_a_browser_that_reads_it(client: Client) -> None:
    packed = client.get(address(), headers={"accept-encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == client.get(address()).content
    assert "Accept-Encoding" in packed["Vary"]


@pytest.mark.parametrize("unwanted", ["@import", "!ie", "http://", "https://"])
def test_it_asks_nothing_of_other_addresses(unwanted: str) -> None:
    assert unwanted not in stylesheet.rules()


def test_it_stays_small() -> None:
    assert len(stylesheet.rules().encode()) < LARGEST
