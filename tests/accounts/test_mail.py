"""The dialogue with a mail server that takes several commands at once (RFC 2920)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accounts import mail
from accounts.transports import Deferred, Refused
from portal.mailers import mailers
from tests.sinks import Sink, running

TO = "a@example.org"


class Scripted:
    """A server that says what it is told to, and keeps what each of its connections was given."""

    def __init__(self, **answers: str) -> None:
        self.answers = {"EHLO": "250-here\r\n250 PIPELINING", "MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 Go on"}
        self.answers |= {"RSET": "250 OK", ".": "250 OK", "QUIT": "221 Bye", **answers}
        self.heard: list[list[str]] = []

    def serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as file:
                self._talk(file)

    def _talk(self, file: object) -> None:
        heard: list[str] = []
        self.heard.append(heard)
        self._say(file, "220 here")
        while line := file.readline().decode():
            heard += line.upper().split()[:1]
            answer = self.answers.get(heard[-1]) if line.strip() else None
            if answer is not None:
                self._say(file, answer)

    def _say(self, file: object, words: str) -> None:
        file.write(f"{words}\r\n".encode())
        file.flush()


@pytest.fixture
def use(settings, tmp_path: Path) -> Iterator[object]:
    def use(port: int) -> None:
        settings.MAILERS = mailers(url=f"smtp://127.0.0.1:{port}?timeout=2", folder=tmp_path)

    yield use
    mail.hang_up()


@contextmanager
def scripted(use: object, **answers: str) -> Iterator[Scripted]:
    script = Scripted(**answers)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=script.serve, args=(server,), daemon=True).start()
        use(server.getsockname()[1])
        yield script
        mail.hang_up()


def test_the_envelope_is_said_in_one_breath(use, monkeypatch):
    said: list[str | bytes] = []
    send = mail.smtplib.SMTP.send
    monkeypatch.setattr(mail.smtplib.SMTP, "send", lambda self, words: (said.append(words), send(self, words))[1])
    with scripted(use):
        mail.hand_over(recipient=TO, content=b"Subject: Hello\r\n\r\nHello")
    envelope, content = said[1:3]
    assert [line.split()[0] for line in envelope.splitlines()] == ["MAIL", "RCPT", "DATA"]
    assert content == b"Subject: Hello\r\n\r\nHello\r\n.\r\n"


@pytest.mark.parametrize("pipelines", [False, True])
def test_a_line_that_begins_with_a_dot_arrives_as_it_was(use, pipelines):
    content = b"Subject: Dots\r\n\r\n.\r\n..two\r\nthe end\r\n"
    with running(Sink()) as sink:
        sink.pipelines = pipelines
        use(sink.port)
        mail.hand_over(recipient=TO, content=content)
        mail.hang_up()
    assert [envelope.content for envelope in sink.received] == [content]


def test_a_server_that_wants_the_content_for_nobody_gets_none(use):
    """Its recipient refused, it takes DATA all the same: anything said then would be a message."""
    with scripted(use, RCPT="550 Nobody here") as script:
        with pytest.raises(Refused, match="Nobody here"):
            mail.hand_over(recipient=TO, content=b"Secret\r\n")
        with pytest.raises(Refused):
            mail.hand_over(recipient=TO, content=b"Secret\r\n")
    assert [heard[:4] for heard in script.heard] == [["EHLO", "MAIL", "RCPT", "DATA"]] * 2


@pytest.mark.parametrize(("answer", "failure"), [("452 Full", Deferred), ("554 No", Refused)])
def test_data_refused_is_told_and_the_next_message_starts_afresh(use, answer, failure):
    with scripted(use, DATA=answer) as script:
        for _turn in range(2):
            with pytest.raises(failure, match=answer):
                mail.hand_over(recipient=TO, content=b"Hello\r\n")
    (heard,) = script.heard
    assert heard[1:9] == ["MAIL", "RCPT", "DATA", "RSET"] * 2


def test_what_was_begun_and_abandoned_is_received_by_nobody(use):
    with running(Sink()) as sink:
        sink.pipelines = True
        use(sink.port)
        mail.Handing(recipient=TO, content=b"Secret\r\n").abandon()
        mail.Handing(recipient=TO, content=b"Hello\r\n").finish()
        mail.hang_up()
    assert [envelope.content for envelope in sink.received] == [b"Hello\r\n"]
