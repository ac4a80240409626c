"""The agents' pages of the newsletter: a campaign from draft to results, proofs, and merchants kept apart."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default as mime

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import mail
from accounts.formats import iso_moment
from accounts.models import OutgoingMessage, User
from newsletter.letters import NOBODY, Letters
from newsletter.links import token_of
from newsletter.models import Campaign, Consent, Newsletter, Recipient, SignUp, Subscriber, Topic, Wording
from newsletter.services import campaigns, sign_ups, subscriptions
from organizations.models import Merchant
from portal.mailers import mailers
from tests import factories
from tests.newsletter.measuring import choose, measure
from tests.newsletter.posting import filled
from tests.sinks import Sink, running

pytestmark = pytest.mark.django_db
LISTS = ["campaign", "subscriber", "consent", "topic", "wording", "newsletter"]


@pytest.fixture
def stranger(client: Client, zoe: User) -> Client:
    client.force_login(zoe, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.fixture
def consent(topic: Topic) -> Consent:
    return factories.ConsentFactory(
        topic=topic,
        wording=Wording.objects.get(),
        subscriber__email="luc@example.org",
        ip="203.0.113.7",
        user_agent="Mozilla/5.0",
    )


@pytest.fixture
def campaign(topic: Topic, consent: Consent) -> Campaign:
    Newsletter.objects.create(merchant=topic.merchant)
    return factories.CampaignFactory(topic=topic)


def page(name: str, *args: object) -> str:
    return reverse(f"admin:newsletter_{name}", args=args)


def ledger(agent: Client) -> list[dict[str, str]]:
    """The rows of the export, which begins with the mark that tells Excel its encoding."""
    text = b"".join(agent.get(page("consent_export")).streaming_content).decode()
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:])))


def rows(campaign: Campaign) -> dict[str, int]:
    return {
        "campaign": campaign.pk,
        "subscriber": Subscriber.objects.get().pk,
        "consent": Consent.objects.get().pk,
        "topic": campaign.topic_id,
        "wording": Wording.objects.get().pk,
        "newsletter": Newsletter.objects.get().pk,
    }


def draft(topic: Topic, **fields: object) -> dict[str, object]:
    return {
        "topic": topic.pk,
        "subject_fr": "Nacelles",
        "subject_en": "Lifts",
        "preheader_fr": "",
        "preheader_en": "",
        "body_fr": "Bonjour",
        "body_en": "Hello",
        "is_public": "on",
        **fields,
    }


def confirm(agent: Client, campaign: Campaign, **pressed: str) -> HttpResponse:
    """Read the page that sends, then press one of its buttons."""
    address = page("campaign_schedule", campaign.pk)
    return agent.post(address, filled(agent.get(address).text, having="day") | pressed)


@pytest.mark.parametrize("name", LISTS)
def test_an_agent_opens_every_list_and_row_in_few_queries(name, agent, campaign, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        listed = agent.get(page(f"{name}_changelist"))
    address = page(f"{name}_change", rows(campaign)[name])
    assert address in listed.content.decode()
    opened = agent.get(address)
    assert opened.status_code == 200
    assert "style=" not in opened.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_another_merchant_s_agent_sees_and_opens_nothing(name, stranger, campaign):
    listed = stranger.get(page(f"{name}_changelist")).content.decode()
    address = page(f"{name}_change", rows(campaign)[name])
    assert address not in listed
    assert "Offres du mois" not in listed
    assert stranger.get(address).status_code == 302


def test_another_merchant_s_agent_acts_on_nothing(stranger, campaign, consent):
    pages = [
        *(page(f"campaign_{name}", campaign.pk) for name in ("preview", "test", "schedule")),
        page("campaign_letter", campaign.pk, "fr-ca"),
        page("campaign_act", campaign.pk, "cancel"),
        *(page(f"subscriber_{name}", consent.subscriber_id) for name in ("proof", "withdraw")),
    ]
    for address in pages:
        assert stranger.get(address).status_code == 404, address
        assert stranger.post(address, {"channel": "phone", "email": "z@example.org"}).status_code == 404, address
    assert Consent.objects.count() == 1
    export = b"".join(stranger.get(page("consent_export")).streaming_content).decode()
    assert "luc@example.org" not in export


@pytest.mark.parametrize("name", ["consent", "subscriber", "campaign", "wording"])
def test_nothing_of_the_ledger_is_deleted(name, agent, campaign):
    assert agent.post(page(f"{name}_delete", rows(campaign)[name]), {"post": "yes"}).status_code == 403


def test_a_topic_is_made_for_one_s_own_merchant_alone(agent, boreal, riviere):
    fields = {"slug": "neuf", "name_fr": "Neuf", "name_en": "New", "about_fr": "", "about_en": ""}
    agent.post(page("topic_add"), {"merchant": riviere.pk, **fields})
    assert not Topic.objects.exists()
    agent.post(page("topic_add"), {"merchant": boreal.pk, **fields})
    assert Topic.objects.get().merchant == boreal


def test_a_topic_somebody_answered_to_keeps_its_names(agent, topic, boreal):
    form = {"merchant": boreal.pk, "name_fr": "Rabais", "name_en": "Discounts", "about_fr": "", "about_en": ""}
    agent.post(page("topic_change", topic.pk), form)
    topic.refresh_from_db()
    assert topic.name_fr == "Rabais"
    factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    assert "elles font partie de la preuve" in agent.get(page("topic_change", topic.pk)).text
    agent.post(page("topic_change", topic.pk), {**form, "name_fr": "Autre", "about_fr": "Chaque mois"})
    topic.refresh_from_db()
    assert (topic.name_fr, topic.about_fr) == ("Rabais", "Chaque mois")


def test_a_wording_is_added_and_never_edited(agent, topic, sam):
    texts = {"text_fr": "J’accepte tout.", "text_en": "I accept all."}
    form = {"merchant": topic.merchant_id, "purpose": "news", **texts}
    assert agent.post(page("wording_add"), form).status_code in {302, 303}
    latest = Wording.objects.latest("version")
    assert (latest.version, latest.text_en, latest.created_by) == (2, "I accept all.", sam)
    assert agent.post(page("wording_change", latest.pk), form).status_code == 403


def test_the_day_of_the_last_purchase_is_picked_from_a_calendar(agent, campaign):
    Campaign.objects.update(to_purchased_since=date(2026, 3, 4))
    form = agent.get(page("campaign_change", campaign.pk)).content.decode()
    field = re.search(r'<input[^>]*name="to_purchased_since"[^>]*>', form)[0]
    assert 'type="date"' in field
    assert 'value="2026-03-04"' in field


def test_a_test_is_sent_to_no_address_whose_domain_reads_as_another(agent, campaign):
    answer = agent.post(page("campaign_test", campaign.pk), {"email": "luc@exam\u202eple.org"})
    assert answer.status_code == 422
    assert not OutgoingMessage.objects.exists()


def test_a_draft_is_written_then_edited(agent, topic, sam):
    response = agent.post(page("campaign_add"), draft(topic))
    campaign = Campaign.objects.get()
    assert response.url == page("campaign_change", campaign.pk)
    assert (campaign.merchant, campaign.created_by, campaign.status) == (topic.merchant, sam, "draft")
    agent.post(response.url, draft(topic, subject_fr="Nacelles à rabais"))
    campaign.refresh_from_db()
    assert campaign.subject_fr == "Nacelles à rabais"


def test_a_branch_of_another_merchant_is_refused(agent, topic, sam, riviere):
    branch = factories.BranchFactory(merchant=riviere)
    response = agent.post(page("campaign_add"), draft(topic, to_branch=branch.pk))
    assert response.status_code == 200
    assert not Campaign.objects.exists()


def test_the_page_of_a_draft_tells_its_audience_and_what_to_correct(agent, campaign):
    for n in range(2):
        subscriber = factories.SubscriberFactory(
            merchant=campaign.merchant, language="en-ca", email=f"e{n}@example.org"
        )
        factories.ConsentFactory(topic=campaign.topic, subscriber=subscriber, wording=Wording.objects.get())
    content = agent.get(page("campaign_change", campaign.pk)).text
    assert "Rien à corriger" in content
    audience = re.search(r"<h2>Auditoire</h2>\s*<p>Offres du mois</p>\s*<p>(.*?)</p>", content)[1]
    assert re.sub(r"<[^>]+>", "", audience).replace("\xa0", " ") == "Anglais : 2 · Français : 1"
    assert "Les liens vers d’autres sites sont essayés" in content
    Campaign.objects.update(body_fr="", subject_en="")
    assert "il manque l’objet ou le texte" in agent.get(page("campaign_change", campaign.pk)).text


def test_a_campaign_canceled_before_it_began_is_no_longer_sent(agent, campaign):
    for status, is_shown in (("draft", True), ("canceled", False)):
        Campaign.objects.update(status=status)
        content = agent.get(page("campaign_change", campaign.pk)).text
        assert (page("campaign_test", campaign.pk) in content) is is_shown
        assert (page("campaign_schedule", campaign.pk) in content) is is_shown
        assert ("Rien à corriger" in content) is is_shown


def test_the_preview_frames_the_mail_which_can_do_nothing(agent, campaign):
    shown = agent.get(page("campaign_preview", campaign.pk))
    assert shown.content.decode().count("<iframe") == 4
    assert "frame-src 'self'" in shown.headers["Content-Security-Policy"]
    letter = agent.get(page("campaign_letter", campaign.pk, "en-ca"))
    assert "half price" in letter.content.decode()
    policy = letter.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_preview_names_its_frames_shows_the_preheader_and_says_when_french_stands_for_english(agent, campaign):
    Campaign.objects.update(preheader_fr="Tout novembre", preheader_en="All November")
    address = page("campaign_preview", campaign.pk)
    shown = agent.get(address).text
    assert shown.count("<figcaption") == 4
    assert shown.count(">Sur un téléphone</figcaption>") == shown.count(">Sur un ordinateur</figcaption>") == 2
    assert "<dd>Tout novembre</dd>" in shown
    assert "<dd>All November</dd>" in shown
    assert "le français est affiché à sa place" not in shown
    for missing in ("subject_en", "body_en"):
        Campaign.objects.update(**{missing: ""})
        assert agent.get(address).text.count("le français est affiché à sa place") == 1


def test_the_pages_of_a_letter_tried_before_it_began_say_which_link_does_not_work_yet(agent, campaign):
    addresses = [page(f"campaign_{name}", campaign.pk) for name in ("preview", "test")]
    told = "Son lien de lecture dans un navigateur fonctionnera"
    assert [told in agent.get(address).text for address in addresses] == [True, True]
    Campaign.objects.update(is_public=False)
    assert [told in agent.get(address).text for address in addresses] == [False, False]
    Campaign.objects.update(is_public=True, status="paused", started_at=timezone.now())
    assert [told in agent.get(address).text for address in addresses] == [False, False]


def test_the_links_of_a_preview_open_in_a_tab_of_their_own_and_the_letter_sent_knows_nothing_of_it(agent, campaign):
    shown = agent.get(page("campaign_letter", campaign.pk, "fr-ca"))
    assert '<base target="_blank">' in shown.text.partition("</head>")[0]
    policy = dict(part.strip().partition(" ")[::2] for part in shown.headers["Content-Security-Policy"].split(";"))
    assert set(policy["sandbox"].split()) == {"allow-popups", "allow-popups-to-escape-sandbox"}
    assert "s’ouvrent dans un nouvel onglet" in agent.get(page("campaign_preview", campaign.pk)).text
    sent = Letters(campaign=campaign).to(reader=NOBODY)
    assert "<base" not in message_from_bytes(sent, policy=mime).get_body(("html",)).get_content()


def test_a_campaign_that_cannot_be_written_has_a_page_that_says_so(agent, campaign, settings):
    settings.DKIM_KEY = "not a key"
    content = agent.get(page("campaign_change", campaign.pk)).content.decode()
    assert "ne peut être écrit" in content
    preview = agent.get(page("campaign_preview", campaign.pk), follow=True)
    assert "fr-ca" in preview.content.decode()
    assert agent.get(page("campaign_letter", campaign.pk, "fr-ca")).status_code == 404
    refused = agent.post(page("campaign_test", campaign.pk), {"email": "sam@boreal.example"})
    assert refused.status_code == 422
    assert not OutgoingMessage.objects.exists()


def test_a_test_is_the_very_message_of_the_campaign_in_both_languages(agent, campaign, settings, tmp_path):
    with running(Sink()) as sink:
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        agent.post(page("campaign_test", campaign.pk), {"email": "sam@boreal.example"})
        mail.hang_up()
    sent = sink.mails
    assert [message["Subject"] for message in sent] == ["Nacelles à moitié prix", "Half-price lifts"]
    for message in sent:
        assert message["To"] == "sam@boreal.example"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = str(message["List-Unsubscribe"]).split(">")[0].removeprefix("<http://localhost:8000")
        assert agent.get(link).status_code == 404
    assert not Recipient.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_a_test_that_cannot_leave_says_what_the_server_answered(agent, campaign, settings, tmp_path):
    with running(Sink()) as sink:
        sink.on_data = lambda envelope: "554 5.7.1 looks like spam"
        settings.MAILERS = mailers(url=sink.url, folder=tmp_path)
        refused = agent.post(page("campaign_test", campaign.pk), {"email": "sam@boreal.example"})
        mail.hang_up()
    assert refused.status_code == 422
    assert "looks like spam" in refused.content.decode()


def test_a_campaign_is_scheduled_paused_resumed_and_canceled(agent, campaign):
    response = confirm(agent, campaign, now="1")
    assert response.status_code == 303
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"
    assert campaigns.begin_due() == 1
    for act, status in (("pause", "paused"), ("resume", "sending"), ("cancel", "canceled")):
        assert agent.get(page("campaign_act", campaign.pk, act)).status_code == 200
        agent.post(page("campaign_act", campaign.pk, act))
        campaign.refresh_from_db()
        assert campaign.status == status
    assert agent.get(page("campaign_act", campaign.pk, "explode")).status_code == 404
    content = agent.get(page("campaign_change", campaign.pk)).content.decode()
    assert "<svg" in content
    assert "Les ouvertures et les clics ne sont pas observés" in content
    assert "Annulé" in content


def test_a_campaign_with_something_to_correct_is_not_scheduled(agent, campaign):
    Campaign.objects.update(body_fr="[ici](/nulle-part)")
    campaign.refresh_from_db()
    address, seen = page("campaign_schedule", campaign.pk), campaigns.fingerprint_of(campaign=campaign)
    # What must be corrected is said before anything can be pressed, and refused all the same.
    assert "/nulle-part" in agent.get(address).text
    assert "<form" not in agent.get(address).text.partition("<main")[2]
    response = agent.post(address, {"day": "2026-12-01", "hour": "09:00", "seen": seen})
    assert response.status_code == 422
    assert "/nulle-part" in response.content.decode()
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_a_moment_that_is_past_schedules_nothing_and_no_moment_is_no_way_to_send_now(agent, campaign, today):
    response = confirm(agent, campaign, day="2020-01-01", hour="10:00")
    assert response.status_code == 422
    assert "Ce moment est passé" in response.text
    response = confirm(agent, campaign, day="", hour="")
    assert response.status_code == 422
    assert "Ce champ est obligatoire" in response.text
    campaign.refresh_from_db()
    assert campaign.status == "draft"
    assert confirm(agent, campaign, now="1").status_code == 303
    assert "La campagne part maintenant" in agent.get(page("campaign_change", campaign.pk)).text


def test_a_campaign_leaves_at_the_hour_of_quebec(agent, campaign, today):
    assert confirm(agent, campaign, day="2026-12-01", hour="").status_code == 422
    confirm(agent, campaign, day="2026-12-01", hour="09:00")
    campaign.refresh_from_db()
    assert campaign.scheduled_at.isoformat() == "2026-12-01T14:00:00+00:00"
    assert campaigns.begin_due() == 0


def test_a_stopped_campaign_waits_on_the_home_page(agent, campaign):
    Campaign.objects.update(
        status="stopped", started_at=timezone.now(), stopped_for="bounces", stopped_count=50, stopped_of=900
    )
    content = agent.get(reverse("admin:index")).content.decode()
    assert "50 adresses sur 900 n’existent pas" in content
    assert page("campaign_change", campaign.pk) in content


def test_the_proof_of_one_address_holds_every_part(agent, consent):
    topic, wording = consent.topic, consent.wording
    asked = {"email": "luc@example.org", "language": "fr-ca", "topics": [topic], "wording": wording}
    trace = subscriptions.Trace(channel=Consent.Channel.WEB_FORM, ip="198.51.100.4", user_agent="Asked with this")
    sign_ups.ask_to_subscribe(merchant=topic.merchant, trace=trace, **asked)
    imported = {"channel": "import", "source": "Carte signée", "wording": None, "language": ""}
    written = timezone.now() - timedelta(days=400)
    factories.ConsentFactory(topic=topic, subscriber=consent.subscriber, at=written, **imported)
    confirmed = {"sign_up": SignUp.objects.get(), "wording": wording}
    factories.ConsentFactory(topic=topic, subscriber=consent.subscriber, **confirmed)
    content = agent.get(page("subscriber_proof", consent.subscriber_id)).text
    parts = ("luc@example.org", wording.text_fr, "203.0.113.7", "Mozilla/5.0", "Offres du mois", "Exprès")
    for part in (*parts, "198.51.100.4", "Asked with this", "Carte signée", "Enregistré"):
        assert part in content, part
    lines = ledger(agent)
    assert [line["asked_user_agent"] for line in lines] == ["", "", "Asked with this"]
    assert (lines[1]["at"][:10], lines[1]["recorded_at"][:10]) == (
        written.date().isoformat(),
        timezone.now().date().isoformat(),
    )


def test_what_implies_a_consent_is_said_in_the_proof_the_history_and_the_export(agent, topic, today):
    implied = {"kind": "implied", "source": "F-1", "wording": None, "language": "", "topic": topic}
    bought = factories.ConsentFactory(at=today, expires_at=today + timedelta(days=730), channel="invoice", **implied)
    asked = {"at": today, "expires_at": today + timedelta(days=181), "channel": "import"}
    factories.ConsentFactory(subscriber=bought.subscriber, **asked, **implied)
    for name in ("proof", "change"):
        shown = agent.get(page(f"subscriber_{name}", bought.subscriber_id)).text
        assert "Tacite · Après un achat" in shown, name
        assert "Tacite · Après une demande" in shown, name
    assert [line["basis"] for line in ledger(agent)] == ["purchase", "inquiry"]


def test_a_consent_given_aloud_keeps_the_words_that_were_read(agent, topic, sam):
    shown = agent.get(page("subscriber_note")).text
    first = Wording.objects.get()
    assert first.text_fr in shown
    assert first.text_en in shown
    # Another wording is written while the agent is on the phone.
    factories.WordingFactory(merchant=topic.merchant, version=2)
    given = {"topics": [topic.pk], "email": ["Anne@example.org"], "language": ["en-ca"], "channel": ["phone"]}
    form = filled(shown, having="wordings", source=["Appel du 22 novembre, 10 h"], **given)
    assert agent.post(page("subscriber_note"), {**form, "source": ""}).status_code == 422
    assert agent.post(page("subscriber_note"), form).status_code == 303
    line = Consent.objects.get()
    assert (line.subscriber.email, line.by, line.channel) == ("anne@example.org", sam, "phone")
    assert (line.wording, line.language, line.subscriber.language) == (first, "en-ca", "en-ca")
    assert line.source == "Appel du 22 novembre, 10 h"


def test_without_words_to_read_no_consent_is_noted(agent, boreal):
    topic = factories.TopicFactory(merchant=boreal)
    form = {"topics": [topic.pk], "email": "a@example.org", "language": "fr-ca", "channel": "phone", "source": "Appel"}
    response = agent.post(page("subscriber_note"), form)
    assert response.status_code == 422
    assert "écrivez d’abord un libellé" in response.text
    assert not Consent.objects.exists()


def test_an_agent_unsubscribes_whoever_asks(agent, consent, sam):
    form = {"channel": "counter", "reason": "Au comptoir"}
    agent.post(page("subscriber_withdraw", consent.subscriber_id), form)
    line = Consent.objects.latest("pk")
    assert (line.act, line.by, line.channel) == ("withdrawn", sam, "counter")
    assert not consent.subscriber.subscriptions.active().exists()


def test_an_agent_notes_a_no_after_an_implied_consent_ended(agent, boreal):
    """The next purchase must not bring back who said no meanwhile."""
    topic = factories.TopicFactory(merchant=boreal, takes_implied=True)
    subscriber = factories.SubscriberFactory(merchant=boreal)
    address = page("subscriber_change", subscriber.pk)
    withdraw = page("subscriber_withdraw", subscriber.pk)
    assert withdraw in agent.get(address).text
    agent.post(withdraw, {"channel": "phone", "reason": ""})
    assert Consent.objects.get(act="withdrawn").topic == topic
    assert withdraw not in agent.get(address).text


def test_an_agent_notes_the_no_of_an_address_nobody_knew(agent, boreal, sam):
    topic = factories.TopicFactory(merchant=boreal)
    assert page("subscriber_refusal") in agent.get(page("subscriber_changelist")).text
    form = {"merchant": boreal.pk, "email": "Zoé@Bücher.example", "channel": "phone", "reason": "Pas de courriel"}
    assert "adresse" in agent.post(page("subscriber_refusal"), {**form, "email": "zoe"}).text
    assert not Subscriber.objects.exists()
    form["email"] = "Zoe@Bücher.example"
    response = agent.post(page("subscriber_refusal"), form)
    line = Consent.objects.get()
    assert response.status_code == 303
    assert (line.subscriber.email, line.topic, line.act) == ("zoe@xn--bcher-kva.example", topic, "withdrawn")
    assert (line.by, line.channel, line.reason) == (sam, "phone", "Pas de courriel")
    agent.post(page("subscriber_refusal"), form)
    assert Consent.objects.count() == 1


def test_an_agent_notes_refusals_for_their_own_merchants_only(agent, riviere):
    factories.TopicFactory(merchant=riviere)
    form = {"merchant": riviere.pk, "email": "z@example.org", "channel": "phone", "reason": ""}
    assert agent.post(page("subscriber_refusal"), form).status_code == 422
    assert not Subscriber.objects.exists()


def test_without_a_topic_an_agent_is_told_that_there_is_nothing_to_refuse(agent, boreal):
    form = {"merchant": boreal.pk, "email": "z@example.org", "channel": "phone", "reason": ""}
    answer = agent.post(page("subscriber_refusal"), form)
    assert answer.status_code == 422
    assert "Ce marchand n’a encore aucun sujet" in answer.text
    assert not Subscriber.objects.exists()


def test_the_subject_of_an_unsubscribe_message_finds_who_sent_it(agent, consent, campaign):
    factories.SubscriberFactory(merchant=campaign.merchant, email="autre@example.org")
    token = token_of(key=consent.subscriber.key, campaign_id=campaign.pk)
    for subject in (token, f"RE : {token.upper()} ", consent.subscriber.key.hex, "luc@ex"):
        listed = agent.get(page("subscriber_changelist"), {"q": subject}).text
        assert page("subscriber_change", consent.subscriber_id) in listed, subject
        assert "autre@example.org" not in listed, subject
    assert "luc@example.org" not in agent.get(page("subscriber_changelist"), {"q": "0" * 32}).text


def test_another_merchant_s_agent_finds_nobody_by_that_subject(stranger, consent):
    token = token_of(key=consent.subscriber.key)
    assert "luc@example.org" not in stranger.get(page("subscriber_changelist"), {"q": token}).text


def test_the_whole_ledger_is_downloaded_and_no_cell_is_a_formula(agent, consent, riviere: Merchant):
    Consent.objects.create(
        subscriber=consent.subscriber,
        topic=consent.topic,
        act="withdrawn",
        channel="link",
        reason="=1+1",
        user_agent="Mozilla;=1+1",
    )
    factories.ConsentFactory(topic__merchant=riviere, subscriber__email="autre@example.org")
    lines = ledger(agent)
    assert [(line["email"], line["act"]) for line in lines] == [
        ("luc@example.org", "given"),
        ("luc@example.org", "withdrawn"),
    ]
    assert lines[0]["wording"] == consent.wording.text_fr
    assert lines[1]["reason"] == "'=1+1"
    # Where the semicolon parts cells, too.
    assert lines[1]["user_agent"] == "Mozilla;'=1+1"


def test_a_campaign_s_day_is_said_in_its_list(agent, campaign, today):
    campaigns.schedule(
        campaign=campaign, at=today + timedelta(days=1), seen=campaigns.fingerprint_of(campaign=campaign), by=None
    )
    assert "2026-11-23" in agent.get(page("campaign_changelist")).content.decode()


def test_the_settings_and_a_topic_say_who_changed_what(agent, boreal, topic):
    settings = Newsletter.objects.create(merchant=boreal)
    form = {"merchant": boreal.pk, "per_minute": 600, "most_bounces": 5, "most_complaints": "0.3"}
    agent.post(page("newsletter_change", settings.pk), {**form, "takes_invoices": "on"})
    agent.post(page("newsletter_change", settings.pk), form)
    shown = agent.get(page("newsletter_change", settings.pk)).text
    assert "Consentement tacite tiré des factures\xa0: Oui" in shown
    assert "Consentement tacite tiré des factures\xa0: Non" in shown
    assert shown.index("Non</strong>") < shown.index("Oui</strong>")
    assert "sam@boreal.example" in shown
    words = {"name_fr": topic.name_fr, "name_en": topic.name_en, "about_fr": "", "about_en": ""}
    agent.post(page("topic_change", topic.pk), {**words, "takes_implied": "on"})
    topic.refresh_from_db()
    assert topic.takes_implied
    assert "Oui</strong>" in agent.get(page("topic_change", topic.pk)).text


def test_turning_measuring_on_writes_the_words_to_agree_to_once_in_both_languages(agent, boreal, sam, settings):
    address = page("newsletter_add")
    shown = agent.get(address).text
    assert "Loi 25" in shown
    form = {"merchant": boreal.pk, "per_minute": 600, "most_bounces": 5, "most_complaints": "0.3"}
    agent.post(address, form)
    assert not Wording.objects.exists()
    address = page("newsletter_change", Newsletter.objects.get().pk)
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "", "WEBHOOK_SECRET": None}
    told = agent.post(address, {**form, "measures": "on"}, follow=True).text
    assert "Aucun service d’envoi ne nous dit encore rien" in told
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "key", "WEBHOOK_SECRET": None}
    told = agent.post(address, {**form, "measures": "on"}, follow=True).text
    assert "Aucun service d’envoi" not in told
    written = Wording.objects.get()
    assert (written.purpose, written.version, written.created_by) == ("measuring", 1, sam)
    assert "Location Boréal peut savoir si j’ouvre ses messages" in written.text_fr
    assert "Location Boréal may know whether I open its messages" in written.text_en


def test_words_for_measuring_are_versions_of_their_own(agent, topic):
    measure(topic.merchant)
    texts = {"text_fr": "Mesurez-moi.", "text_en": "Measure me."}
    agent.post(page("wording_add"), {"merchant": topic.merchant_id, "purpose": "measuring", **texts})
    assert Wording.objects.get(text_en="Measure me.").version == 2
    assert subscriptions.wording_of(merchant=topic.merchant) == Wording.objects.get(purpose="news")
    # Nobody is read them for a topic.
    assert "Mesurez-moi." not in agent.get(page("subscriber_note")).text


def test_a_consent_to_be_measured_is_in_the_proof_the_ledger_and_the_export(agent, consent):
    measure(consent.subscriber.merchant)
    choose(consent.subscriber, agrees=True)
    line = Consent.objects.latest("pk")
    proof = agent.get(page("subscriber_proof", consent.subscriber_id)).text
    assert "Ouvertures et clics · Donné · Exprès" in proof
    assert line.wording.text_fr in proof
    assert "Ouvertures et clics" in agent.get(page("consent_changelist")).text
    assert "Ouvertures et clics" in agent.get(page("consent_change", line.pk)).text
    row = agent.get(page("subscriber_change", consent.subscriber_id)).text
    assert re.search(rf"Mesure acceptée.{{0,200}}{iso_moment(line.at)}", row, re.IGNORECASE | re.DOTALL)
    news, measured = ledger(agent)
    assert (news["purpose"], news["topic"]) == ("news", "offres")
    assert (measured["purpose"], measured["topic"], measured["wording"]) == ("measuring", "", line.wording.text_fr)
