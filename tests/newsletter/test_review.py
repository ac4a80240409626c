"""What the checks find before a campaign leaves."""

from __future__ import annotations

import pytest

from accounts.models import OutgoingMessage
from newsletter import letters, review
from newsletter.models import Campaign, Recipient, Topic, Wording
from newsletter.services import campaigns
from newsletter.services.campaigns import CampaignBegun, CampaignNotReady, NotPossibleNow
from organizations.models import Merchant
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(topic: Topic) -> Campaign:
    """One reader a language."""
    wording = Wording.objects.get()
    for language in ("fr-ca", "en-ca"):
        factories.ConsentFactory(topic=topic, wording=wording, subscriber__language=language)
    return factories.CampaignFactory(topic=topic)


def found(campaign: Campaign, **fields: object) -> str:
    for name, value in fields.items():
        setattr(campaign, name, value)
    campaign.save()
    return " ".join(str(problem) for problem in review.blocking_problems(campaign=campaign))


def test_a_good_campaign_has_nothing_to_correct(campaign):
    assert review.problems(campaign=campaign) == []


def test_a_missing_translation_blocks_when_somebody_reads_it(campaign):
    assert "Anglais" in found(campaign, body_en="")
    assert found(campaign, to_language="fr-ca") == ""


def test_a_placeholder_or_a_broken_link_in_one_language_blocks(campaign):
    assert "{{" in found(campaign, body_en="Hello {{ first_name }}")
    for address in (
        "/nulle-part",
        "https://",
        "htp:x",
        "https://nulle",
        "http://localhost:8000/nulle-part/",
        "mailto:x",
    ):
        assert "ne mène nulle part" in found(campaign, body_en=f"[here](<{address}>)"), address
    for address in ("https://boreal.example/a?b=c", "mailto:a@b.ca", "tel:+15145550100", "http://localhost:8000/"):
        assert found(campaign, body_en=f"[here](<{address}>)") == "", address


@pytest.mark.parametrize("body", ["[vide]()", "Voir [vide]( ) là.", "[vide](<>)", "- [**vide**]()", "![vide]()"])
def test_a_link_without_an_address_blocks(campaign, body):
    assert "le lien «\xa0vide\xa0» n’a pas d’adresse" in found(campaign, body_fr=body)


@pytest.mark.parametrize(
    "typed", ["[m](javascript:alert(1))", "[x](https://boreal.example", "![a](data:text/html,x)", "[**g**](vbscript:x)"]
)
def test_a_link_left_as_typed_deserves_a_look(campaign, typed):
    assert found(campaign, body_en=f"Hello {typed} there") == ""
    (problem,) = review.problems(campaign=campaign)
    assert "s’affiche tel quel" in problem.words
    assert typed.replace("**", "").strip("!")[:12] in problem.words


@pytest.mark.parametrize("body", ["[x](https://boreal.example/a)", "`[x](y`", "[x] (y)", "Voir [1].\n\n    [x](y"])
def test_what_is_a_link_or_a_sample_of_code_is_not_called_one_left_as_typed(campaign, body):
    found(campaign, body_en=body)
    assert review.problems(campaign=campaign) == []


def test_a_language_that_cannot_be_written_blocks_and_says_why(campaign, settings, monkeypatch):
    settings.DKIM_KEY = "not a key"
    assert "ne peut être écrit" in found(campaign)
    settings.DKIM_KEY = ""
    words_of = letters.words_of

    def words(*, language: str, **parts: object) -> letters.Words:
        if language == "en-ca":
            raise LookupError("{{ price }}")
        return words_of(language=language, **parts)

    monkeypatch.setattr(letters, "words_of", words)
    (problem,) = review.problems(campaign=campaign)
    assert problem.is_blocking
    assert "en-ca: LookupError" in problem.words


def test_a_link_to_a_past_campaign_leads_to_one_that_is_there(campaign, today):
    past = factories.CampaignFactory(topic=campaign.topic, status="sent", started_at=today, finished_at=today)
    assert found(campaign, body_en=f"[here](http://localhost:8000{past.get_absolute_url()})") == ""
    past.is_public = False
    past.save()
    assert "ne mène nulle part" in found(campaign, body_en=f"[here](http://localhost:8000{past.get_absolute_url()})")
    assert "ne mène nulle part" in found(
        campaign, body_en="[here](http://localhost:8000/newsletter/archive/0123456789ab/)"
    )


def test_a_letter_without_its_unsubscribe_link_blocks(campaign, monkeypatch):
    """As after a change of the templates: each part needs its own."""
    words_of = letters.words_of
    for part in ("html", "text"):

        def words(*, part: str = part, **given: object) -> letters.Words:
            written = words_of(**given)
            # The link to the preferences, which bears the same mark, stays.
            left = getattr(written, part).replace(f"/unsubscribe/{letters.MARK}", "")
            assert letters.MARK in left
            return written._replace(**{part: left})

        monkeypatch.setattr(letters, "words_of", words)
        assert "lien de désabonnement manque" in found(campaign)


def test_a_message_gmail_would_cut_blocks(campaign):
    assert "102" in found(campaign, body_fr="mot " * 30_000)


def test_an_image_without_words_only_deserves_a_look(campaign):
    campaign.body_fr = "![](https://boreal.example/n.jpg)"
    (problem,) = review.problems(campaign=campaign)
    assert not problem.is_blocking


def test_a_merchant_without_an_address_may_not_send(campaign):
    Merchant.objects.update(address_line1="")
    campaign.refresh_from_db()
    assert "adresse postale" in found(Campaign.objects.select_related("merchant").get(pk=campaign.pk))


def test_nobody_to_write_to_blocks(topic):
    assert "Personne" in found(factories.CampaignFactory(topic=topic))


def test_each_step_is_possible_only_from_where_it_starts(campaign, today, sam):
    with pytest.raises(NotPossibleNow):
        campaigns.begin(campaign=campaign)
    with pytest.raises(NotPossibleNow):
        campaigns.pause(campaign=campaign)
    campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)
    campaigns.withdraw(campaign=campaign)
    campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)
    assert campaigns.begin(campaign=campaign) == 2
    with pytest.raises(CampaignBegun):
        campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)
    with pytest.raises(NotPossibleNow):
        campaigns.begin(campaign=campaign)


def test_what_blocks_is_said_when_somebody_insists(campaign, today, sam):
    campaign.body_fr = ""
    campaign.save()
    with pytest.raises(CampaignNotReady, match="il manque"):
        campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)


@pytest.mark.parametrize("language", ["fr-ca", "en-ca"])
def test_what_blocks_only_when_it_should_leave_takes_it_back_and_the_desk_is_told(campaign, today, sam, language):
    sam.language = language
    sam.save()
    campaign.created_by = sam
    campaign.save()
    campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)
    Merchant.objects.update(address_line1="")
    assert campaigns.begin_due() == 0
    campaign.refresh_from_db()
    assert (campaign.status, campaign.scheduled_at, campaign.started_at) == ("draft", None, None)
    assert not Recipient.objects.exists()
    letter = OutgoingMessage.objects.get()
    assert (letter.recipient, letter.language) == (campaign.merchant.email, language)
    wanted = "adresse postale" if language == "fr-ca" else "mailing address"
    assert wanted in letter.text
    assert wanted in letter.html
    assert campaigns.begin_due() == 0
    assert OutgoingMessage.objects.count() == 1
    Merchant.objects.update(address_line1="1, rue du Quai")
    campaigns.schedule(campaign=campaign, at=today, seen=campaigns.fingerprint_of(campaign=campaign), by=sam)
    assert campaigns.begin_due() == 1
