"""The embedded servers, started for real: what survives, what is left behind, who may run them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from portal.embedded import environment, processes, register, reset
from portal.embedded.launch import MAPPED, SELF
from portal.embedded.postgres import Postgres, choose_identity
from portal.embedded.processes import Process, ServiceFailed, free_port, launch_command, wait_until
from portal.embedded.servers import Servers, for_command, owned, running, throwaway
from portal.embedded.supervisor import LONGEST_WAIT, Watch

ROOT = Path(__file__).resolve().parents[2]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
OWNER = """
import signal, sys
from pathlib import Path
from portal.embedded.servers import owned
with owned(var_dir=Path(sys.argv[1])) as servers:
    print(*(service.process.child.pid for service in servers.services.values()), flush=True)
    signal.pause()
"""
WHO = """
import os, psycopg
from portal.embedded.servers import throwaway
with throwaway() as found, psycopg.connect(found["DATABASE_URL"]) as connection:
    print(os.geteuid(), connection.execute("SELECT 6 * 7").fetchone()[0])
"""


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "VAR_DIR", "SITE_URL", "PORT", "DEMO"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(folder=tmp_path, port=free_port(), password="first", is_durable=True)
    server.start()
    yield server
    server.stop()


def run_python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def write_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 1 AS figure")


def read_row(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT figure FROM committed").fetchone()[0]


def is_gone(pid: int) -> Callable[[], bool]:
    return lambda: not processes.command_line(pid=pid)


def test_throwaway_servers_answer_and_refuse_a_wrong_password() -> None:
    with throwaway() as found:
        with psycopg.connect(found["DATABASE_URL"]) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        with redis.Redis.from_url(found["REDIS_URL"]) as client:
            assert client.ping()
            port = client.connection_pool.connection_kwargs["port"]
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(found["DATABASE_URL"], password="guess")
        folder = Path(found["VAR_DIR"])
        assert (folder / "secrets.json").stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_the_server_of_make_run_never_loses_what_it_confirmed(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",), name


def test_committed_rows_survive_the_killing_of_postgresql(postgres: Postgres) -> None:
    write_row(postgres.url)
    # A living connection holds the shared memory for a while: the hard case.
    with psycopg.connect(postgres.url) as busy:
        busy.execute("SELECT 1")
        pid = int((postgres.folder / "run" / "postgres.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        assert wait_until(ready=lambda: not postgres.is_running(), patience=5)
        postgres.start()
        busy.close()
    assert read_row(postgres.url) == 1


def test_a_lock_file_naming_another_process_does_not_stop_the_start(postgres: Postgres) -> None:
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n")
    postgres.start()
    assert postgres.is_running()


def test_an_interrupted_initialisation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(folder=tmp_path, port=free_port(), password="first", is_durable=False)
    server.start()
    server.stop()
    assert not (tmp_path / "postgres.new").exists()


def test_a_forgotten_password_is_said_at_once(postgres: Postgres) -> None:
    postgres.stop()
    other = Postgres(folder=postgres.folder, port=postgres.port, password="second", is_durable=True)
    try:
        with pytest.raises(ServiceFailed, match=r"secrets\.json"):
            other.start()
    finally:
        other.stop()


def test_no_server_outlives_a_killed_owner_and_the_next_owner_finds_every_row(tmp_path: Path) -> None:
    with subprocess.Popen(run_python(OWNER, str(tmp_path)), stdout=subprocess.PIPE, cwd=ROOT, text=True) as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        write_row(environment(var_dir=tmp_path)["DATABASE_URL"])
        owner.kill()
    for pid in pids:
        assert wait_until(ready=is_gone(pid), patience=10), processes.command_line(pid=pid)
    assert (tmp_path / "run" / "servers.json").exists()
    assert "DATABASE_URL" not in environment(var_dir=tmp_path)
    with owned(var_dir=tmp_path) as servers:
        assert read_row(servers.urls["DATABASE_URL"]) == 1


def test_an_ordinary_user_runs_the_servers() -> None:
    identity = MAPPED if os.geteuid() == 0 else SELF
    answer = subprocess.run(
        launch_command(command=run_python(WHO), identity=identity),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    user, figure = answer.stdout.split()
    assert int(user) != 0, answer.stderr
    assert figure == "42"


@only_root
def test_root_runs_a_folder_of_another_user_as_that_user() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        data = folder / "postgres"
        data.mkdir()
        os.chown(data, 65534, -1)
        assert choose_identity(folder=folder, data=data) == "nobody"
        server = Postgres(folder=folder, port=free_port(), password="first", is_durable=False)
        server.start()
        try:
            assert Path(f"/proc/{server.process.child.pid}").stat().st_uid == 65534
            write_row(server.url)
        finally:
            server.stop()
        server.start()
        try:
            assert Path(f"/proc/{server.process.child.pid}").stat().st_uid == 65534
            assert read_row(server.url) == 1
        finally:
            server.stop()


@only_root
def test_root_prefers_a_namespace_to_another_account(tmp_path: Path) -> None:
    assert choose_identity(folder=tmp_path, data=tmp_path / "postgres") == MAPPED


def test_with_addresses_in_the_environment_no_server_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/comptoir")
    assert list(Servers(folder=tmp_path, is_durable=True).services) == ["REDIS_URL"]
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "other"))
    with for_command(arguments=["migrate"]):
        assert os.environ["DATABASE_URL"] == "postgres://elsewhere/comptoir"
    assert not (tmp_path / "other").exists()


def test_a_command_uses_the_servers_that_run_already(tmp_path: Path) -> None:
    with owned(var_dir=tmp_path, told={"SITE_URL": "http://localhost:8001"}) as servers:
        with running(var_dir=tmp_path) as found:
            assert found == {**servers.urls, "SITE_URL": "http://localhost:8001"}
        assert all(service.is_running() for service in servers.services.values())
    assert "DATABASE_URL" not in environment(var_dir=tmp_path)


def test_a_command_alone_has_servers_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    with running(var_dir=tmp_path) as found:
        write_row(found["DATABASE_URL"])
        assert environment(var_dir=tmp_path)["DATABASE_URL"] == found["DATABASE_URL"]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(found["DATABASE_URL"])


def test_a_command_that_needs_no_database_starts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    with for_command(arguments=["compilemessages"]), for_command(arguments=["migrate", "--help"]):
        assert "DATABASE_URL" not in os.environ
    assert not (tmp_path / "postgres").exists()
    assert environment(var_dir=tmp_path).keys() == {"SECRET_KEY"}


def test_two_owners_of_one_folder_are_refused_and_so_is_a_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    with register.ownership(var_dir=tmp_path, patience=0):
        (tmp_path / "run" / "servers.json").write_text(json.dumps({"pid": "4321"}))
        with (
            pytest.raises(register.AlreadyRunning, match="process 4321"),
            register.ownership(var_dir=tmp_path, patience=0),
        ):
            pass
        with pytest.raises(SystemExit, match="already running"):
            reset.main()
    reset.main()
    assert list(tmp_path.iterdir()) == []


def test_a_dead_service_starts_again_and_a_hopeless_one_waits_longer_each_time(tmp_path: Path) -> None:
    process = Process(name="sleeper", command=["sleep", "60"], folder=tmp_path)
    process.start()
    watch = Watch(service=process, started_at=0)
    first = process.child.pid
    os.kill(first, signal.SIGKILL)
    assert wait_until(ready=lambda: not process.is_running(), patience=5)
    watch.look(now=100)
    watch.look(now=101)
    assert process.is_running()
    assert int(process.pid_file.read_text()) == process.child.pid != first
    process.stop()
    assert not process.pid_file.exists()

    watch = Watch(service=Process(name="failing", command=["false"], folder=tmp_path))
    waits = []
    for moment in range(1, 200, 20):
        watch.look(now=moment)
        waits.append(watch.wait)
        watch.look(now=watch.due_at)
        watch.service.child.wait()
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def test_what_a_killed_service_left_running_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    parent = Process(name="parent", command=["sh", "-c", "sleep 60 & echo $!; wait"], folder=tmp_path)
    parent.start()
    assert wait_until(ready=lambda: bool(parent.log_file.read_text()), patience=5)
    grandchild = int(parent.log_file.read_text())
    os.kill(parent.child.pid, signal.SIGKILL)
    parent.child.wait()
    assert processes.command_line(pid=grandchild)
    parent.start()
    assert wait_until(ready=is_gone(grandchild), patience=5)
    parent.stop()
