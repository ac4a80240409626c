"""Mail: our worker against ready bytes on one SMTP connection, Django's send(), two workers, and Celery's share."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Pair, report
from portal.embedded.processes import free_port
from portal.embedded.servers import throwaway

MAILS, RUNS, WARMUP = 2000, 5, 1
ROOT = Path(__file__).resolve().parent.parent


class Discard:
    """Takes everything and keeps nothing; takes several commands at once, as mail services do."""

    async def handle_EHLO(  # noqa: N802 - aiosmtpd’s name
        self, server: object, session: Any, envelope: object, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd’s name
        return "250 OK"


class Light(asyncio.Protocol):
    """The same by hand: where two workers share two cores, Discard would take most of what the second could use."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer, self.is_content = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            found, end, rest = self.buffer.partition(b"\r\n.\r\n" if self.is_content else b"\r\n")
            if not end:
                return
            self.buffer = rest
            self.transport.write(b"250 OK\r\n" if self.is_content else self.answer(found[:4].upper()))
            self.is_content = not self.is_content and found[:4].upper() == b"DATA"

    def answer(self, command: bytes) -> bytes:
        return {b"EHLO": b"250-sink\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}.get(command, b"250 OK\r\n")


def light_sink(port: int) -> None:
    """A mail server that costs next to nothing."""

    async def serve() -> None:
        await asyncio.get_running_loop().create_server(Light, "127.0.0.1", port)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(serve())


def sink(port: int) -> None:
    """A mail server in a process of its own."""
    from aiosmtpd.controller import Controller

    controller = Controller(Discard(), hostname="127.0.0.1", port=port)
    controller.start()
    print("ready", flush=True)
    sys.stdin.read()
    controller.stop()


def worker() -> None:
    """Sends all there is, each time standard input has a line."""
    import django

    django.setup()
    from accounts import delivery

    print("ready", flush=True)
    for _ in sys.stdin:
        while delivery.deliver():
            pass
        print("done", flush=True)


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """This file in another role, ready to be told what to do."""
    command = [sys.executable, "-m", "bench.outbox", *arguments]
    env = {**os.environ, **environment}
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        try:
            yield child
        finally:
            child.stdin.close()
            child.wait(timeout=20)


def tell(children: list[subprocess.Popen[str]], *, meanwhile: Callable[[], None] | None = None) -> None:
    """Each child sends what it can, at the same time; returns when nothing is left."""
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    if meanwhile is not None:
        meanwhile()
    for child in children:
        assert child.stdout.readline() == "done\n"


def compare(
    *, ours: Callable[[], Any], limit: Callable[[], Any], prepare: Callable[[], Any], runs: int = RUNS
) -> list[Pair]:
    """Seconds of ours and of the limit, turn by turn; what is prepared before each is not timed."""
    turns = []
    for turn in range(WARMUP + runs):
        seconds = []
        for work in (ours, limit):
            prepare()
            begun = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begun)
        if turn >= WARMUP:
            turns.append(Pair(*seconds))
    return turns


def middle(turns: list[Pair]) -> float:
    """The median of the rate ratios of turns that follow each other: a busy moment disturbs both sides of a pair."""
    return statistics.median(pair.rate_ratio for pair in turns)


def spread(turns: list[Pair]) -> str:
    """The worst and the best of them."""
    ratios = sorted(pair.rate_ratio for pair in turns)
    return f"{ratios[0]:.2f} to {ratios[-1]:.2f}"


class Mails:
    """Letters as customers get them, queued again before each turn."""

    def __init__(self) -> None:
        from django.db import connection, transaction

        from accounts.mime import build
        from accounts.models import OutgoingMessage
        from accounts.outbox import queue_email

        context = {"email": "alice@acme.example", "activate_url": f"http://localhost:8000/{'k' * 60}/"}
        letter = "account/email/email_confirmation"
        with transaction.atomic():
            first = queue_email(to="alice@acme.example", template=letter, context=context, language="fr-ca")
        self.connection, self.model = connection, OutgoingMessage
        fields = ("template", "language", "recipient", "subject", "text", "html")
        self.fields = {name: getattr(first, name) for name in fields} | {"sender_name": "Location Boréal"}
        self.ready = [build(OutgoingMessage(**self.fields)) for _ in range(MAILS)]

    def queue(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("TRUNCATE accounts_outgoingmessage")
        self.model.objects.bulk_create([self.model(**self.fields) for _ in range(MAILS)])
        with self.connection.cursor() as cursor:
            cursor.execute("ANALYZE accounts_outgoingmessage")

    def wait(self) -> None:
        """Until the last is sent; asked rarely, so as not to be what is measured."""
        deadline = time.monotonic() + 60
        while self.model.objects.exclude(status="sent").exists():
            assert time.monotonic() < deadline, "nobody sends"
            time.sleep(0.02)

    def check(self) -> None:
        assert self.model.objects.filter(status="sent").count() == MAILS


def one_worker(mails: Mails, port: int) -> None:
    """Our rate over that of ready bytes, and Django's."""
    from accounts import delivery

    server = smtplib.SMTP("127.0.0.1", port)

    def ready_bytes() -> None:
        for content in mails.ready:
            server.sendmail("comptoir@localhost", ["alice@acme.example"], content)

    def deliver() -> None:
        while delivery.deliver():
            pass

    turns = compare(ours=deliver, limit=ready_bytes, prepare=mails.queue)
    ratio, rate = middle(turns), f"{MAILS / statistics.median(pair.ours for pair in turns):,.0f}/s"
    report("outbox: one worker / ready bytes, rate", f"{ratio:.2f} ({rate})", target="≥ 0.60", is_met=ratio >= 0.6)
    few = MAILS // 20
    django = middle(compare(ours=lambda: send_by_django(mails, few), limit=ready_bytes, prepare=lambda: None))
    report("the same by Django’s .send()", f"{django * few / MAILS:.2f}", target="for comparison")
    server.quit()


def send_by_django(mails: Mails, count: int) -> None:
    from django.core.mail import EmailMultiAlternatives

    for _ in range(count):
        fields = mails.fields
        message = EmailMultiAlternatives(fields["subject"], fields["text"], None, [fields["recipient"]])
        message.attach_alternative(fields["html"], "text/html")
        message.send()


def two_workers(mails: Mails, ports: list[int]) -> None:
    with ExitStack() as stack:
        urls = [f"smtp://127.0.0.1:{port}" for port in ports]
        children = [stack.enter_context(process("worker", EMAIL_URL=url)) for url in urls]
        turns = compare(ours=lambda: tell(children), limit=lambda: tell(children[:1]), prepare=mails.queue)
        mails.check()
    figure = f"{middle(turns):.2f} ({spread(turns)})"
    report("outbox: two workers / one, rate", figure, target="≥ 1.70", is_met=middle(turns) >= 1.7)


def celery_share(mails: Mails, port: int) -> None:
    """The same rows sent by a real worker told once by the broker, and by the bare function in a loop."""
    from celery import current_app

    url = f"smtp://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "portal",
        "worker",
        "--concurrency=1",
        "--loglevel=ERROR",
    ]
    current_app.control.purge()
    with (
        subprocess.Popen(
            command,
            env={**os.environ, "EMAIL_URL": url, "PYTHONWARNINGS": "ignore"},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        ) as child,
        # On a queue nobody reads: its call for help would have the other side send its mails.
        process("worker", EMAIL_URL=url, REDIS_URL=os.environ["REDIS_URL"].removesuffix("/0") + "/1") as bare,
    ):
        try:

            def by_celery() -> None:
                current_app.send_task("accounts.deliver")
                mails.wait()

            def by_hand() -> None:
                # Asked for its state as often as the other, which costs both the same.
                tell([bare], meanwhile=mails.wait)

            def prepare() -> None:
                until_idle(os.environ["REDIS_URL"])
                mails.queue()

            mails.queue()
            by_celery()  # the worker has started
            turns = compare(ours=by_celery, limit=by_hand, prepare=prepare)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=30)
    share = 1 - middle(turns)
    figure = f"{share:.1%} (rate {spread(turns)})"
    report("outbox: Celery’s share of the time", figure, target="≤ 5%", is_met=share <= 0.05)


def until_idle(url: str) -> None:
    """Until the worker holds no task: the one that a full batch asked for would send the other side's mails."""
    from redis import Redis

    broker = Redis.from_url(url)
    deadline = time.monotonic() + 30
    while broker.llen("celery") or broker.hlen("unacked"):
        assert time.monotonic() < deadline, "the worker is never idle"
        time.sleep(0.02)


def main() -> None:
    with ExitStack() as stack:
        os.environ.update(stack.enter_context(throwaway()))
        ports = [free_port() for _ in range(2)]
        for port in ports:
            stack.enter_context(process("sink", str(port)))
        os.environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{ports[0]}", "DJANGO_SETTINGS_MODULE": "portal.settings"}
        os.environ["LOG_LEVEL"] = "ERROR"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        mails = Mails()
        one_worker(mails, ports[0])
        two_workers(mails, ports)
        celery_share(mails, ports[0])


if __name__ == "__main__":
    if sys.argv[1:2] == ["sink"]:
        sink(int(sys.argv[2]))
    elif sys.argv[1:2] == ["light"]:
        light_sink(int(sys.argv[2]))
    elif sys.argv[1:2] == ["worker"]:
        worker()
    else:
        main()
