"""The newsletter in a real browser: a visitor subscribes and leaves; an agent's campaign goes from draft to results."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.models import User
from newsletter.letters import words_of
from newsletter.models import Campaign, Consent, Newsletter, Recipient, Subscription, Topic, Wording
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "fr-CA"), (360, "dark", "en-CA")])
def test_from_the_footer_to_the_profile_and_out(width, scheme, language, browse, worker, mailbox, topic, ines: User):
    """Inès subscribes as anybody would, confirms, finds it in her profile, and leaves by the link of a message."""
    ines.language = language.lower()
    ines.save()
    is_french = language == "fr-CA"
    visit = browse(locale=language, width=width, scheme=scheme)
    page = visit.open("/")
    page.locator("details.disclosure summary").click()
    page.fill("#subscribe_email", ines.email)
    page.locator("#subscribe_topics_0").check()
    visit.submit("form[action*='newsletter/subscribe'] button")
    link = mailbox.link_to(ines.email, "/newsletter/confirm/")
    visit.open(link)
    assert not Subscription.objects.exists()
    visit.press("Confirmer mon abonnement" if is_french else "Confirm my subscription")
    subscription = Subscription.objects.active().get()
    visit.sign_in(ines.email, factories.PASSWORD)
    page = visit.open(reverse("newsletter:profile"))
    assert page.locator("input[name=topics]").first.is_checked()
    leave = "Veuillez me désabonner" if is_french else "Please unsubscribe me"
    visit.press(leave)
    assert not Subscription.objects.active().exists()
    # Nothing is left to leave, and whoever changes their mind agrees anew.
    assert not page.get_by_role("button", name=leave).count()
    page.locator("input[name=topics]").first.check()
    if page.locator("[name=agreed]").count():
        page.locator("[name=agreed]").check()
    visit.press("Enregistrer mes choix" if is_french else "Save my choices")
    assert Subscription.objects.active().get() == subscription
    assert Consent.objects.filter(act="given", subscriber=subscription.subscriber).count() == 2
    visit.open(reverse("newsletter:unsubscribe", args=[subscription.subscriber.key.hex]))
    visit.press(leave)
    assert not Subscription.objects.active().exists()
    visit.open(reverse("newsletter:preferences", args=[subscription.subscriber.key.hex]))
    visit.open(reverse("newsletter:archive-list"))


BODY = """## Tout novembre

Les nacelles sont à **moitié prix**.

[Voir toutes les nacelles articulées et à ciseaux](https://boreal.example/nacelles)

- livraison comprise à moins de 50 km
- [aucun dépôt](https://boreal.example/depot) pour les membres

> La meilleure saison.

![Une nacelle](https://boreal.example/nacelle.png)

<https://boreal.example/une/adresse/bien/plus/longue/que/ne/le/permet/un/telephone/tenu/debout?de=la&main=gauche>

    un_bloc_de_code_plus_long_que_ne_le_permet_un_telephone_tenu_debout_de_la_main_gauche()
"""
# Of each text that shows: its size and its words.
SIZES = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = []
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode
    if (data.trim() && parentElement.checkVisibility())
      found.push([parseFloat(getComputedStyle(parentElement).fontSize), data.trim()])
  }
  return found
}"""


@pytest.mark.parametrize(("language", "scheme"), [("fr-ca", "light"), ("en-ca", "dark")])
def test_a_letter_is_read_on_a_phone_without_scrolling_sideways(browse, topic: Topic, language, scheme):
    campaign = factories.CampaignFactory(topic=topic, body_fr=BODY, body_en=BODY)
    words = words_of(campaign=campaign, language=language)
    picture = BytesIO()
    Image.new("RGB", (1200, 300), "seagreen").save(picture, "PNG")
    page = browse(width=360, scheme=scheme).page
    page.route(
        "https://boreal.example/**", lambda route: route.fulfill(body=picture.getvalue(), content_type="image/png")
    )
    page.set_content(words.html)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.images[0].naturalWidth") == 1200
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert Image.open(BytesIO(page.screenshot(full_page=True))).width == 360
    sizes = page.evaluate(SIZES)
    assert min(size for size, _text in sizes) >= 14, sorted(sizes)[:3]
    button = page.locator("a[href='https://boreal.example/nacelles']").bounding_box()
    assert button["height"] >= 44
    assert button["x"] + button["width"] <= 360


def test_a_campaign_from_draft_to_results(browse, worker, mailbox, topic: Topic, sam: User):
    Newsletter.objects.create(merchant=topic.merchant)
    for n in range(3):
        factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), subscriber__email=f"p{n}@example.org")
    visit = browse()
    visit.sign_in(sam.email, factories.PASSWORD)
    page = visit.open(reverse("admin:newsletter_campaign_add"))
    page.select_option("[name=topic]", str(topic.pk))
    page.fill("[name=subject_fr]", "Nacelles à moitié prix")
    page.fill("[name=subject_en]", "Half-price lifts")
    page.fill("[name=body_fr]", "Tout novembre, **moitié prix**.")
    page.fill("[name=body_en]", "All November, **half price**.")
    visit.press("Enregistrer")
    visit.press("Aperçu")
    assert visit.page.locator("iframe").count() == 4
    visit.press("Retour")
    visit.press("Planifier…")
    visit.press("Envoyer maintenant à 3 personnes")
    message = mailbox.newest_to("p1@example.org")
    assert message["Subject"] == "Nacelles à moitié prix"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    mailbox.newest_to("p2@example.org")
    campaign = Campaign.objects.get()
    for _look in range(40):
        campaign.refresh_from_db()
        if campaign.status == Campaign.Status.SENT:
            break
        visit.page.wait_for_timeout(500)
    page = visit.open(reverse("admin:newsletter_campaign_change", args=[campaign.pk]))
    assert Recipient.objects.filter(status="sent").count() == 3
    assert re.search(r"Envoyé\s+3", page.locator("table.lines").inner_text())
    link = re.search(r"https?://\S*/newsletter/unsubscribe/\S+", message.get_body(("plain",)).get_content())[0]
    visitor = browse()
    visitor.open(link)
    visitor.press("Veuillez me désabonner")
    page = visit.open(reverse("admin:newsletter_campaign_change", args=[campaign.pk]))
    assert re.search(r"Désabonné par ce message\s+1", page.locator("table.lines").inner_text())


def test_a_link_of_the_preview_opens_in_a_tab_of_its_own(browse, topic: Topic, sam: User):
    campaign = factories.CampaignFactory(topic=topic)
    visit = browse()
    visit.sign_in(sam.email, factories.PASSWORD)
    page = visit.open(reverse("admin:newsletter_campaign_preview", args=[campaign.pk]))
    page.context.route("https://boreal.example/**", lambda route: route.fulfill(body="<h1>Nacelles</h1>"))
    link = page.frame_locator("iframe").first.locator("a[href='https://boreal.example/nacelles']")
    with page.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url("https://boreal.example/nacelles")
    assert page.url.endswith("/preview/")
    assert link.is_visible()


def test_every_agent_s_page_of_the_newsletter_is_accessible_and_fits(browse, topic: Topic, sam: User):
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    settings = Newsletter.objects.create(merchant=topic.merchant)
    campaign = factories.CampaignFactory(topic=topic)
    visit = browse(width=390, scheme="dark")
    visit.sign_in(sam.email, factories.PASSWORD)
    names = ("campaign", "subscriber", "consent", "topic", "wording", "newsletter")
    for name in names:
        visit.open(reverse(f"admin:newsletter_{name}_changelist"))
    rows = {
        "campaign": campaign.pk, "subscriber": consent.subscriber_id, "consent": consent.pk, "topic": topic.pk,
        "wording": consent.wording_id, "newsletter": settings.pk,
    }  # fmt: skip
    for name in names:
        visit.open(reverse(f"admin:newsletter_{name}_change", args=[rows[name]]))
    for name in ("preview", "test", "schedule"):
        visit.open(reverse(f"admin:newsletter_campaign_{name}", args=[campaign.pk]))
    for name in ("proof", "withdraw"):
        visit.open(reverse(f"admin:newsletter_subscriber_{name}", args=[consent.subscriber_id]))
    visit.open(reverse("admin:newsletter_subscriber_note"))


@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "fr-CA"), (360, "dark", "en-CA")])
def test_measuring_from_the_settings_to_the_results(width, scheme, language, browse, topic, ines: User, sam: User):
    """Sam turns it on, Inès agrees in her profile, and a campaign she opened says so."""
    is_french = language == "fr-CA"
    for person in (ines, sam):
        person.language = language.lower()
        person.save()
    consent = factories.ConsentFactory(
        topic=topic, wording=Wording.objects.get(), subscriber__email=ines.email, subscriber__language=language.lower()
    )
    newsletter = Newsletter.objects.create(merchant=topic.merchant)
    agent = browse(locale=language, width=width, scheme=scheme)
    agent.sign_in(sam.email, factories.PASSWORD)
    page = agent.open(reverse("admin:newsletter_newsletter_change", args=[newsletter.pk]))
    page.locator("[name=measures]").check()
    agent.press("Enregistrer" if is_french else "Save")
    reader = browse(locale=language, width=width, scheme=scheme)
    reader.sign_in(ines.email, factories.PASSWORD)
    page = reader.open(reverse("newsletter:profile"))
    box = page.get_by_role("checkbox", name="peut savoir si j’ouvre" if is_french else "may know whether I open")
    assert not box.is_checked()
    box.check()
    reader.press("Enregistrer mes choix" if is_french else "Save my choices")
    assert box.is_checked()
    consent.subscriber.refresh_from_db()
    assert consent.subscriber.measured_at is not None
    now = timezone.now()
    campaign = factories.CampaignFactory(topic=topic, status="sent", started_at=now, finished_at=now)
    seen = {"status": "sent", "sent_at": now, "is_measured": True, "opened_at": now}
    Recipient.objects.create(campaign=campaign, subscriber=consent.subscriber, **seen)
    page = agent.open(reverse("admin:newsletter_campaign_change", args=[campaign.pk]))
    said = page.locator("table.lines").last.inner_text()
    assert re.search(r"(Ouvert|Opened)\s.*?1\s.*?100\s?%", said, re.DOTALL)
    agent.open(reverse("admin:newsletter_subscriber_proof", args=[consent.subscriber_id]))
