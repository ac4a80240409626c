"""What `make run` runs: the servers, the preparation, then web, worker and scheduler, kept alive."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.embedded.processes import Process, ServiceFailed, launch_command, wait_until
from portal.embedded.servers import owned
from portal.embedded.supervisor import Interrupted, interruptions, supervise

LONGEST_FIRST_PAGE = 60
DEMO_PASSWORD = "comptoir-demo"  # noqa: S105  # printed on purpose, for people who do not exist
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
        port = int(os.environ.get("PORT", "8000"))
        refuse_busy_port(port=port)
        try:
            with interruptions(), owned(var_dir=settings.VAR_DIR) as servers:
                environment = child_environment(port=port, urls=servers.urls)
                self.prepare(environment=environment)
                children = portal_services(port=port, environment=environment)
                supervise(
                    running=list(servers.services.values()),
                    starting=children,
                    announce=lambda: self.announce(port=port, web=children[0]),
                )
        except Interrupted:
            self.stdout.write("Stopped.")
        except ServiceFailed as failure:
            raise CommandError(str(failure)) from failure

    def prepare(self, *, environment: dict[str, str]) -> None:
        """Run `prepare` in a process of its own, which sees the addresses of the servers."""
        command = launch_command(command=manage("prepare"))
        answer = subprocess.run(command, env=environment, process_group=0, stdin=subprocess.DEVNULL, check=False)
        if answer.returncode:
            raise CommandError("The preparation failed; the reason is above.", returncode=answer.returncode)

    def announce(self, *, port: int, web: Process) -> None:
        """Say where the portal is, once it answers."""
        wait_until(ready=lambda: has_page(port=port) or not web.is_running(), patience=LONGEST_FIRST_PAGE)
        if not has_page(port=port):
            self.stderr.write(f"The web server does not answer yet; it writes to {web.log_file}:\n{web.last_words()}")
        self.stdout.write(f"\n  http://localhost:{port}/        logs: {web.log_file.parent}/        Ctrl-C to stop\n")
        if settings.DEMO or "DATABASE_URL" not in os.environ:
            self.stdout.write(
                f"\n  Demo accounts, password {DEMO_PASSWORD}; messages sent: /outbox/; agents: /admin/\n"
            )
            for email, person in DEMO_ACCOUNTS:
                self.stdout.write(f"    {email:<24} {person}")
        self.stdout.flush()


def child_environment(*, port: int, urls: dict[str, str]) -> dict[str, str]:
    """What the children read: our own variables, the servers' addresses, and the demo on a database of our own."""
    demo = {"DEMO": "1", "SITE_URL": f"http://localhost:{port}"} if "DATABASE_URL" in urls else {}
    return {"SECRET_KEY": settings.SECRET_KEY, **demo, **os.environ, **urls, "VAR_DIR": str(settings.VAR_DIR)}


def portal_services(*, port: int, environment: dict[str, str]) -> list[Process]:
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
    deaths = {"worker": signal.SIGQUIT}
    return [
        Process(
            name=name,
            command=command,
            folder=settings.VAR_DIR,
            environment=environment,
            death_signal=deaths.get(name, signal.SIGTERM),
        )
        for name, command in commands.items()
    ]


def manage(*words: str) -> list[str]:
    """A command line of manage.py."""
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *words]


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
