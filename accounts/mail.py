"""The client of the mail server: one connection kept by each worker; any other Django back end works, more slowly."""

from __future__ import annotations

import re
import smtplib
import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import Message
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as Smtp
from django.core.mail.utils import DNS_NAME

from accounts import mime
from accounts.models import OutgoingMessage
from accounts.transports import Deferred, Lost, Refused, Unreachable, Unwelcome

# A server may have closed a connection that slept this long: ask before using it.
IDLE_SECONDS = 5.0
CLOSING, TOO_LARGE, CONTENT = 421, 552, 354
ACCEPTED, PERMANENT = range(200, 300), range(500, 600)
# Of MAIL and RCPT, which answers are for good. Our own address refused is refused for everybody: a setting to
# correct. Unless this mail is too large.
ENVELOPE: tuple[Container[int], ...] = ({TOO_LARGE}, PERMANENT)
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
# Long headers stay as they are: folded anew, the address of List-Unsubscribe would be encoded and nobody would find it.
AS_WRITTEN = policy.SMTP.clone(refold_source="none")
_kept = threading.local()


class Ready:
    """A finished message for back ends that are not SMTP."""

    def __init__(self, *, content: bytes, recipient: str) -> None:
        self.content = content
        self.from_email = mime.sender()
        self.to = [recipient]

    def recipients(self) -> list[str]:
        return self.to

    def message(self, *, policy: policy.Policy[Any] = AS_WRITTEN) -> Message:
        return message_from_bytes(self.content, policy=policy)


class Server:
    """A mail server, and the connection to it while it lasts."""

    def __init__(self, *, backend: Smtp) -> None:
        self._backend = backend
        self._connection: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._awaits_content = False

    def send(self, *, recipient: str, content: bytes) -> None:
        """Hand one message over; a kept connection that turns out to be dead is replaced once."""
        kept = self._living()
        if kept is not None:
            try:
                self._hand_over(kept, recipient=recipient, content=content)
            except Lost:
                pass  # servers close connections that are old or have carried enough: not this message's fault
            else:
                return
        self._hand_over(self._connect(), recipient=recipient, content=content)

    def begin(self, *, recipient: str, size: int) -> None:
        """Name sender and recipient of a message, which nobody receives before `finish`."""
        kept = self._living()
        if kept is not None:
            try:
                self._envelope(kept, recipient=recipient, size=size)
            except Lost:
                pass  # as above
            else:
                return
        self._envelope(self._connect(), recipient=recipient, size=size)

    def finish(self, *, content: bytes, meanwhile: Callable[[], None] | None = None) -> None:
        """The message itself, to the recipient of `begin`; `meanwhile` is done while the server thinks about it."""
        if self._connection is None:
            raise Lost("The connection is gone.")
        self._content(self._connection, content=content, meanwhile=meanwhile)

    def abandon(self) -> None:
        """Nothing follows `begin` after all."""
        if self._awaits_content:
            self._drop()  # whatever we said now would be the message
        elif self._connection is not None:
            try:
                self._connection.rset()
            except OSError:
                self._drop()

    def hang_up(self) -> None:
        """Close the connection, politely if the server still listens."""
        if self._connection is not None:
            with suppress(OSError):
                self._connection.quit()
            self._drop()

    def _living(self) -> smtplib.SMTP | None:
        """The kept connection, if the server still answers on it."""
        if self._connection is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            try:
                self._connection.noop()
            except OSError:
                self._drop()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        """A new connection, kept; raises Unreachable."""
        backend = self._backend
        # The name we say is cached by Django: looking it up may take seconds.
        options: dict[str, Any] = {"local_hostname": DNS_NAME.get_fqdn(), "timeout": backend.timeout}
        if backend.use_ssl:
            options["context"] = backend.ssl_context
        try:
            self._connection = backend.connection_class(backend.host, backend.port, **options)
            if backend.use_tls:
                self._connection.starttls(context=backend.ssl_context)
            self._connection.ehlo_or_helo_if_needed()
            if backend.username:
                self._connection.login(backend.username, backend.password)
        except (OSError, UnicodeError) as failure:
            self._drop()
            raise Unreachable(_words(failure)) from failure
        return self._connection

    def _hand_over(self, connection: smtplib.SMTP, *, recipient: str, content: bytes) -> None:
        self._envelope(connection, recipient=recipient, size=len(content))
        self._content(connection, content=content)

    def _envelope(self, connection: smtplib.SMTP, *, recipient: str, size: int) -> None:
        """All that comes before the message itself, DATA included: after it nothing keeps us waiting."""
        # Not smtplib's sendmail, which parses again both addresses of each message: mime has checked them.
        said = f" SIZE={size}" if connection.has_extn("size") else ""
        commands = [f"MAIL FROM:<{mime.sender()}>{said}", f"RCPT TO:<{recipient}>", "DATA"]
        with self._dialogue():
            if connection.has_extn("pipelining"):
                self._pipeline(connection, commands=commands)
                return
            for command, for_good in zip(commands[:-1], ENVELOPE, strict=True):
                self._judge(*connection.docmd(command), for_good=for_good)
            self._judge_data(*connection.docmd(commands[-1]))

    def _pipeline(self, connection: smtplib.SMTP, *, commands: list[str]) -> None:
        """All of it said at once, then all the answers: one round trip instead of three (RFC 2920)."""
        connection.send("".join(f"{command}\r\n" for command in commands))
        answers = [connection.getreply() for _command in commands]
        self._awaits_content = answers[-1][0] == CONTENT
        for (code, reply), for_good in zip(answers, ENVELOPE, strict=False):
            self._judge(code, reply, for_good=for_good)
        self._judge_data(*answers[-1])

    def _judge_data(self, code: int, reply: bytes | str) -> None:
        self._awaits_content = code == CONTENT
        if not self._awaits_content:
            self._judge(code, reply, for_good=PERMANENT)

    def _content(
        self, connection: smtplib.SMTP, *, content: bytes, meanwhile: Callable[[], None] | None = None
    ) -> None:
        with self._dialogue():
            self._awaits_content = False
            connection.send(_ended(content))
            if meanwhile is not None:
                meanwhile()
            try:
                self._judge(*connection.getreply(), for_good=PERMANENT)
            except Refused as refusal:
                raise Unwelcome(*refusal.args) from refusal

    @contextmanager
    def _dialogue(self) -> Iterator[None]:
        """What breaks inside is told in the words of accounts.transports."""
        try:
            yield
        except OSError as lost:
            self._drop()
            raise Lost(_words(lost)) from lost
        finally:
            self._used_at = time.monotonic()

    def _judge(self, code: int, reply: bytes | str, *, for_good: Container[int]) -> None:
        """Nothing when the server agrees; else the dialogue starts afresh for the next message."""
        if code in ACCEPTED:
            return
        if code == CLOSING or code < 0:
            self._drop()
            raise Lost(_answer(code, reply))
        self.abandon()
        raise (Refused if code in for_good else Deferred)(_answer(code, reply))

    def _drop(self) -> None:
        """Close without a word: a server that no longer answers would cost a timeout."""
        connection, self._connection, self._awaits_content = self._connection, None, False
        if connection is not None:
            connection.close()


def _ended(content: bytes) -> bytes:
    """As the dialogue wants it (RFC 5321, 4.5.2): dots at the beginning of lines doubled, a line of one at the end."""
    # Asked first: the regular expression takes a tenth of the time of a message, and hardly any has such a line.
    if content.startswith(b".") or b"\n." in content:
        content = LEADING_DOT.sub(b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _answer(code: int, reply: bytes | str) -> str:
    return f"{code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}"


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _backend() -> Server | BaseEmailBackend:
    """What this thread sends with, kept for as long as the settings are the same."""
    config = settings.MAILERS["default"]
    if getattr(_kept, "config", None) is not config:
        hang_up()
        backend = mailers.default
        _kept.backend = Server(backend=backend) if isinstance(backend, Smtp) else backend
        _kept.config = config
    return _kept.backend


def hang_up() -> None:
    """Close the kept connection; the next message opens another."""
    backend = getattr(_kept, "backend", None)
    if isinstance(backend, Server):
        backend.hang_up()
    _kept.config = _kept.backend = None


def send(message: OutgoingMessage) -> None:
    """Hand one e-mail to the mail server; raises one of accounts.transports."""
    hand_over(recipient=mime.mailbox(message.recipient), content=mime.build(message))


def hand_over(*, recipient: str, content: bytes) -> None:
    """Hand a finished message to the mail server on the connection this thread keeps; raises one of them too."""
    backend = _backend()
    if isinstance(backend, Server):
        backend.send(recipient=recipient, content=content)
        return
    try:
        backend.send_messages([cast(EmailMessage, Ready(content=content, recipient=recipient))])
    except OSError as failure:
        raise Unreachable(_words(failure)) from failure


class Handing:
    """The same in two steps: until `finish`, nobody has received anything, and `abandon` leaves no trace."""

    def __init__(self, *, recipient: str, content: bytes) -> None:
        self.recipient, self.content = recipient, content
        self.backend = _backend()
        if isinstance(self.backend, Server):
            self.backend.begin(recipient=recipient, size=len(content))

    def finish(self, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Let it be received; `meanwhile`, which may not raise, is done before the answer is read."""
        if isinstance(self.backend, Server):
            self.backend.finish(content=self.content, meanwhile=meanwhile)
        else:
            hand_over(recipient=self.recipient, content=self.content)
            if meanwhile is not None:
                meanwhile()

    def abandon(self) -> None:
        if isinstance(self.backend, Server):
            self.backend.abandon()
