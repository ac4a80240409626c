"""What a spam filter says of a whole campaign message. A filter that is not installed judges nothing: skipped."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from newsletter.letters import Letters
from newsletter.models import Campaign, Topic
from tests import factories
from tests.newsletter.test_letters import reader

pytestmark = pytest.mark.django_db
WORST = 2.0
BODY = """## Tout novembre

Les nacelles de **12 à 20 mètres** sont à moitié prix, livraison comprise à moins de 50 km.

- réservation en ligne ou au comptoir
- aucun dépôt pour les membres

[Voir les nacelles](https://boreal.example/nacelles)
"""


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    return factories.CampaignFactory(topic=topic, body_fr=BODY, body_en=BODY)


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_a_spam_filter_takes_it(campaign, language, settings):
    if shutil.which("spamassassin") is None:
        pytest.skip("no spamassassin: install the package of that name")
    settings.SITE_URL = "https://portail.boreal.example"
    settings.DEFAULT_FROM_EMAIL = "Location Boréal <nouvelles@boreal.example>"
    content = Letters(campaign=campaign).to(reader=reader(language=language))
    judge = subprocess.run(["spamassassin", "-L", "-t"], input=content, capture_output=True, check=True, timeout=120)
    said = judge.stdout.decode(errors="replace")
    score = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", said, re.MULTILINE)
    assert score, said[:2000]
    assert float(score[1]) < WORST, said[-3000:]
