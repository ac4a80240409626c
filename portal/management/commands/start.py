"""What `make run` runs: the servers, the preparation, then web, worker and scheduler, kept alive."""

import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from contextlib import suppress

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from portal.demo import PASSWORD
from portal.embedded.processes import Process, Service, wait_until
from portal.embedded.servers import mine
from portal.embedded.supervisor import Interrupted, interruptions, supervise

LONGEST_FIRST_PAGE = 60
DEMO_ACCOUNTS = (
    ("alice@acme.example", "administrator of Acme, a member business"),
    ("bob@acme.example", "editor at Acme"),
    ("rita@acme.example", "visitor at Acme"),
    ("charlie@globex.example", "administrator of Globex, accountant at Acme"),
    ("ines@example.org", "an individual"),
    ("nadia@noname.example", "a business that is not a member"),
    ("sam@boreal.example", "agent of Location Boréal"),
    ("zoe@riviere.example", "agent of Club Rivière"),
    ("root@comptoir.example", "superuser"),
)


class Command(BaseCommand):
    """Runs everything on this machine until Ctrl-C."""

    help = "Start the embedded servers, prepare the database and the files, then run the portal until Ctrl-C."
    requires_system_checks = []

    def handle(self, *_args: object, **_options: object) -> None:
        """Run until told to stop; nothing that was started is left running."""
        # Logs, messages and documents are for this account alone.
        os.umask(0o077)
        port = int(os.environ["PORT"])
        refuse_busy_port(port=port)
        with interruptions(), suppress(Interrupted):
            call_command("prepare", stdout=self.stdout)
            connections.close_all()
            supervise(
                running=list(mine().services.values()),
                starting=portal_services(port=port),
                started=self.announce,
            )
        self.stdout.write("Stopped.")

    def announce(self, service: Service) -> None:
        """Say where the portal is, once it answers; the worker and the scheduler start after that."""
        if not isinstance(service, Process) or service.name != "web":
            return
        port = int(os.environ["PORT"])
        wait_until(ready=lambda: has_page(port=port) or not service.is_running(), patience=LONGEST_FIRST_PAGE)
        if not has_page(port=port):
            self.stderr.write(f"The web server does not answer; {service.log_file} ends with:\n{service.last_words()}")
        self.stdout.write(f"\n  {settings.SITE_URL}/      logs: {service.log_file.parent}/      Ctrl-C to stop\n")
        if settings.DEMO:
            self.stdout.write(f"\n  Demo accounts, password {PASSWORD}; messages sent: /outbox/; agents: /admin/")
            for email, person in DEMO_ACCOUNTS:
                self.stdout.write(f"    {email:<24} {person}")
        self.stdout.flush()


def portal_services(*, port: int) -> list[Process]:
    """Web server, worker and scheduler, in the order they start."""
    cores = str(os.cpu_count() or 1)
    celery = [sys.executable, "-m", "celery", "-A", "portal"]
    commands = {
        "web": [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", cores, "--blocking-threads", "1", "--no-ws", "--workers-kill-timeout", "5"),
            *("--respawn-failed-workers", "--respawn-interval", "0.5", "portal.wsgi:application"),
        ],
        "worker": [*celery, "worker", "--concurrency", cores, "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat", "--pidfile="],
    }
    # A worker whose parent was killed stops at once: what it was doing is a row, and is done again.
    deaths = {"worker": signal.SIGKILL}
    return [
        Process(
            name=name,
            command=command,
            folder=settings.VAR_DIR,
            death_signal=deaths.get(name, signal.SIGTERM),
        )
        for name, command in commands.items()
    ]


def refuse_busy_port(*, port: int) -> None:
    """Raise CommandError when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(f"Port {port} is taken: stop what uses it, or run `make run PORT=8001`.") from error


def has_page(*, port: int) -> bool:
    """Whether the web server answers, with whatever status."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
