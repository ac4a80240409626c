"""Mail servers of our own on 127.0.0.1: one that takes everything, and some that behave badly."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.embedded.processes import free_port

Answer = Callable[[Envelope], str]


def take(envelope: Envelope) -> str:
    return "250 OK"


class Sink:
    """What a mail server received, and what it answers."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.connections = 0
        self.port = 0
        self.on_recipient: Callable[[str], str] = lambda address: "250 OK"
        self.on_data: Answer = take
        self.has_received = threading.Event()
        self.hang_after: int | None = None
        self.silent_at: int | None = None
        self.drop_after: int | None = None
        self.drops = 0
        self.pipelines = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?timeout=1"

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(envelope.content, policy=policy.default) for envelope in self.received]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd’s name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self.pipelines else responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd’s name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.on_recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd’s name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.drops or (self.drop_after is not None and len(self.received) >= self.drop_after):
            self.drops = max(0, self.drops - 1)
            server.transport.abort()
            return "250 OK"
        if self.hang_after is not None and len(self.received) >= self.hang_after:
            self.has_received.set()
            await asyncio.sleep(60)
        answer = self.on_data(envelope)
        if answer.startswith("250"):
            self.received.append(envelope)
        if self.silent_at is not None and len(self.received) == self.silent_at:
            self.silent_at = None
            await asyncio.sleep(60)
        return answer


@contextmanager
def running(sink: Sink) -> Iterator[Sink]:
    """The sink listens within the block."""
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port or free_port())
    sink.port = controller.port
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@contextmanager
def mute() -> Iterator[int]:
    """The port of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
