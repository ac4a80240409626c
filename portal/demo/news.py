"""The newsletters of the story: topics, wordings, who agreed to what, a campaign of the past and one being written."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Language, User
from newsletter.audience import write_recipients
from newsletter.models import Campaign, Consent, Newsletter, Recipient, Topic
from newsletter.services.implied import note_implied
from newsletter.services.subscriptions import Trace, leave, note_consent, write_wording
from organizations.models import Merchant

WORDS = {
    "fr": "J’accepte de recevoir par courriel l’infolettre de {name} sur les sujets choisis. Je peux me désabonner en tout temps.",  # noqa: E501 - one sentence
    "en": "I agree to receive by e-mail the newsletter of {name} on the topics chosen. I may unsubscribe at any time.",
}
TOPICS = {
    "boreal": (
        ("offres", "Offres du mois", "Monthly offers", "Rabais de location, une fois par mois", "Rental discounts, once a month", True),  # noqa: E501 - one topic a line
        ("securite", "Sécurité au chantier", "Site safety", "Rappels, règles et formations", "Recalls, rules and courses", False),  # noqa: E501 - same
    ),
    "riviere": (("sorties", "Sorties sur l’eau", "Trips on the water", "Le calendrier du club", "The club’s calendar", False),),  # noqa: E501 - same
}  # fmt: skip
PAST_FR = """Bonjour,

Novembre est le mois des nacelles : **moitié prix** sur toutes les locations d’une semaine ou plus, dans toutes
nos succursales.

- Nacelle articulée de 60 pi : 1 150 $ la semaine
- Plateforme à ciseaux de 26 pi : 310 $ la semaine

Réservez par téléphone ou au comptoir.

## Pensez à l’hiver

Nos chaufferettes au propane sont arrivées. Quantités limitées.
"""
PAST_EN = """Hello,

November is lift month: **half price** on every rental of a week or more, at all our branches.

- 60 ft articulated lift: $1,150 a week
- 26 ft scissor lift: $310 a week

Reserve by phone or at the counter.

## Think of winter

Our propane heaters have arrived. Quantities are limited.
"""
DRAFT_FR = """Bonjour,

Nos comptoirs ferment du **24 décembre à midi au 2 janvier**. Les urgences sont prises par téléphone.
"""
DRAFT_EN = """Hello,

Our counters close from **noon on December 24 to January 2**. Emergencies are taken by phone.
"""


def publish(*, merchants: list[Merchant]) -> None:
    """Topics and consents of both merchants, then the campaigns of the first."""
    for merchant in merchants:
        wordings = {language: text.format(name=merchant.name) for language, text in WORDS.items()}
        write_wording(merchant=merchant, text_fr=wordings["fr"], text_en=wordings["en"], by=None)
        for slug, name_fr, name_en, about_fr, about_en, takes_implied in TOPICS[merchant.slug]:
            Topic.objects.create(
                merchant=merchant, slug=slug, name_fr=name_fr, name_en=name_en, about_fr=about_fr, about_en=about_en,
                takes_implied=takes_implied,
            )  # fmt: skip
        Newsletter.objects.create(merchant=merchant, takes_invoices=merchant.slug == "boreal")
    boreal = merchants[0]
    _subscribe(merchant=boreal)
    note_implied()
    _campaigns(merchant=boreal)


def _subscribe(*, merchant: Merchant) -> None:
    """Whom agents noted at the counter; one of them has left since."""
    sam = User.objects.get(email="sam@boreal.example")
    trace = Trace(channel=Consent.Channel.COUNTER, by=sam)
    topics = list(Topic.objects.filter(merchant=merchant).order_by("pk"))
    people = ("ines@example.org", "nadia@noname.example", "bob@acme.example", "charlie@globex.example")
    for email in people:
        subscriber = note_consent(
            email=email,
            language=Language.ENGLISH if email.startswith("charlie") else Language.FRENCH,
            topics=topics,
            wording=merchant.wordings.latest("version"),
            source="Carte signée au comptoir de Laval",
            trace=trace,
        )
    leave(subscriber=subscriber, trace=Trace(channel=Consent.Channel.LINK), reason="Trop de messages")


def _campaigns(*, merchant: Merchant) -> None:
    topic = Topic.objects.get(merchant=merchant, slug="offres")
    sent_at = timezone.now() - timedelta(days=12)
    past = Campaign.objects.create(
        merchant=merchant, topic=topic, subject_fr="Nacelles à moitié prix en novembre",
        subject_en="Half-price lifts in November", preheader_fr="Toutes les locations d’une semaine ou plus",
        preheader_en="Every rental of a week or more", body_fr=PAST_FR, body_en=PAST_EN,
    )  # fmt: skip
    write_recipients(campaign=past)
    # As a worker and the mail service would have left it.
    rows = Recipient.objects.filter(campaign=past)
    rows.update(status=Recipient.Status.SENT, sent_at=sent_at, delivered_at=sent_at, attempts=1)
    Campaign.objects.filter(pk=past.pk).update(status=Campaign.Status.SENT, started_at=sent_at, finished_at=sent_at)
    Campaign.objects.create(
        merchant=merchant, topic=topic, subject_fr="Horaire des Fêtes", subject_en="Holiday hours", body_fr=DRAFT_FR,
        body_en=DRAFT_EN,
    )  # fmt: skip
