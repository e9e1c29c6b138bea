"""Settings: read from variables and flags, refused in words, handed on to workers whole."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from shop_adapters.publishers import LogPublisher
from shop_adapters.publishers.webhook import WebhookPublisher
from shop_http.cli.main import main
from shop_http.server.optional import publisher_of
from shop_http.server.settings import Settings, SettingsError, unknown_settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": "https://shop.example/in", "SHOP_WEBHOOK_SECRET": SECRET}


def settings(**environment: str) -> Settings:
    return Settings.read(environment, {})


def test_a_worker_reads_the_settings_that_the_server_had() -> None:
    given = settings(
        **WEBHOOK,
        SHOP_RESERVATIONS_MAX="3",
        SHOP_RESERVED_UNITS_MAX="70",
        SHOP_PUBLIC_CATALOG="false",
        SHOP_PREVIOUS_SECRET_KEYS=f"{'a' * 32},{'ö' * 16}",
        SHOP_ALLOW_UNSAFE="fsync,synchronous_commit",
    )
    assert (given.reservations_max, given.reserved_units_max) == (3, 70)
    assert pickle.loads(pickle.dumps(given)) == given


def test_no_secret_is_shown() -> None:
    environment = WEBHOOK | {"SHOP_SECRET_KEY": "x" * 32, "SHOP_DATABASE_URL": "postgresql://u:hunter2@h/d"}
    shown = " ".join(" ".join(row) for row in Settings.read(environment, {}).table(environment, {}))
    for secret in (SECRET, WEBHOOK["SHOP_WEBHOOK_URL"], "x" * 32, "hunter2"):
        assert secret not in shown
    assert shown.count("(hidden)") == 4


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SHOP_RESERVATIONS_MAX": "0"}, "SHOP_RESERVATIONS_MAX is '0': it must be a whole number from 1 to 10000"),
        ({"SHOP_RESERVED_UNITS_MAX": "many"}, "SHOP_RESERVED_UNITS_MAX is 'many': it must be a whole number"),
        ({"SHOP_PREVIOUS_SECRET_KEYS": "x" * 40 + ",short"}, "SHOP_PREVIOUS_SECRET_KEYS is (hidden): it must have at"),
        *(
            ({"SHOP_PREVIOUS_SECRET_KEYS": keys}, "SHOP_PREVIOUS_SECRET_KEYS is (hidden): it must have no white space")
            for keys in (f"{'x' * 40}, {'y' * 40}", f"{'x' * 40},{'y' * 40} ")
        ),
        ({"SHOP_EVENTS": "mail"}, "SHOP_EVENTS is 'mail': it must be one of none, log, webhook"),
        ({"SHOP_WEBHOOK_URL": "ftp://x"}, "SHOP_WEBHOOK_URL is (hidden): it must look like https://"),
        ({"SHOP_HEALTH_PORT": "8000"}, "SHOP_HEALTH_PORT and SHOP_PORT are both 8000: set SHOP_HEALTH_PORT to another"),
        ({"SHOP_EVENTS": "webhook"}, "SHOP_WEBHOOK_URL is not set, and SHOP_EVENTS=webhook needs it"),
        (
            {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": "https://x.example"},
            "SHOP_WEBHOOK_SECRET is not set, and SHOP_EVENTS=webhook needs it",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_rule(variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**variables)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "secret", ["hunter2hunter2", "whsec_", "whsec_dG9vIHNob3J0", "whsec_ü", SECRET[6:], SECRET + " "]
)
def test_a_webhook_secret_that_cannot_be_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="must be whsec_") as refused:
        settings(SHOP_WEBHOOK_SECRET=secret)
    assert secret not in str(refused.value) or secret == "whsec_"


def test_facts_are_told_where_the_settings_say() -> None:
    assert publisher_of(settings()) is None
    assert isinstance(publisher_of(settings(SHOP_EVENTS="log")), LogPublisher)
    assert isinstance(publisher_of(settings(**WEBHOOK)), WebhookPublisher)
    two = {"SHOP_WEBHOOK_SECRET": f"{SECRET} {SECRET}"}
    assert isinstance(publisher_of(settings(**WEBHOOK | two)), WebhookPublisher)


def test_a_webhook_that_cannot_be_is_named_before_anything_starts() -> None:
    with pytest.raises(SettingsError, match="SHOP_WEBHOOK_URL or SHOP_WEBHOOK_SECRET cannot be used"):
        publisher_of(settings(**WEBHOOK | {"SHOP_WEBHOOK_URL": "https://shop.example:99999/in"}))


def test_a_secret_can_be_in_a_file_and_reaches_the_workers_without_it(tmp_path: Path) -> None:
    secret, url = tmp_path / "secret", tmp_path / "url"
    secret.write_bytes(b"\xff" * 40 + b"\n")
    url.write_text("postgresql://u:hunter2@h/d\n")
    environment = {"SHOP_SECRET_KEY_FILE": str(secret), "SHOP_DATABASE_URL_FILE": str(url)}
    given = Settings.read(environment, {})
    assert given.secret_key == b"\xff" * 40
    assert given.database_url == "postgresql+psycopg://u:hunter2@h/d"
    sources = {row[0]: row[1:3] for row in given.table(environment, {})}
    assert sources["SHOP_SECRET_KEY"] == sources["SHOP_DATABASE_URL"] == ("(hidden)", "file")
    secret.unlink()
    assert pickle.loads(pickle.dumps(given)) == given


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "which cannot be read: No such file"),
        ("\n", "which is empty"),
        ("short", "SHOP_SECRET_KEY_FILE is (hidden)"),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError) as refused:
        settings(SHOP_SECRET_KEY_FILE=str(file))
    assert said in str(refused.value)
    assert "short" not in str(refused.value)


def test_a_secret_is_in_one_place_only(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("y" * 40)
    with pytest.raises(SettingsError, match="SHOP_SECRET_KEY and SHOP_SECRET_KEY_FILE are both set"):
        settings(SHOP_SECRET_KEY="x" * 40, SHOP_SECRET_KEY_FILE=str(tmp_path / "secret"))


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/srv/b", "--data-dir is '/srv/b', and SHOP_DATABASE_URL names another database: leave out --data-dir"),
        ("", "--data-dir is empty: give it a value, or leave it out"),
    ],
)
def test_a_folder_that_would_not_be_used_is_refused(folder: str, said: str) -> None:
    environment = {"SHOP_DATABASE_URL": "postgresql://h/d", "SHOP_SECRET_KEY": "x" * 32, "SHOP_DATA_DIR": "/srv/a"}
    assert Settings.read(environment, {"data_dir": None}).database_url
    with pytest.raises(SettingsError) as refused:
        Settings.read(environment, {"data_dir": folder})
    assert said in str(refused.value)


def test_no_secret_can_be_given_as_a_flag() -> None:
    """The list of processes shows flags to everybody on the machine."""
    for name in ("database-url", "secret-key", "webhook-url", "webhook-secret"):
        with pytest.raises(SystemExit):
            main(["serve", f"--{name}", "x"])


def test_origins_and_prepared_statements_reach_the_workers() -> None:
    given = settings(SHOP_CORS_ORIGINS="https://a.example, http://localhost:3000", SHOP_PREPARE_THRESHOLD="off")
    assert given.cors_origins == ("https://a.example", "http://localhost:3000")
    assert given.prepare_threshold is None
    assert pickle.loads(pickle.dumps(given)) == given
    with pytest.raises(SettingsError, match="SHOP_CORS_ORIGINS is '\\*': it must be origins"):
        settings(SHOP_CORS_ORIGINS="*")


def test_a_misspelled_variable_is_told_with_the_one_that_was_meant() -> None:
    environment = {"SHOP_CURENCY": "EUR", "SHOP_SECRET_KEY_FILE": "x", "SHOP_PORT_8000_TCP": "x", "HOME": "/"}
    (line,) = unknown_settings(environment)
    assert line == "SHOP_CURENCY is not a setting and has no effect: did you mean SHOP_CURRENCY?"
