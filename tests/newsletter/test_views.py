"""The pages of subscribing, choosing and leaving, as a visitor, a scanner, a robot and a mail program meet them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse, reverse_lazy
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from newsletter import views
from newsletter.links import token_of
from newsletter.models import Consent, SignUp, Subscriber, Subscription, Topic, Wording
from newsletter.services import sign_ups, subscriptions
from newsletter.services.sign_ups import LASTS, MOST_WAITING, TooManySignUps
from newsletter.services.subscriptions import Trace
from tests import factories
from tests.newsletter.posting import filled
from tests.test_access import ROUTES
from tests.test_access import address as url_of

pytestmark = pytest.mark.django_db
# Public pages without the form at their foot, and why.
WITHOUT_FORM = {
    "newsletter:subscribe": "it is the form",
    "newsletter:subscribe-sent": "its reader has just filled the form, and is led back to it",
    "newsletter:confirm": "a link of the form that does not work leads back to it",
}


@pytest.fixture
def subscriber(topic: Topic) -> Subscriber:
    consent = factories.ConsentFactory(topic=topic, wording=Wording.objects.get())
    return consent.subscriber


def typed(topic: Topic, **fields: object) -> dict[str, object]:
    wording = Wording.objects.latest("version")
    return {"email": "luc@example.org", "language": "fr-ca", "topics": [topic.pk], "wording": wording.pk, **fields}


def address(name: str, subscriber: Subscriber) -> str:
    return reverse(f"newsletter:{name}", args=[subscriber.key.hex])


FORM = f'action="{reverse_lazy("newsletter:subscribe")}"'


def test_the_form_is_at_the_foot_of_every_public_page(client, topic, acme, alice):
    """Every route that lets anybody in, and what it answers to a link that is not ours; none of it ticked."""
    invoice = factories.InvoiceFactory(customer=acme)
    without = set()
    seen = 0
    for route in (route for route in ROUTES if route.door == "public"):
        answer = client.get(url_of(route, acme, invoice))
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.content:
            seen += 1
            if FORM not in answer.text:
                without.add(route.name)
            else:
                assert "checked" not in answer.text, route.name
                assert Wording.objects.get().text_fr in answer.text, route.name
    assert seen > 20
    assert without == set(WITHOUT_FORM)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_the_form_is_at_the_foot_of_what_says_no_as_well(topic, status):
    visitor = Client(enforce_csrf_checks=status == 403, headers={"accept-language": "fr-CA"})
    fields = {f"f{n}": "x" for n in range(2000 if status == 400 else 1)}  # more than Django takes
    answer = visitor.get("/nulle-part/") if status == 404 else visitor.post(reverse("account_login"), fields)
    assert answer.status_code == status
    assert FORM in answer.text


def test_the_page_of_a_host_that_is_not_ours_stands_without_the_form(client, topic):
    answer = client.get("/", headers={"host": "ailleurs.example"})
    assert answer.status_code == 400
    assert "Location Boréal" in answer.text
    assert FORM not in answer.text


def test_without_topic_or_wording_nothing_is_offered(client, boreal):
    factories.TopicFactory(merchant=boreal)
    assert reverse("newsletter:subscribe") not in client.get("/").content.decode()
    assert client.get(reverse("newsletter:subscribe")).status_code == 200


def test_a_visitor_subscribes_and_confirms(client, topic):
    response = client.post(reverse("newsletter:subscribe"), typed(topic), follow=True)
    assert "boîte de réception" in response.content.decode()
    link = re.search(r"(/newsletter/confirm/[^/\s]+/)", OutgoingMessage.objects.get().text)[1]
    page = client.get(link).content.decode()
    assert "Offres du mois" in page
    assert not Consent.objects.exists()
    page = client.post(link, follow=True).content.decode()
    assert "Vous êtes abonné" in page
    assert Subscription.objects.active().get().subscriber.email == "luc@example.org"
    assert Consent.objects.get().ip == "127.0.0.1"


@pytest.fixture
def asked(client: Client, topic: Topic) -> tuple[Topic, str]:
    """Luc asked for two topics: the second, and the address of his link."""
    other = factories.TopicFactory(merchant=topic.merchant, name_fr="Cours de conduite")
    client.post(reverse("newsletter:subscribe"), typed(topic, topics=[topic.pk, other.pk]))
    return other, re.search(r"(/newsletter/confirm/[^/\s]+/)", OutgoingMessage.objects.get().text)[1]


CLOSED_SINCE = "Fermé depuis: vous n’y êtes pas abonné."


def confirmation(client: Client, link: str) -> str:
    """The words of the page, its spaces plain."""
    return client.get(link).text.replace("\xa0:", ":")


def test_a_topic_that_closed_before_the_link_was_followed_is_not_subscribed_to(client, topic, asked):
    other, link = asked
    Topic.objects.filter(pk=other.pk).update(closed_at=timezone.now())
    assert confirmation(client, link).count(CLOSED_SINCE) == 1
    page = client.post(link, follow=True).text.replace("\xa0:", ":")
    assert "Vous êtes abonné" in page
    kept, closed = re.findall(r"<li>.*?</li>", page[page.index("<main") :])[:2]
    assert ("Offres du mois" in kept, CLOSED_SINCE in kept) == (True, False)
    assert ("Cours de conduite" in closed, CLOSED_SINCE in closed) == (True, True)
    assert Consent.objects.get().topic == topic
    # What closes, or opens again, after he agreed changes nothing of what he agreed to.
    Topic.objects.filter(pk=topic.pk).update(closed_at=timezone.now())
    Topic.objects.filter(pk=other.pk).update(closed_at=None)
    assert re.findall(r"<li>.*?</li>", confirmation(client, link)[page.index("<main") :])[:2] == [kept, closed]


def test_a_link_all_of_whose_topics_closed_says_so_and_keeps_nobody(client, asked):
    _other, link = asked
    Topic.objects.update(closed_at=timezone.now())
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "Ce à quoi ce lien abonnait a fermé depuis" in answer.text
    assert not Subscriber.objects.exists()
    assert SignUp.objects.get().confirmed_at is None


def test_the_answer_is_the_same_whoever_has_the_address(client, topic, subscriber):
    answers = []
    for email in ("inconnu@example.org", subscriber.email):
        response = client.post(reverse("newsletter:subscribe"), typed(topic, email=email))
        page = client.get(response.url).text
        assert f"Adresse saisie\xa0: {email}" in page
        page = re.sub(r'(?<=csrfmiddlewaretoken" value=")\w+', "", page.replace(email, ""))
        answers.append((response.status_code, response.url, page))
    assert answers[0] == answers[1]
    assert {message.recipient for message in OutgoingMessage.objects.all()} == {"inconnu@example.org", subscriber.email}


@pytest.mark.parametrize(
    "wrong", [{"email": "luc@"}, {"email": "luc@example.org\nBcc: x@y.ca"}, {"topics": []}, {"topics": ["x"]},
              {"language": "de"}, {"wording": ""}],
)  # fmt: skip
def test_a_form_filled_wrongly_says_so_and_keeps_what_was_typed(client, topic, wrong):
    response = client.post(reverse("newsletter:subscribe"), typed(topic, **wrong))
    assert response.status_code == 422
    assert not SignUp.objects.exists()
    assert 'role="alert"' in response.content.decode()


def test_a_topic_of_another_merchant_is_not_offered(client, topic, riviere):
    other = factories.TopicFactory(merchant=riviere)
    assert client.post(reverse("newsletter:subscribe"), typed(topic, topics=[other.pk])).status_code == 422


def test_an_internationalised_domain_is_one_subscriber_however_it_is_written(client, topic):
    for written in ("luc@exämple.org", "luc@xn--exmple-cua.org"):
        client.post(reverse("newsletter:subscribe"), typed(topic, email=written))
    sign_up = SignUp.objects.get()
    assert sign_up.email == "luc@xn--exmple-cua.org"
    subscriber = factories.SubscriberFactory(merchant=topic.merchant, email=sign_up.email)
    factories.ConsentFactory(topic=topic, subscriber=subscriber, wording=sign_up.wording)
    client.post(address("unsubscribe", subscriber))
    for written in ("luc@exämple.org", "luc@xn--exmple-cua.org"):
        found = subscriptions.subscriber_for(merchant=topic.merchant, email=written, language="fr-ca")
        assert not found.subscriptions.active().exists()


@pytest.mark.parametrize("email", ["é@example.org", "ine\u017f@example.org", "luc@☃️.example"])
def test_an_address_that_mail_cannot_carry_is_refused_with_the_reason(client, topic, email):
    response = client.post(reverse("newsletter:subscribe"), typed(topic, email=email))
    assert response.status_code == 422
    assert "sans accent ni lettre" in response.text
    assert not SignUp.objects.exists()


def test_a_robot_that_fills_every_field_learns_nothing_and_sends_nothing(client, topic):
    human = client.post(reverse("newsletter:subscribe"), typed(topic))
    robot = client.post(reverse("newsletter:subscribe"), typed(topic, email="a@example.org", website="http://x"))
    assert (robot.status_code, robot.url) == (human.status_code, human.url)
    assert SignUp.objects.get().email == "luc@example.org"


def test_a_robot_that_insists_is_stopped(client, topic):
    answers = [
        client.post(reverse("newsletter:subscribe"), typed(topic, email=f"r{n}@example.org")).status_code
        for n in range(60)
    ]
    assert answers[:20] == [303] * 20
    assert set(answers[20:]) == {429}
    assert SignUp.objects.count() == OutgoingMessage.objects.count() == 20


@pytest.mark.slow
def test_a_robot_with_ten_thousand_addresses_sends_few_mails_and_a_visitor_is_told(client, topic, today, time_machine):
    asked = {"language": "fr-ca", "topics": [topic], "wording": Wording.objects.get(), "merchant": topic.merchant}
    refused = 0
    for n in range(10_000):
        trace = Trace(channel=Consent.Channel.WEB_FORM, ip=f"198.51.{n // 250}.{n % 250}")
        try:
            sign_ups.ask_to_subscribe(email=f"r{n}@example.org", trace=trace, **asked)
        except TooManySignUps:
            refused += 1
    assert SignUp.objects.count() == OutgoingMessage.objects.count() == MOST_WAITING == 10_000 - refused
    response = client.post(reverse("newsletter:subscribe"), typed(topic))
    assert response.status_code == 422
    assert "Réessayez dans une heure" in response.text
    assert "luc@example.org" in response.text
    time_machine.move_to(today + timedelta(hours=1, seconds=1))
    assert client.post(reverse("newsletter:subscribe"), typed(topic)).status_code == 303
    assert SignUp.objects.latest("pk").email == "luc@example.org"


def test_people_who_confirm_are_no_robot(client, topic, today):
    now = timezone.now()
    typed_by = {"merchant": topic.merchant, "language": "fr-ca", "wording": Wording.objects.get(), "created_at": now}
    SignUp.objects.bulk_create(
        SignUp(email=f"p{n}@example.org", token_hash=str(n), expires_at=now + LASTS, confirmed_at=now, **typed_by)
        for n in range(MOST_WAITING)
    )
    assert client.post(reverse("newsletter:subscribe"), typed(topic)).status_code == 303


def test_the_links_of_a_message_work_for_years(client, topic, subscriber, today, time_machine):
    """Ten years on, the topic closed and every wording replaced."""
    campaign = factories.CampaignFactory(topic=topic, status="sent", started_at=today, finished_at=today)
    token = token_of(key=subscriber.key, campaign_id=campaign.pk)
    time_machine.move_to(today + timedelta(days=3653))
    Topic.objects.update(closed_at=timezone.now())
    factories.WordingFactory(merchant=topic.merchant, version=2)
    preferences, unsubscribe = (reverse(f"newsletter:{name}", args=[token]) for name in ("preferences", "unsubscribe"))
    form = filled(client.get(preferences).text, having="wording", language=["en-ca"])
    assert client.post(preferences, form).status_code == 303
    subscriber.refresh_from_db()
    assert subscriber.language == "en-ca"
    assert Subscription.objects.active().exists()
    assert client.get(unsubscribe).status_code == 200
    assert Client(enforce_csrf_checks=True).post(unsubscribe, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Subscription.objects.active().exists()
    assert client.get(preferences).status_code == 200


def test_an_old_wording_shown_before_a_new_one_is_the_one_agreed_to(client, topic):
    old = typed(topic)
    factories.WordingFactory(merchant=topic.merchant, version=2)
    client.post(reverse("newsletter:subscribe"), old)
    assert SignUp.objects.get().wording.version == 1


def test_a_scanner_that_opens_every_link_changes_nothing(client, topic, subscriber):
    client.post(reverse("newsletter:subscribe"), typed(topic))
    link = re.search(r"(/newsletter/confirm/[^/\s]+/)", OutgoingMessage.objects.get().text)[1]
    before = list(Consent.objects.values())
    for opened in (link, address("preferences", subscriber), address("unsubscribe", subscriber)):
        assert client.get(opened).status_code == 200
        assert client.head(opened).status_code == 200
    assert list(Consent.objects.values()) == before
    assert SignUp.objects.get().confirmed_at is None


def test_one_button_leaves_at_once_with_a_reason_if_one_likes(client, subscriber):
    page = client.get(address("unsubscribe", subscriber)).content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    assert main.count("<button") == 1
    response = client.post(address("unsubscribe", subscriber), {"reason": "Trop souvent"}, follow=True)
    assert "Vous êtes désabonné" in response.content.decode()
    assert not Subscription.objects.active().exists()
    line = Consent.objects.latest("pk")
    assert (line.channel, line.reason, line.ip) == ("link", "Trop souvent", "127.0.0.1")


def test_the_mail_program_s_own_post_needs_no_cookie_and_is_answered_plainly(subscriber):
    program = Client(enforce_csrf_checks=True)
    response = program.post(
        address("unsubscribe", subscriber),
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 200
    assert not response.cookies
    assert not Subscription.objects.active().exists()
    assert Consent.objects.latest("pk").channel == "one_click"
    again = program.post(address("unsubscribe", subscriber), {"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded; charset=us-ascii",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json",
        "text/plain; charset=utf-8",
    ],
)
def test_however_a_mail_program_writes_its_post_the_link_is_enough(topic, subscriber, kind):
    program = Client(enforce_csrf_checks=True)
    answer = program.post(address("unsubscribe", subscriber), "List-Unsubscribe=One-Click", content_type=kind)
    assert answer.status_code in {200, 303}
    assert not Subscription.objects.active().exists()


def test_a_post_of_too_much_leaves_too(topic, subscriber):
    many = "&".join(f"f{n}=" for n in range(2000))
    kind = "application/x-www-form-urlencoded"
    answer = Client(enforce_csrf_checks=True).post(address("unsubscribe", subscriber), many, content_type=kind)
    assert answer.status_code == 200
    assert not Subscription.objects.active().exists()


def test_the_receipt_of_a_link_says_where_its_reader_stands_today(client, topic, subscriber):
    other = factories.TopicFactory(merchant=topic.merchant, slug="autre", name_fr="Cours de conduite")
    client.post(reverse("newsletter:subscribe"), typed(topic, topics=[topic.pk, other.pk]))
    link = re.search(r"(/newsletter/confirm/[^/\s]+/)", OutgoingMessage.objects.get().text)[1]
    asked = client.get(link).text
    assert "Appuyez sur le bouton" in asked
    assert topic.merchant.address_line1 in asked  # who asks for a consent says where they are
    client.post(link)
    luc = Subscriber.objects.get(email="luc@example.org")
    receipt = client.get(link).text
    assert "Vous êtes abonné" in receipt
    assert address("preferences", luc) in receipt
    trace = Trace(channel=Consent.Channel.PREFERENCES)
    no = {"begun": [], "wording": None, "language": "fr-ca", "trace": trace}
    subscriptions.choose_topics(subscriber=luc, ended=[other], **no)
    assert "Vous ne le recevez plus." in client.get(link).text
    subscriptions.leave(subscriber=luc, trace=trace)
    receipt = client.get(link).text
    assert "Vous êtes désabonné" in receipt
    assert "Vous êtes abonné" not in receipt


@pytest.mark.parametrize("token", ["forged", "0" * 32, "a" * 31, f"{'0' * 32}-1"])
def test_a_link_that_never_was_ours_is_not_found(client, topic, token):
    for name in ("preferences", "unsubscribe", "confirm"):
        assert client.get(reverse(f"newsletter:{name}", args=[token])).status_code == 404
        assert client.post(reverse(f"newsletter:{name}", args=[token])).status_code == 404


def test_preferences_by_link_need_no_sign_in_and_show_one_s_own_history(client, topic, subscriber):
    other = factories.TopicFactory(merchant=topic.merchant, name_fr="Cours de conduite")
    page = client.get(address("preferences", subscriber)).content.decode()
    assert "Cours de conduite" in page
    assert "Consentement exprès" in page
    response = client.post(address("preferences", subscriber), filled(page, having="wording", topics=[other.pk]))
    assert response.status_code == 303
    assert Subscription.objects.active().get().topic == other
    assert Consent.objects.filter(channel="preferences").count() == 2


def test_a_page_of_a_link_speaks_the_language_of_its_message(client, subscriber):
    Subscriber.objects.update(language="en-ca")
    assert "My newsletters" in client.get(address("preferences", subscriber)).content.decode()


def test_the_profile_manages_topics_and_leaves_everything(client, topic, alice: User):
    client.force_login(alice)
    page = client.get(reverse("newsletter:profile")).content.decode()
    assert "Offres du mois" in page
    assert "Veuillez me désabonner" not in page
    form = filled(page, having="wording", topics=[topic.pk])
    assert client.post(reverse("newsletter:profile"), form).status_code == 303
    assert Subscription.objects.active().get().subscriber.email == alice.email
    page = client.get(reverse("newsletter:profile")).content.decode()
    assert "Veuillez me désabonner" in page
    assert "Consentement exprès" in page
    client.post(reverse("newsletter:profile-leave"))
    assert not Subscription.objects.active().exists()
    assert Consent.objects.latest("pk").channel == "profile"


def test_the_profile_shows_nobody_else_s_history(client, subscriber, alice):
    client.force_login(alice)
    page = client.get(reverse("newsletter:profile")).content.decode()
    assert "Consentement exprès" not in page
    assert subscriber.email not in page


@pytest.mark.parametrize("place", ["preferences", "profile"])
def test_one_s_history_goes_on_to_the_first_consent_of_all(client, topic, subscriber, alice, monkeypatch, place):
    monkeypatch.setattr(views, "SHOWN", 2)
    if place == "profile":
        first = Consent.objects.get()
        subscriber = factories.SubscriberFactory(merchant=topic.merchant, email=alice.email)
        factories.ConsentFactory(topic=topic, wording=first.wording, subscriber=subscriber)
        client.force_login(alice)
    said = {"subscriber": subscriber, "topic": topic, "act": "withdrawn", "channel": "link"}
    Consent.objects.bulk_create(Consent(**said) for _time in range(4))
    start = reverse("newsletter:profile") if place == "profile" else address("preferences", subscriber)
    where, shown = start, []
    for _page in range(3):
        text = client.get(where).text
        shown.append(
            (text.count("Retiré"), text.count("Consentement exprès"), text.count("Ce qui a été accepté, version 1"))
        )
        where = start + next(iter(re.findall(r'href="(\?after=\d+)#consents"', text)), "")
    assert shown == [(2, 0, 0), (2, 0, 0), (0, 1, 1)]
    assert 'rel="next"' not in text
    for nowhere in ("\0", "9" * 30, "x"):
        assert client.get(start, {"after": nowhere}).text.count("Retiré") == 2


def test_the_next_of_one_s_history_is_never_somebody_else_s(client, topic, subscriber):
    other = factories.ConsentFactory(topic=topic, wording=Wording.objects.get(), source="Secret d’un autre")
    text = client.get(address("preferences", subscriber), {"after": other.pk + 1}).text
    assert "Consentement exprès" in text
    assert "Secret d’un autre" not in text


def test_service_mail_leaves_for_who_left(client, subscriber, topic):
    client.post(address("unsubscribe", subscriber))
    client.post(reverse("newsletter:subscribe"), typed(topic, email=subscriber.email))
    assert OutgoingMessage.objects.get().recipient == subscriber.email
