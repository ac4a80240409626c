"""What a spam filter and the tables of caniemail.com say of our messages.

Neither is a Python package: a judge that is not installed judges nothing, and its tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import mime
from accounts.models import OutgoingMessage
from newsletter.letters import Letters
from newsletter.models import Campaign, Topic
from newsletter.review import blocking_problems
from newsletter.services import campaigns, sign_ups
from newsletter.services.desk import tell_desk
from newsletter.services.subscriptions import Trace
from tests import factories
from tests.newsletter.test_letters import body, reader, written

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
WORST = 2.0
BODY = """## Tout novembre

Les nacelles de **12 à 20 mètres** sont à moitié prix, livraison comprise à moins de 50 km.

- réservation en ligne ou au comptoir
- aucun dépôt pour les membres

[Voir les nacelles](https://boreal.example/nacelles)
"""
# All that Markdown makes.
RICH = f"""{BODY}
### Les heures

1. en semaine
2. le *samedi*

> Une citation, avec [un lien](https://boreal.example/citation).

![Une nacelle](https://boreal.example/nacelle.jpg)

`du code`

    un bloc

---
"""


@pytest.fixture
def campaign(topic: Topic, settings) -> Campaign:
    settings.SITE_URL = "https://portail.boreal.example"
    settings.DEFAULT_FROM_EMAIL = "Location Boréal <nouvelles@boreal.example>"
    return factories.CampaignFactory(topic=topic, body_fr=BODY, body_en=BODY)


def spam_score(content: bytes) -> float:
    if shutil.which("spamassassin") is None:
        pytest.skip("no spamassassin: install the package of that name")
    judge = subprocess.run(["spamassassin", "-L", "-t"], input=content, capture_output=True, check=True, timeout=120)
    said = judge.stdout.decode(errors="replace")
    score = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", said, re.MULTILINE)
    assert score, said[:2000]
    return float(score[1])


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_a_spam_filter_takes_it(campaign, language):
    assert spam_score(Letters(campaign=campaign).to(reader=reader(language=language))) < WORST


def confirmation(campaign: Campaign, language: str) -> None:
    sign_ups.ask_to_subscribe(
        merchant=campaign.merchant,
        email="luc@example.org",
        trace=Trace(channel="web_form"),
        language=language,
        topics=[campaign.topic],
        wording=campaign.merchant.wordings.get(),
    )


def stopped(campaign: Campaign, language: str) -> None:
    Campaign.objects.update(status="sending", started_at=timezone.now())
    campaigns.stop(campaign=campaign, why=Campaign.Stop.BOUNCES, count=30, total=200)


def in_vain(campaign: Campaign, language: str) -> None:
    Campaign.objects.update(status="sending", started_at=timezone.now())
    campaigns.stop(campaign=campaign, why=Campaign.Stop.NOBODY, count=5, detail="554 5.7.1 looks like spam")


def withdrawn(campaign: Campaign, language: str) -> None:
    tell_desk(campaign=campaign, template="withdrawn", problems=lambda: blocking_problems(campaign=campaign))


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
@pytest.mark.parametrize("write", [confirmation, stopped, in_vain, withdrawn])
def test_a_spam_filter_takes_every_other_mail_of_the_newsletter(campaign, write, language):
    """The person’s sign-up, and what the merchant’s desk is told."""
    campaign.created_by = factories.UserFactory(language=language)
    campaign.save()
    write(campaign, language)
    message = OutgoingMessage.objects.get()
    assert message.language == language
    assert spam_score(mime.build(message)) < WORST


def test_a_spam_filter_that_judges_would_refuse_a_bad_one():
    """The judge works: without its rules it would take anything."""
    head = b"Subject: \r\nFrom: x <x@y.example>\r\nTo: undisclosed\r\n\r\n"
    gtube = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    assert spam_score(head + gtube + b"\r\n") > WORST


JUDGE = Path(os.environ.get("CANIEMAIL") or ROOT / "node_modules" / "caniemail")
ASK = """
import fs from "node:fs"
const { caniemail } = await import(process.argv[1])
const { issues } = caniemail({ clients: ["gmail.*", "outlook.*"], html: fs.readFileSync(0, "utf8") })
const found = {}
for (const grade of Object.values(issues))
  for (const [client, told] of grade)
    for (const { title, support } of told) (found[title] ??= {})[client] = support
console.log(JSON.stringify(found))
"""
# What Gmail or Outlook does not do, or does in part, and why the letter says it all the same.
TAKEN = {
    "color-scheme meta tag": "Read by Apple’s programs alone, which would else invert the colours; ignored elsewhere.",
    "<body> element": "Replaced by a div: its colour is said again on the outer table.",
    "role attribute": "Ignored by Windows Mail; screen readers elsewhere need it on tables that only lay out.",
    "display:none": "Gmail without a Google account shows the preheader unless its height is none: said too.",
    "max-height property": "For that Gmail; Outlook on Windows obeys display:none and mso-hide.",
    "overflow": "As max-height, with which it hides the preheader.",
    "display": "Gmail and Outlook lack flex and grid, which are not used; block and inline-block degrade to inline.",
    "margin": "Negative and automatic ones are not used, nor any on span and body.",
    "padding": "Outlook on Windows gives it to cells alone: lists keep their own, buttons have mso-padding-alt.",
    "background": "Only a colour is asked for.",
    "border": "Outlook on Windows draws up to 8 px; ours are of 1 and 3.",
    "border-radius": "Outlook on Windows draws square corners.",
    "text-decoration": "Only `none`, on buttons, which every program obeys.",
    "white-space": "Outlook on Windows does not wrap blocks of code, which a letter hardly has.",
    "word-break": "Windows Mail alone leaves a long address whole; Gmail and Outlook for phones may break sooner.",
    "width attribute": "Outlook on Windows does not scale it with the screen: the letter is 600 wide there.",
    "width property": "Refused on div, p and img, where it is not used.",
    "max-width": "Outlook on Windows takes the width attribute of the table instead; images show at their own size.",
    "height property": "Only `auto`, on images, which is what Outlook does by itself.",
    "font-size": "Sizes are in px alone, which is what Outlook reads.",
    "font-weight": "Only 700, which is bold everywhere.",
    "line-height": "Outlook on Windows rounds the factor; no line is cut.",
    "<ul>, <ol> and <dl>": "Only the attribute `reversed` is refused, which Markdown does not make.",
    "align attribute": "Only `center`, which every program obeys.",
}


def complaints(html: str) -> dict[str, dict[str, str]]:
    """Each feature that Gmail or Outlook lacks, wholly or in part, and which of their programs does."""
    if shutil.which("node") is None or not JUDGE.exists():
        pytest.skip("no caniemail: npm install caniemail, and CANIEMAIL names its folder if that is not here")
    entry = (JUDGE / "dist" / "index.js").as_uri()
    said = subprocess.run(
        ["node", "--input-type=module", "-e", ASK, entry], input=html, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    return json.loads(said.stdout)


@pytest.fixture
def html(campaign: Campaign) -> str:
    campaign.body_fr, campaign.preheader_fr = RICH, "Jusqu’au 30 novembre"
    return body(written(campaign), "html")


def test_gmail_and_outlook_do_all_that_a_letter_asks_but_what_we_know_of(html):
    assert complaints('<p style="display:flex">x</p>')["display:flex"]["outlook.windows"] == "none"
    assert sorted(complaints(html)) == sorted(TAKEN)


class _Features(HTMLParser):
    """The elements of a page, and the properties of their styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.properties: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for declaration in (dict(attrs).get("style") or "").split(";"):
            self.properties.add(declaration.partition(":")[0].strip())


# Judged as above; add here what the judge has seen.
ELEMENTS = {
    *("html", "head", "meta", "title", "body", "div", "table", "tr", "td", "h1", "h2", "h3", "p", "a", "strong", "em"),
    *("ul", "ol", "li", "blockquote", "img", "code", "pre", "hr"),
}
PROPERTIES = {
    *("margin", "padding", "padding-left", "background-color", "border", "border-left", "border-top", "border-radius"),
    *(
        "color",
        "font-family",
        "font-size",
        "font-weight",
        "line-height",
        "text-decoration",
        "white-space",
        "word-break",
    ),
    *("display", "width", "max-width", "height", "max-height", "overflow", "mso-hide", "mso-padding-alt"),
    "-webkit-text-size-adjust",
}


def test_a_letter_asks_nothing_the_judge_has_not_seen(html):
    """Where no judge is installed, what is new fails all the same."""
    features = _Features()
    features.feed(html)
    assert features.elements == ELEMENTS
    assert features.properties - {""} == PROPERTIES
