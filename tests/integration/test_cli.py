"""The command line, on a real database. Every failure is one line with the next step."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, make_url, text
from verification.shop_process import SHOP, environment, free_port, serving, shop, wait_until_ready

from http_client import WAIT_S_MAX, wait_until
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import SYSTEM, LineRequest, Money, Order, PlacementRequest, ProductDetails, Registration, Role, Shop
from shop_core.events import Event
from shop_core.ports import Undelivered
from shop_testing import MovableClock

SECRET = "a secret for tests, of more than 32 bytes"


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One embedded database for the tests that need one, in a folder with a space."""
    with tempfile.TemporaryDirectory(prefix="shop cli ") as folder:
        yield Path(folder, "data")


@pytest.fixture
def database(migrated_database: Callable[[str], str]) -> dict[str, str]:
    """The environment of commands that use a migrated database of their own."""
    return environment(SHOP_DATABASE_URL=migrated_database("shop_cli"), SHOP_SECRET_KEY=SECRET)


def failure(*arguments: str, env: dict[str, str], stdin: str | bytes = "") -> str:
    """What a command that must fail says: one line, and no traceback."""
    done = shop(*arguments, env=env, stdin=stdin)
    assert done.returncode != 0, done.stdout
    assert done.stderr.startswith("shop: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=60) as answer:
        body: dict[str, object] = json.load(answer)
        return body


def test_serve_starts_from_nothing_stops_what_it_started_and_finds_its_data_again(data_dir: Path) -> None:
    arguments = ("--demo", "--data-dir", str(data_dir))
    with serving(*arguments, env=environment()) as (url, process):
        first = get(f"{url}/api/v1/products")
        assert first["count"] == 15
    assert process.returncode == 0
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    with serving(*arguments, env=environment()) as (url, _):
        assert get(f"{url}/api/v1/products")["results"] == first["results"]


def test_after_a_kill_the_workers_end_and_the_next_start_recovers(data_dir: Path) -> None:
    port = free_port()
    command = [str(SHOP), "serve", "--port", str(port), "--data-dir", str(data_dir), "--workers", "2"]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as killed:
        wait_until_ready(f"http://127.0.0.1:{port}", killed)
        killed.kill()
        killed.stderr.read()  # type: ignore[union-attr]  # ends when the last worker has ended
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as again:
        wait_until_ready(f"http://127.0.0.1:{port}", again)
        again.send_signal(signal.SIGINT)
        again.communicate(timeout=WAIT_S_MAX)
    assert again.returncode == 0


def test_a_database_that_dies_under_the_server_comes_back_and_the_server_answers_again(data_dir: Path) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"

    def is_back(killed: str, url: str) -> bool:
        with contextlib.suppress(OSError):
            return pid_file.read_text().split("\n")[0] != killed and get(f"{url}/api/v1/products") == products
        return False

    with serving("--demo", "--data-dir", str(data_dir), env=environment()) as (url, process):
        products = get(f"{url}/api/v1/products")
        for _ in range(2):
            killed = pid_file.read_text().split("\n")[0]
            os.kill(int(killed), signal.SIGKILL)
            wait_until(lambda killed=killed, url=url: is_back(killed, url))  # type: ignore[misc]
    assert process.returncode == 0
    assert not pid_file.exists()


def test_other_commands_work_beside_a_running_server(data_dir: Path, tmp_path: Path) -> None:
    where = ("--data-dir", str(data_dir))
    file = tmp_path / "more.csv"
    file.write_text("sku,name,price,quantity\nTEA-1,Green Tea,4.20,7\n")
    with serving(*where, env=environment()) as (url, _):
        assert "1 created" in shop("import-products", str(file), *where, env=environment()).stdout
        assert get(f"{url}/api/v1/products?keyword=green+tea")["count"] == 1
        assert "Created the admin" in shop("create-admin", "ada", *where, env=environment(), stdin="long enough").stdout
        (data_dir / "run").chmod(0o755)  # as `chmod -R` leaves it
        audit = shop("audit", *where, env=environment())
        assert (audit.returncode, audit.stdout) == (0, "Everything adds up.\n")
        assert get(f"{url}/api/v1/products?keyword=green+tea")["count"] == 1, "a command never stops the shop"
        line = failure("serve", "--port", str(free_port()), *where, env=environment())
        assert "in use by another `shop serve`" in line
    secret = data_dir / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_bytes()) >= 32


def test_the_audit_names_each_difference_and_exits_1(database: dict[str, str]) -> None:
    assert shop("demo-data", env=database).returncode == 0
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE stock_levels SET on_hand = on_hand + 1 WHERE on_hand = 120"))
    engine.dispose()
    audit = shop("audit", env=database)
    assert audit.returncode == 1
    assert re.fullmatch(r"on_hand of \S+: 121 stored, 120 expected\n1 differences\.\n", audit.stdout)


@pytest.fixture
def library(database: dict[str, str]) -> Iterator[tuple[Shop, Engine]]:
    """The shop of `database` as a library, with its engine."""
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=2)
    yield Shop(PostgresAdapters(engine, SECRET.encode())), engine
    engine.dispose()


def ordered(shop: Shop) -> Order:
    """Ada's order of a lamp."""
    details = ProductDetails("LAMP-1", "Brass lamp", Money.parse("24.90", "EUR"))
    product_id = shop.catalog.create_product(SYSTEM, details).product.id
    shop.inventory.receive(SYSTEM, product_id, 5)
    ada = shop.accounts.register(Registration("ada", "numbers are music")).id
    return shop.orders.place(PlacementRequest(ada, (LineRequest(product_id, 2),)))


class Unwilling:
    """Takes nothing, for good."""

    def publish(self, event: Event) -> None:
        raise Undelivered("the receiver answered 404 Not Found", is_final=True)


def test_the_outbox_shows_what_waits_and_what_is_dead_and_tries_it_again(
    database: dict[str, str], library: tuple[Shop, Engine]
) -> None:
    assert shop("outbox", env=database).stdout == "0 waiting.\n0 dead.\n"
    shop_, _ = library
    order = ordered(shop_)
    said = shop("outbox", env=database).stdout
    assert re.fullmatch(r"1 waiting, the oldest since 2\S+ \S+ UTC\.\n0 dead\.\n", said)
    assert shop_.outbox.relay(Unwilling()) == 1
    said = shop("outbox", env=database).stdout
    assert said.startswith("0 waiting.\n1 dead: `shop outbox resend` tries them again.\n")
    assert f"order.placed of {order.id} at {order.created_at:%Y-%m-%d %H:%M:%S} UTC: the receiver answered" in said
    event_id = said.splitlines()[2].split()[0]
    assert shop("outbox", "resend", event_id, env=database).stdout == "1 dead letters will be tried again.\n"
    assert shop("outbox", env=database).stdout.startswith("1 waiting")
    assert shop_.outbox.relay(Unwilling()) == 1
    assert shop("outbox", "resend", "--all", env=database).stdout == "1 dead letters will be tried again.\n"
    assert "1 of them are no dead letters" in failure("outbox", "resend", event_id, env=database)


@pytest.mark.parametrize("arguments", [["resend"], ["resend", "--all", str(UUID(int=0))], ["resend", "first"]])
def test_resending_needs_to_know_which_messages(arguments: list[str]) -> None:
    assert shop("outbox", *arguments, env=environment()).returncode == 2


def test_a_file_with_a_bad_row_is_refused_whole_or_imported_without_it(
    database: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "products.csv"
    file.write_text("sku,name,price\nA,Apple,1.00\nB,Banana,one\n")
    done = shop("import-products", str(file), env=database)
    assert done.returncode == 1
    assert f"{file}:3: price: 'one' is not a decimal number" in done.stderr
    assert "nothing was imported" in done.stderr
    done = shop("import-products", str(file), "--on-bad-row", "skip", env=database)
    assert "1 created, 0 updated, 0 unchanged, 0 counted, 1 bad rows skipped" in done.stdout
    done = shop("import-products", str(file), "--on-bad-row", "skip", env=database)
    assert "0 created, 0 updated, 1 unchanged" in done.stdout
    file.write_text("Nr;Preis;Lieferant\nA;1,20;x\n")
    mapped = ("--map", "nr=sku", "--map", "Preis=price", "--map", "Lieferant=")
    done = shop("import-products", str(file), *mapped, "--dry-run", env=database)
    assert done.stdout.startswith("Nothing was written. It would be: 0 created, 1 updated")
    assert "0 created, 1 updated" in shop("import-products", str(file), *mapped, env=database).stdout
    assert "THEIRS=OURS" in shop("import-products", str(file), "--map", "x=y", env=database).stderr
    nowhere = environment(SHOP_DATABASE_URL="postgresql://127.0.0.1:1/none", SHOP_SECRET_KEY=SECRET)
    for time, said in (("noon", "is no time"), ("2026-11-27T18:00", "time zone"), ("9000-01-01T00:00Z", "to come")):
        line = failure("import-products", str(file), "--counted-at", time, env=nowhere)
        assert "counted: " in line
        assert said in line


def test_an_export_does_not_replace_a_file(database: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("mine")
    assert failure("export", "users", str(file), env=database) == f"shop: {file} is there already: name another file\n"
    assert file.read_text() == "mine"


@contextlib.contextmanager
def held_up(*command: str | Path, table: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for a table, which is locked until the block ends."""
    engine = make_engine(env["SHOP_DATABASE_URL"], connections=2)
    waiting = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass))")
    with engine.connect() as locking:
        locking.execute(text(f"LOCK TABLE {table}"))
        process = subprocess.Popen(command, env=env, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: bool(locking.execute(waiting, {"table": table}).scalar_one()))
            yield process
        except BaseException:
            process.kill()
            raise
    engine.dispose()


def test_a_command_whose_terminal_is_gone_removes_what_is_unfinished(database: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    command = (SHOP, "export", "users", str(file))
    with held_up(*command, table="accounts", env=database) as process:
        assert file.exists()
        process.send_signal(signal.SIGHUP)
        assert process.wait(WAIT_S_MAX) == 128 + signal.SIGHUP
    assert not file.exists()
    with held_up("nohup", *command, table="accounts", env=database) as process:
        process.send_signal(signal.SIGHUP)
    assert process.wait(WAIT_S_MAX) == 0
    assert file.exists()


def test_a_reload_before_there_are_workers_does_not_end_the_server(database: dict[str, str]) -> None:
    port = free_port()
    with held_up(SHOP, "serve", "--port", str(port), table="alembic_version", env=database) as process:
        process.send_signal(signal.SIGHUP)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        process.terminate()
        assert process.wait(WAIT_S_MAX) == 0
    finally:
        process.kill()


def test_users_are_listed_and_changed_by_name(database: dict[str, str]) -> None:
    for name in ("grace", "hopper"):
        assert shop("create-admin", name, env=database, stdin="a long password\n").returncode == 0
    assert shop("users", "role", "Grace", "staff", env=database).stdout == "grace is staff, and may log in.\n"
    assert shop("users", "deactivate", "grace", env=database).stdout == "grace is staff, and may not log in.\n"
    listed = [line.split()[:3] for line in shop("users", env=database).stdout.splitlines()]
    assert listed == [["grace", "staff", "inactive"], ["hopper", "admin", "active"]]
    assert re.match(r"\S{40,}\nGood once, until ", shop("users", "reset", "hopper", env=database).stdout)
    assert "there is no user 'ada'" in failure("users", "reset", "ada", env=database)


def test_a_user_is_forgotten_by_name_or_id_and_nobody_else(database: dict[str, str]) -> None:
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=1)
    tables = Shop(PostgresAdapters(engine, SECRET.encode()))
    assert shop("create-admin", "grace", env=database, stdin="a long password\n").returncode == 0
    ada, ben, cyd, dan = (
        tables.accounts.register(Registration(name, "a long password")) for name in ("ada", "ben", "cyd", "dan")
    )
    namesake = tables.accounts.register(Registration(str(dan.id), "a long password"))
    lamp = tables.catalog.create_product(SYSTEM, ProductDetails("LAMP", "Lamp", Money(100, "EUR"))).product
    tables.inventory.receive(SYSTEM, lamp.id, 1)
    order = tables.orders.place(PlacementRequest(ben.id, (LineRequest(lamp.id, 1),)))
    done = shop("users", "forget", "Ada", env=database)
    assert done.stdout == f"account erased: {ada.id}\nBackups have the person until you delete them.\n"
    assert f"account erased: {cyd.id}\n" in shop("users", "forget", str(cyd.id).upper(), env=database).stdout
    assert "there is no user 'ada'" in failure("users", "forget", "ada", env=database)
    assert f"there is no user '{ada.id}'" in failure("users", "forget", str(ada.id), env=database)
    assert "of one user and the id of another" in failure("users", "forget", str(dan.id), env=database)
    assert order.number in failure("users", "forget", "ben", env=database)
    assert "last active admin" in failure("users", "forget", "grace", env=database)
    left = {line.split()[0] for line in shop("users", env=database).stdout.splitlines()}
    assert left == {"ben", "dan", "grace", namesake.username}
    assert tables.audit() == []
    engine.dispose()


def test_a_command_without_the_settings_of_the_server_queues_its_events_if_the_server_publishes_them(
    database: dict[str, str],
) -> None:
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=1)
    tables = Shop(PostgresAdapters(engine, SECRET.encode(), has_outbox=False))
    for username, events, waiting in (("ada", "log", 1), ("ben", "none", 1)):
        with serving(env=database | {"SHOP_EVENTS": events}):
            tables.accounts.register(Registration(username, "a long password"))
        assert shop("users", "forget", username, env=database).returncode == 0
        assert tables.outbox.waiting(SYSTEM)[0] == waiting
    engine.dispose()


def test_what_is_kept_for_too_long_is_counted_and_deleted_only_if_that_is_asked_for(database: dict[str, str]) -> None:
    clock = MovableClock(datetime.now(UTC) - timedelta(days=1096))
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=1)
    long_ago = Shop(PostgresAdapters(engine, SECRET.encode(), clock=clock))
    ada = long_ago.accounts.register(Registration("ada", "a long password"))
    long_ago.accounts.register(Registration("boss", "a long password"), actor=SYSTEM, role=Role.ADMIN)
    lamp = long_ago.catalog.create_product(SYSTEM, ProductDetails("LAMP", "Lamp", Money(100, "EUR"))).product
    long_ago.inventory.receive(SYSTEM, lamp.id, 1)
    order = long_ago.orders.place(PlacementRequest(ada.id, (LineRequest(lamp.id, 1),)))
    long_ago.orders.cancel(ada.actor, order.id, reason="call me at 555-0100")
    then = f"{clock():%Y-%m-%d}"
    for _ in range(2):
        counted = shop("retention", "--accounts", "1095", env=database).stdout
        assert re.search(rf"^accounts: 1 not used since .*, the oldest of {then}$", counted, re.MULTILINE)
        assert re.search(rf"^reasons: 1 from before .*, the oldest of {then}$", counted, re.MULTILINE)
        assert re.search(r"^mails: 0 given up, from before [0-9-]*$", counted, re.MULTILINE)
        assert counted.endswith("Nothing was deleted: `shop retention --delete` does it.\n")
    assert "accounts: 0" in shop("retention", "--accounts", "1097", env=database).stdout
    deleted = shop("retention", "--delete", env=database).stdout
    assert re.findall(r"^(.*) erased$", deleted, re.MULTILINE) == ["reasons: 1", "accounts: 1"]
    assert f"\naccount erased: {ada.id}\n" in deleted
    assert [line.split()[0] for line in shop("users", env=database).stdout.splitlines()] == ["boss"]
    again = shop("retention", "--delete", env=database).stdout
    assert [line.split()[:2] for line in again.splitlines()] == [
        [f"{kind}:", "0"] for kind in ("reasons", "mails", "events", "accounts")
    ]
    assert "accounts: must be from 180 to 36500 days, this is 30" in failure(
        "retention", "--accounts", "30", env=database
    )
    assert "--messages: must be from 1 to 36500 days, this is 0" in failure(
        "retention", "--messages", "0", env=database
    )
    assert "'x' is no number of days" in shop("retention", "--messages", "x", env=database).stderr
    assert long_ago.audit() == []
    engine.dispose()


def test_settings_show_values_and_sources_but_no_secret(database: dict[str, str]) -> None:
    secret = {"SHOP_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    shown = shop("settings", env=database | secret | {"SHOP_PORT": "9000"}).stdout
    assert re.search(r"SHOP_PORT +9000 +environment", shown)
    assert re.search(r"SHOP_RESERVATIONS_MAX +20 +default", shown)
    assert re.search(r"SHOP_RESERVED_UNITS_MAX +1000000 +default", shown)
    assert re.search(r"SHOP_EVENTS +none +default", shown)
    assert re.search(r"SHOP_WEBHOOK_SECRET +\(hidden\) +environment", shown)
    assert len({line.rindex(line.split("  ")[-1]) for line in shown.splitlines()}) == 1, "the meanings are one column"
    assert SECRET not in shown
    assert secret["SHOP_WEBHOOK_SECRET"] not in shown
    assert database["SHOP_DATABASE_URL"] not in shown
    for variables in ({}, {"SHOP_DATA_DIR": "/a"}):
        shown = shop("settings", "--data-dir", "/b", env=environment(**variables)).stdout
        assert re.search(r"SHOP_DATA_DIR +/b +flag", shown)


def test_version_names_the_version() -> None:
    """By the installed command; most others here are run without an interpreter of their own."""
    said = subprocess.run([SHOP, "version"], env=environment(), capture_output=True, text=True, check=True).stdout
    assert said.startswith("shop 0.")


def test_a_taken_port_is_named(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = failure("serve", "--port", port, "--data-dir", str(data_dir), env=environment())
    assert port in line
    assert "another --port" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])  # of documentation: no machine has them
def test_an_address_that_the_machine_does_not_have_is_named(data_dir: Path, host: str) -> None:
    line = failure("serve", "--host", host, "--data-dir", str(data_dir), env=environment())
    assert line == f"shop: cannot listen on {host}: this machine has no such address: choose another --host\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SHOP_PORT": "eighty"}, "SHOP_PORT is 'eighty': it must be a whole number from 1 to 65535"),
        ({"SHOP_CURRENCY": "euro"}, "SHOP_CURRENCY is 'euro': it must be an ISO 4217 code"),
        ({"SHOP_DATABASE_URL": "mysql://x/y"}, "must look like postgresql://"),
        ({"SHOP_DATABASE_URL": "postgresql://x@127.0.0.1:1/y"}, "SHOP_SECRET_KEY is not set"),
        ({"SHOP_SECRET_KEY": "too short"}, "SHOP_SECRET_KEY is (hidden): it must have at least 32 bytes"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_rule(variables: dict[str, str], said: str) -> None:
    assert said in failure("migrate", env=environment(**variables))


def test_a_database_that_cannot_be_reached_is_named_without_its_password() -> None:
    url = "postgresql://shop:hunter2hunter2@127.0.0.1:1/shop"
    line = failure("audit", env=environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=SECRET))
    assert "127.0.0.1:1/shop" in line
    assert "or correct SHOP_DATABASE_URL" in line
    assert "hunter2" not in line


def test_a_database_without_the_schema_says_to_migrate(new_database: Callable[[str], str]) -> None:
    env = environment(SHOP_DATABASE_URL=new_database("shop_unmigrated"), SHOP_SECRET_KEY=SECRET)
    assert "run `shop migrate`" in failure("serve", "--port", str(free_port()), env=env)


def test_a_schema_that_is_too_new_says_to_install_the_newer_version(database: dict[str, str]) -> None:
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
        connection.execute(text("UPDATE shop_facts SET value = 'from-the-future' WHERE name = 'works_with'"))
    engine.dispose()
    for command in (["migrate"], ["audit"], ["serve", "--port", str(free_port())]):
        assert "from-the-future" in failure(*command, env=database)


def test_a_role_without_rights_on_the_tables_gets_one_line_that_says_so(database: dict[str, str]) -> None:
    url = make_url(database["SHOP_DATABASE_URL"])
    engine = make_engine(url.render_as_string(hide_password=False), connections=1)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS shop_other"))
        connection.execute(text("CREATE ROLE shop_other LOGIN"))
    engine.dispose()
    other_role = url.set(username="shop_other").render_as_string(hide_password=False)
    line = failure("audit", env=database | {"SHOP_DATABASE_URL": other_role})
    assert "shop_other" in line
    assert "permission denied" in line


def test_a_username_that_is_taken_and_a_short_password_are_refused(database: dict[str, str]) -> None:
    assert shop("create-admin", "ada", env=database, stdin="long enough\n").returncode == 0
    assert "'ada' is taken" in failure("create-admin", "ada", env=database, stdin="long enough\n")
    assert "from 8 to 256 characters" in failure("create-admin", "bob", env=database, stdin="short\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    line = failure("audit", "--data-dir", str(tmp_path / "data"), env=environment())
    assert str(tmp_path) in line


@pytest.mark.parametrize(
    "command",
    [
        *("audit", "users", "retention --delete", "outbox", "mails", "export orders", "backup ."),
        "import-products --dry-run examples/products.csv",
    ],
)
def test_a_command_that_looks_or_cleans_makes_no_shop(tmp_path: Path, command: str) -> None:
    data_dir = tmp_path / "data"
    assert f"there is no shop in {data_dir}" in failure(*command.split(), env=environment(SHOP_DATA_DIR=str(data_dir)))
    assert not data_dir.exists()


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"{file} is a file" in failure("audit", "--data-dir", str(file), env=environment())


@pytest.mark.parametrize(
    ("password", "said"), [(b"pass\0wordwordword\n", "NUL"), (b"\xff\xfe passwordpassword\n", "UTF-8")]
)
def test_a_password_that_no_login_can_send_is_refused(database: dict[str, str], password: bytes, said: str) -> None:
    assert said in failure("create-admin", "ada", env=database, stdin=password)


@pytest.mark.parametrize("url", ["postgresql://[::1", "postgresql://u:p@h:abc/d"])
def test_an_address_of_a_database_that_cannot_be_read_is_named(url: str) -> None:
    line = failure("migrate", env=environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=SECRET))
    assert "must look like postgresql://" in line


def test_a_host_that_cannot_be_is_named() -> None:
    assert "choose another --host" in failure("serve", "--host", "a" * 70 + ".com", env=environment())
