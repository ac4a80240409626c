"""Where each subscriber stands, in their list, on their page and in their proof."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from newsletter.models import Consent, Subscriber, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace
from tests import factories
from tests.newsletter.test_admin import page

pytestmark = pytest.mark.django_db
LINK = Trace(channel=Consent.Channel.LINK)
STATES = {
    "agrees": "Peut recevoir, selon ses consentements",
    "partly": "Peut recevoir, selon ses consentements",
    "left": "Désabonné depuis le 2026-11-22",
    "ended": "Rien en vigueur",
    "unknown": "Rien en vigueur",
    "bounced": "Rebond définitif",
}


@pytest.fixture
def people(topic: Topic, today: datetime) -> dict[str, Subscriber]:
    """One of each state; `partly` left one topic and keeps the other."""
    merchant, wording = topic.merchant, Wording.objects.get()
    found = {name: factories.SubscriberFactory(merchant=merchant, email=f"{name}@example.org") for name in STATES}
    other = factories.TopicFactory(merchant=merchant)
    for name in ("agrees", "partly", "left", "bounced"):
        factories.ConsentFactory(subscriber=found[name], topic=topic, wording=wording)
    subscriptions.leave(subscriber=found["left"], trace=LINK)
    chosen = {"subscriber": found["partly"], "wording": wording, "language": "fr-ca", "trace": LINK}
    subscriptions.choose_topics(begun=[], ended=[other], **chosen)
    implied = {"kind": "implied", "channel": "invoice", "source": "F-1", "wording": None, "language": ""}
    past = {"at": today - timedelta(days=800), "expires_at": today - timedelta(days=70)}
    factories.ConsentFactory(subscriber=found["ended"], topic=topic, **implied, **past)
    Subscriber.objects.filter(pk=found["bounced"].pk).update(suppressed_at=today, suppressed_for="bounce")
    return found


@pytest.mark.parametrize("name", STATES)
def test_the_state_says_who_left_who_may_be_written_to_and_of_whom_nothing_is_in_force(name, agent, people):
    listed = agent.get(page("subscriber_changelist"), {"q": f"{name}@"}).text
    assert STATES[name] in listed
    assert STATES[name] in agent.get(page("subscriber_change", people[name].pk)).text
    for other in set(STATES.values()) - {STATES[name]}:
        assert other not in listed, other


def test_a_long_state_goes_on_a_second_line_on_a_phone(agent, people):
    listed = agent.get(page("subscriber_changelist"), {"q": "agrees@"}).text
    assert re.search(r'<td data-label="État"><span>Peut recevoir', listed)
    assert re.search(r'<td data-label="Langue" class="whole">', listed)


@pytest.mark.parametrize(
    ("state", "names"), [("in_force", {"agrees", "partly"}), ("left", {"left"}), ("suppressed", {"bounced"}),
                         ("", set(STATES)), ("nonsense", set(STATES))],
)  # fmt: skip
def test_the_list_is_narrowed_by_state(state, names, agent, people, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        listed = agent.get(page("subscriber_changelist"), {"state": state}).text
    assert {name for name, row in people.items() if page("subscriber_change", row.pk) in listed} == names


def test_an_empty_list_promises_only_what_it_finds(agent, topic):
    for name in ("subscriber", "consent"):
        listed = agent.get(page(f"{name}_changelist"), {"q": "personne@"}).text
        assert "Une adresse se trouve" in listed, name
        assert "un téléphone" not in listed, name


def test_the_proof_says_where_the_person_stands_today(agent, people):
    proof = agent.get(page("subscriber_proof", people["partly"].pk)).text
    today, _acts, _rest = proof.partition("Donné · Exprès")
    assert "Où en est cette personne aujourd’hui" in today
    assert "consentement exprès" in today.lower()
    assert "Offres du mois" in today


def test_words_said_aloud_are_not_called_shown(agent, topic, sam):
    trace = Trace(channel=Consent.Channel.COUNTER, by=sam)
    given = {"email": "luc@example.org", "language": "fr-ca", "topics": [topic], "wording": Wording.objects.get()}
    subscriber = subscriptions.note_consent(source="Carte", trace=trace, **given)
    proof = agent.get(page("subscriber_proof", subscriber.pk)).text
    assert "Libellé lu à voix haute" in proof
    assert "Libellé affiché" not in proof
