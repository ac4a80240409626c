"""A campaign: our worker against ready bytes on one SMTP connection, Django's send(), two workers, Celery's share;
then a million subscribers: preparing their rows, counting them; and an import against raw COPY of its rows.

The mail server is another process on 127.0.0.1, the light one of bench.outbox: a heavy one, on the same two cores,
hides what the senders cost. BENCH_RECIPIENTS (2,000 a turn, three times as many where the turns differ by little),
BENCH_SUBSCRIBERS (1,000,000), BENCH_LINES of the import (200,000).
"""

from __future__ import annotations

import os
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import outbox
from bench.measure import peak_memory, report
from portal.embedded.processes import free_port
from portal.embedded.servers import throwaway

if TYPE_CHECKING:
    from collections.abc import Iterator

MAILS = int(os.environ.get("BENCH_RECIPIENTS", "2000"))
# Where two sides differ by little, and the machine by more from one second to the next: longer turns, and more.
MANY_MAILS, MANY_RUNS = 3 * MAILS, 11
LINES = int(os.environ.get("BENCH_LINES", "200000"))
SUBSCRIBERS = int(os.environ.get("BENCH_SUBSCRIBERS", "1000000"))
FILL = """
WITH people AS (
    INSERT INTO newsletter_subscriber (merchant_id, email, language, key, soft_bounces, suppressed_for, created_at)
    SELECT %(merchant)s, 'p' || n || '@example.org', CASE WHEN n %% 10 = 0 THEN 'en-ca' ELSE 'fr-ca' END,
        gen_random_uuid(), 0, '', now()
    FROM generate_series(1, %(count)s) AS n RETURNING id
)
INSERT INTO newsletter_consent
    (subscriber_id, topic_id, act, kind, at, channel, wording_id, language, user_agent, source, reason)
SELECT id, %(topic)s, 'given', 'express', now(), 'web_form', %(wording)s, 'fr-ca', '', '', '' FROM people
"""
BODY = "Bonjour,\n\n" + "Tout novembre, **moitié prix** sur les [nacelles](https://boreal.example/nacelles).\n\n" * 12
TABLES = "newsletter_recipient, newsletter_consent, newsletter_subscription, newsletter_subscriber CASCADE"


def worker() -> None:
    """Sends all there is of the newest campaign, each time standard input has a line."""
    import django

    django.setup()
    from newsletter import sending
    from newsletter.models import Campaign

    print("ready", flush=True)
    for _ in sys.stdin:
        while sending.send(campaign_id=Campaign.objects.latest("pk").pk):
            pass
        print("done", flush=True)


@contextmanager
def process(**environment: str) -> Iterator[subprocess.Popen[str]]:
    """This file as a worker."""
    command = [sys.executable, "-m", "bench.newsletter", "worker"]
    env = {**os.environ, **environment}
    with subprocess.Popen(
        command, env=env, cwd=outbox.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        try:
            yield child
        finally:
            child.stdin.close()
            child.wait(timeout=30)


class News:
    """A merchant with a topic and its subscribers, and a campaign begun anew before each turn."""

    def __init__(self) -> None:
        from django.db import connection

        from newsletter.models import Newsletter, Topic, Wording
        from organizations.models import Merchant

        self.connection = connection
        with connection.cursor() as cursor:
            cursor.execute("SET comptoir.may_empty = 'on'")  # the ledger refuses TRUNCATE otherwise
        self.merchant = Merchant.objects.create(
            slug="boreal", name="Location Boréal", legal_name="Location Boréal inc.", email="a@boreal.example",
            phone="+15145550100", privacy_officer="Directrice", privacy_email="b@boreal.example",
            address_line1="1, rue du Quai", city="Laval", province="QC", postal_code="H7A 0A1", is_default=True,
            gst_number="808437370 RT 0001", qst_number="1224002901 TQ 0001",
        )  # fmt: skip
        Newsletter.objects.create(merchant=self.merchant, per_minute=1_000_000)
        self.topic = Topic.objects.create(merchant=self.merchant, slug="offres", name_fr="Offres", name_en="Offers")
        self.wording = Wording.objects.create(merchant=self.merchant, version=1, text_fr="Oui", text_en="Yes")

    def fill(self, count: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES}")
            parts = {"merchant": self.merchant.pk, "topic": self.topic.pk, "wording": self.wording.pk, "count": count}
            cursor.execute(FILL, parts)
        self.analyze()

    def analyze(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE newsletter_subscriber, newsletter_subscription, newsletter_recipient")

    def draft(self) -> object:
        from django.utils import timezone

        from newsletter.models import Campaign

        return Campaign.objects.create(
            merchant=self.merchant, topic=self.topic, subject_fr="Nacelles à moitié prix", subject_en="Lifts",
            body_fr=BODY, body_en=BODY, status="scheduled", scheduled_at=timezone.now(),
        )  # fmt: skip

    def begin(self) -> None:
        """The rows of another campaign; its call for a worker is heard by nobody."""
        from newsletter.services import campaigns

        with self.connection.cursor() as cursor:
            cursor.execute("TRUNCATE newsletter_recipient")
        campaigns.begin(campaign=self.draft())
        with self.connection.cursor() as cursor:
            cursor.execute("ANALYZE newsletter_recipient")

    def wait(self) -> None:
        from newsletter.models import Campaign

        deadline = time.monotonic() + 120
        while Campaign.objects.latest("pk").status != "sent":
            assert time.monotonic() < deadline, "nobody sends"
            time.sleep(0.02)

    def check(self, count: int) -> None:
        from newsletter.models import Recipient

        assert Recipient.objects.filter(status="sent").count() == count

    def ready(self) -> list[tuple[str, bytes]]:
        """The finished messages of a campaign."""
        from newsletter.letters import Letters, Reader
        from newsletter.models import Campaign, Recipient

        self.begin()
        letters = Letters(campaign=Campaign.objects.select_related("merchant", "topic").latest("pk"))
        rows = Recipient.objects.values_list("pk", "subscriber__email", "subscriber__key", "subscriber__language")
        return [(row[1], letters.to(reader=Reader(*row))) for row in rows.order_by("pk")]


def one_worker(news: News, port: int) -> None:
    """Our rate over that of ready bytes, and over Django's, in the same run."""
    from newsletter import sending
    from newsletter.models import Campaign

    server = smtplib.SMTP("127.0.0.1", port)
    ready = news.ready()

    def ready_bytes() -> None:
        for recipient, content in ready:
            server.sendmail("comptoir@localhost", [recipient], content)

    def ours() -> None:
        pk = Campaign.objects.latest("pk").pk
        while sending.send(campaign_id=pk):
            pass

    turns = outbox.compare(ours=ours, limit=ready_bytes, prepare=news.begin)

    ratio, rate = outbox.middle(turns), f"{MAILS / statistics.median(pair.ours for pair in turns):,.0f}/s"
    report("campaign: one worker / ready bytes, rate", f"{ratio:.2f} ({rate})", target="≥ 0.60", is_met=ratio >= 0.6)
    few = MAILS // 20
    by_django = outbox.compare(ours=lambda: send_by_django(ready[:few]), limit=ready_bytes, prepare=lambda: None)
    django = outbox.middle(by_django) * few / MAILS
    times = ratio / django
    report("campaign: one worker / Django’s .send(), rate", f"{times:.1f}", target="≥ 4", is_met=times >= 4)
    server.quit()


def send_by_django(ready: list[tuple[str, bytes]]) -> None:
    """The same message as a loop over the readers makes it with Django’s own classes, rendered once all the same."""
    from django.core.mail import EmailMultiAlternatives

    from newsletter.letters import MARK, words_of
    from newsletter.models import Campaign

    campaign = Campaign.objects.select_related("merchant", "topic").latest("pk")
    words = words_of(campaign=campaign, language="fr-ca")
    for recipient, _content in ready:
        url = f"http://localhost:8000/newsletter/unsubscribe/{MARK}/"
        message = EmailMultiAlternatives(
            words.subject,
            words.text.replace(MARK, MARK[::-1]),
            None,
            [recipient],
            headers={"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        )
        message.attach_alternative(words.html.replace(MARK, MARK[::-1]), "text/html")
        message.send()


def two_workers(news: News) -> None:
    """Each with a server of its own: what is measured is whether the workers hold each other up."""
    with ExitStack() as stack:
        ports = [free_port() for _ in range(2)]
        for port in ports:
            stack.enter_context(outbox.process("light", str(port)))
        silent = os.environ["REDIS_URL"].removesuffix("/0") + "/1"
        urls = [f"smtp://127.0.0.1:{port}" for port in ports]
        children = [stack.enter_context(process(EMAIL_URL=url, REDIS_URL=silent)) for url in urls]
        turns = outbox.compare(
            ours=lambda: outbox.tell(children),
            limit=lambda: outbox.tell(children[:1]),
            prepare=news.begin,
            runs=MANY_RUNS,
        )
        news.check(MANY_MAILS)
    figure = f"{outbox.middle(turns):.2f} ({outbox.spread(turns)})"
    report("campaign: two workers / one, rate", figure, target="≥ 1.70", is_met=outbox.middle(turns) >= 1.7)


def celery_share(news: News, port: int) -> None:
    """The same campaign sent by a real worker told by the broker, and by the bare function in a loop."""
    from celery import current_app
    from kombu import Connection

    from newsletter.models import Campaign

    # Each side on a queue of its own: what calls for help there, or here at the beginning, is not heard by the other.
    broker = os.environ["REDIS_URL"].removesuffix("/0")
    theirs = {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "REDIS_URL": f"{broker}/1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--concurrency=1", "--loglevel=ERROR"]
    with (
        process(**theirs | {"REDIS_URL": f"{broker}/2"}) as bare,
        Connection(theirs["REDIS_URL"]) as connection,
        subprocess.Popen(command, env={**os.environ, **theirs}, cwd=outbox.ROOT, stdout=subprocess.DEVNULL) as child,
    ):
        try:

            def by_celery() -> None:
                campaign = {"campaign_id": Campaign.objects.latest("pk").pk}
                current_app.send_task("newsletter.send", kwargs=campaign, connection=connection)
                news.wait()

            def by_hand() -> None:
                outbox.tell([bare], meanwhile=news.wait)

            def prepare() -> None:
                outbox.until_idle(theirs["REDIS_URL"])
                news.begin()

            prepare()
            by_celery()  # the worker has started
            turns = outbox.compare(ours=by_celery, limit=by_hand, prepare=prepare, runs=MANY_RUNS)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=30)
    share = 1 - outbox.middle(turns)
    figure = f"{share:.1%} (rate {outbox.spread(turns)})"
    report("campaign: Celery’s share of the time", figure, target="≤ 5%", is_met=share <= 0.05)


MANY = """
import time, django
django.setup()
from newsletter import audience
from newsletter.models import Campaign
from newsletter.services import campaigns
campaign = Campaign.objects.select_related("merchant", "topic").latest("pk")
audience.sizes(campaign=campaign)
taken = []
for _ in range(5):
    begun = time.perf_counter()
    count = sum(audience.sizes(campaign=campaign).values())
    taken.append(time.perf_counter() - begun)
begun = time.perf_counter()
written = campaigns.begin(campaign=campaign)
seconds = time.perf_counter() - begun
# Not getrusage: its peak is inherited from the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(count, sorted(taken)[2], written, seconds, int(peak.split()[1]) / 1024)
"""


LOAD = """
import sys, time, django
django.setup()
from pathlib import Path
from newsletter.loader.subscribers import load_subscribers
from organizations.loader.staging import Import, Rejects
from organizations.models import Merchant
run = Import(path=Path(sys.argv[1]), merchant=Merchant.objects.get(), rejects=Rejects(path=None, terminal=sys.stderr))
begun = time.perf_counter()
counts = load_subscribers(run=run)
print(time.perf_counter() - begun, counts)
"""


def many(news: News) -> None:
    """A million subscribers: counted by language, and a row written for each."""
    news.fill(SUBSCRIBERS)
    with news.connection.cursor() as cursor:
        cursor.execute("TRUNCATE newsletter_recipient")
    news.draft()
    output = subprocess.run([sys.executable, "-c", MANY], check=True, capture_output=True, text=True)
    count, seconds, written, writing, memory = output.stdout.strip().splitlines()[-1].split()
    assert int(count) == int(written) == SUBSCRIBERS, output.stdout
    report(f"audience of {int(count):,} counted by language, seconds", f"{float(seconds):.2f}", target="≤ 1",
           is_met=float(seconds) <= 1)  # fmt: skip
    report(f"{int(written):,} recipients prepared, peak MB of the process", f"{float(memory):.0f}", target="≤ 150",
           is_met=float(memory) <= 150)  # fmt: skip
    report("  the same, seconds", f"{float(writing):.1f}", target="for orientation")


def imported(news: News) -> None:
    """subscribers.csv against raw COPY of the rows it makes, and of its bytes into columns of text."""
    from bench import imports

    news.fill(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "subscribers.csv"
        with path.open("w", encoding="utf-8") as out:
            out.write("email,language,topic,basis,consented_on,evidence\n")
            for n in range(LINES):
                out.write(f"i{n}@example.org,fr,offres,express,2025-01-15,Carte signée no {n}\n")
        begun = time.perf_counter()
        output = subprocess.run([sys.executable, "-c", LOAD, str(path)], check=True, capture_output=True, text=True)
        total = time.perf_counter() - begun
        seconds, counts = output.stdout.strip().splitlines()[-1].split(" ", 1)
        assert counts == f"created={LINES} updated=0 unchanged=0 rejected=0", counts
        plain = imports.raw_copy(path)
    alone = copied_alone(news)
    ratio = alone / float(seconds)
    report(f"import of {LINES:,} subscribers: rate / raw COPY of the rows it makes ({alone:.2f} s)", f"{ratio:.2f}",
           target="≥ 0.50", is_met=ratio >= 0.50)  # fmt: skip
    copied = f"{plain / float(seconds):.2f}; the rows it makes {plain / alone:.2f}"
    report(f"  the same / raw COPY of the file into columns of text ({plain:.2f} s)", copied, target="for comparison")
    report("  the same, seconds", f"{float(seconds):.1f}", target=f"{total:.1f} with the start of the process")


def copied_alone(news: News) -> float:
    """Seconds of COPY FROM STDIN for the finished rows into their own tables: nothing read, judged or looked up."""
    tables = ("newsletter_subscriber", "newsletter_consent")
    with news.connection.cursor() as cursor:
        rows = {}
        for table in tables:
            with cursor.copy(f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT") as out:
                rows[table] = b"".join(out)
        cursor.execute(f"TRUNCATE {TABLES}")
        begun = time.perf_counter()
        for table in tables:
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows[table])
        return time.perf_counter() - begun


def main() -> None:
    with ExitStack() as stack:
        os.environ.update(stack.enter_context(throwaway()))
        port = free_port()
        stack.enter_context(outbox.process("light", str(port)))
        os.environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "portal.settings"}
        os.environ["LOG_LEVEL"] = "ERROR"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        news = News()
        news.fill(MAILS)
        one_worker(news, port)
        news.fill(MANY_MAILS)
        two_workers(news)
        celery_share(news, port)
        imported(news)
        many(news)
        report("this process, peak MB", f"{peak_memory():.0f}", target="for orientation")


if __name__ == "__main__":
    worker() if sys.argv[1:2] == ["worker"] else main()
