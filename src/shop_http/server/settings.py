"""Settings: `SHOP_*` variables, each with its default, its rule and its meaning in one place."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shop_http.client_address import HEADERS
from shop_http.server import setting_rules as rules


class SettingsError(Exception):
    """A setting cannot be used: one line that names it, its value, its rule and the next step."""


_NOT_OURS = ("SHOP_TEST_", "SHOP_TRACE", "SHOP_REPLAY_", "SHOP_SERVICE_", "SHOP_PORT_")
"""Variables of tests and tools, and those that Kubernetes makes for a service that is called shop."""


def _setting(default: Any, read: Callable[[str], Any], meaning: str, *, hidden: bool = False) -> Any:
    return field(default=default, metadata={"read": read, "meaning": meaning, "hidden": hidden})


def _cores() -> int:
    """How many cores this process may use, at most four: more workers help only some shops, so measure first."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 4)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a shop runs. `data_dir` is the variable `SHOP_DATA_DIR`, and so on. A flag wins over its variable."""

    data_dir: Path = _setting(Path(".data"), Path, "where the embedded PostgreSQL and its secret are kept")
    database_url: str = _setting(
        "", rules.database_url, "the PostgreSQL to use instead of the embedded one", hidden=True
    )
    secret_key: bytes = _setting(
        b"", rules.secret, "signs the tokens; required with SHOP_DATABASE_URL, at least 32 bytes", hidden=True
    )
    previous_secret_keys: tuple[str, ...] = _setting(
        (),
        rules.secrets,
        "old secrets that are still accepted while SHOP_SECRET_KEY is replaced, with commas",
        hidden=True,
    )
    host: str = _setting("127.0.0.1", str, "the address to listen on")
    port: int = _setting(8000, rules.whole(1, 65535), "the port to listen on")
    health_port: int = _setting(
        0, rules.whole(0, 65535), "a port for /health/ alone, which no client reaches, e.g. 8001; 0: none but SHOP_PORT"
    )
    workers: int = _setting(
        _cores(), rules.whole(1, 64), "processes that answer requests; by default one for each core, at most 4"
    )
    connections: int = _setting(8, rules.whole(1, 100), "database connections (and threads) per worker")
    request_timeout: int = _setting(
        10, rules.whole(1, 3600), "seconds within which a whole request must arrive, else 408"
    )
    answer_timeout: int = _setting(
        30, rules.whole(1, 3600), "seconds within which a request must be answered, else 503"
    )
    drain_s: int = _setting(1, rules.whole(0, 300), "seconds to go on after SIGTERM, while /health/ready answers 503")
    read_model_mb: int = _setting(
        50, rules.whole(0, 100_000), "MiB per worker for pages of the catalog that are kept in memory; 0: none is"
    )
    prepare_threshold: int | None = _setting(
        5, rules.threshold, "prepare a statement after so many uses; off: never, for PgBouncer"
    )
    currency: str = _setting("EUR", rules.currency, "the one currency of all prices, an ISO 4217 code")
    prices: str = _setting(
        "gross", rules.one_of("gross", "net"), "gross: prices include taxes; net: taxes are added; never changes"
    )
    media: str = _setting(
        "",
        str,
        "where pictures are kept: a folder, or s3://bucket/path; by default `media` in SHOP_DATA_DIR, and nowhere with"
        " SHOP_DATABASE_URL",
    )
    media_url: str = _setting(
        "", rules.media_url, "where clients find the pictures, e.g. https://pictures.example; without it, at /media"
    )
    docs: bool = _setting(True, rules.yes_or_no, "whether everybody can read /docs and /openapi.json")
    panel: bool = _setting(True, rules.yes_or_no, "whether staff can use the panel at /staff")
    breached_passwords: str = _setting("", str, "a file of leaked passwords, as SHA-1 hashes, that nobody may set")
    base_url: str = _setting(
        "", rules.base_url, "how clients reach the shop, e.g. https://shop.example; without it links are relative"
    )
    compression: bool = _setting(
        True, rules.yes_or_no, "whether JSON is compressed for clients that ask for it; false where a proxy does it"
    )
    cors_origins: tuple[str, ...] = _setting(
        (), rules.origins, "origins whose web pages may use the API, e.g. https://shop.example; none by default"
    )
    public_catalog: bool = _setting(True, rules.yes_or_no, "whether the catalog can be read without a login")
    session_idle_days: int = _setting(1, rules.whole(1, 180), "days after which a session that is not used ends")
    remembered_session_idle_days: int = _setting(
        60, rules.whole(1, 180), "the same for logins with `remember`, on devices of their users' own"
    )
    reservations_max: int = _setting(20, rules.whole(1, 10_000), "reservations that one customer may hold at once")
    reserved_units_max: int = _setting(
        1_000_000, rules.whole(1, 2_000_000_000), "units that one customer may hold in all reservations"
    )
    orders_per_minute: int = _setting(
        60_000,
        rules.whole(0, 1_000_000),
        "orders that one customer may place in a minute at each server, divided among its workers; 0: any number",
    )
    ordered_lines_per_minute: int = _setting(
        20_000,
        rules.whole(0, 1_000_000),
        "lines that one customer may order in a minute, edits included, one for an order of a reservation,"
        " at each server, divided among its workers; 0: any number",
    )
    reserved_lines_per_minute: int = _setting(
        20_000,
        rules.whole(0, 1_000_000),
        "lines that one customer may reserve or extend in a minute"
        " at each server, divided among its workers; 0: any number",
    )
    rate_limit: str = _setting(
        "600000/minute",
        rules.rate,
        "requests of one account, or of one address without a login,"
        " at each server, divided among its workers; off: any number",
    )
    login_rate_limit: str = _setting(
        "6000/minute",
        rules.rate,
        "failed logins and registrations of one address at each server, divided among its workers; off: any number",
    )
    http_connections: int = _setting(
        1_000,
        rules.whole(16, 1_000_000),
        "HTTP connections to one worker; beyond that the oldest that wait for clients end",
    )
    http_connections_per_client: int = _setting(
        250, rules.whole(0, 1_000_000), "the same for one address that is no trusted proxy; 0: any number"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), rules.proxies, "networks of the proxies that say where a request comes from"
    )
    proxy_header: str = _setting(
        "x-forwarded-for", rules.one_of(*HEADERS), "the header in which they say it: x-forwarded-for or forwarded"
    )
    events: str = _setting(
        "none",
        rules.one_of("none", "log", "webhook"),
        "where events are published: none, log or webhook; timelines show them anyway",
    )
    webhook_url: str = _setting("", rules.webhook_url, "the receiver of events, by signed POST requests", hidden=True)
    webhook_secret: str = _setting(
        "", rules.webhook_secret, "signs those requests, whsec_...; two secrets while it is replaced", hidden=True
    )
    smtp_url: str = _setting(
        "", str, "sends mails, e.g. smtp://user:password@host:587?starttls; log: only logs them", hidden=True
    )
    mail_from: str = _setting("", str, "who sends them, e.g. Lamp shop <shop@example.org>")
    log: str = _setting(
        "auto", rules.one_of("auto", "text", "json"), "text or json; auto: text on a terminal, JSON otherwise"
    )
    log_level: str = _setting(
        "info",
        rules.one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error; info writes a line for each request",
    )
    metrics: str = _setting(
        "off", rules.one_of("off", "public"), "off; public: everybody who reaches the port can read /metrics"
    )
    metrics_token: str = _setting(
        "", rules.token, "shows /metrics to clients that send this as a bearer token", hidden=True
    )
    tracing: str = _setting(
        "off", rules.one_of("off", "otlp"), "off; otlp: a span for each request, sent to OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    sentry_dsn: str = _setting(
        "", str, "where faults of the server are reported to: the DSN of a Sentry project", hidden=True
    )
    allow_unsafe: tuple[str, ...] = _setting(
        (), rules.unsafe, "durability settings of PostgreSQL that may be off, e.g. fsync"
    )

    @property
    def shows_metrics(self) -> bool:
        """Whether there is `/metrics`."""
        return self.metrics == "public" or bool(self.metrics_token)

    @classmethod
    def read(cls, environment: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
        """Read the settings.

        Args:
            environment: e.g. `os.environ`; empty values count as not set. A secret may be in a file instead, named by
                SHOP_..._FILE.
            flags: by the name of the field; None where a flag was not given. An empty one is refused.

        Raises:
            SettingsError: one cannot be used, or one that another needs is missing.
        """
        values = {}
        for setting in fields(cls):
            if (flag := flags.get(setting.name)) is not None:
                source, text = f"--{setting.name.replace('_', '-')}", flag
                if not flag:
                    raise SettingsError(f"{source} is empty: give it a value, or leave it out")
            else:
                source, text = _from_environment(environment, variable_of(setting.name), setting.metadata["hidden"])
            if text:
                values[setting.name] = _read(setting.metadata, source, text)
        settings = cls(**values)
        if settings.database_url and flags.get("data_dir"):
            raise SettingsError(
                f"--data-dir is {flags['data_dir']!r}, and SHOP_DATABASE_URL names another database:"
                " leave out --data-dir to use that one, or unset SHOP_DATABASE_URL to use the folder"
            )
        if settings.database_url and not settings.secret_key:
            raise SettingsError(
                "SHOP_SECRET_KEY is not set, and SHOP_DATABASE_URL needs it:"
                " set it to at least 32 random bytes, the same for every process (`openssl rand -hex 32`)"
            )
        if settings.events == "webhook":
            for name in ("webhook_url", "webhook_secret"):
                if not getattr(settings, name):
                    raise SettingsError(
                        f"{variable_of(name)} is not set, and SHOP_EVENTS=webhook needs it:"
                        " set it, or set SHOP_EVENTS to log or none"
                    )
        if settings.health_port == settings.port:
            raise SettingsError(
                f"SHOP_HEALTH_PORT and SHOP_PORT are both {settings.port}: set SHOP_HEALTH_PORT to another one, or to 0"
            )
        if settings.smtp_url not in ("", "log") and not settings.mail_from:
            raise SettingsError(
                "SHOP_MAIL_FROM is not set, and SHOP_SMTP_URL needs it:"
                " set it to the address from which mails come, or unset SHOP_SMTP_URL"
            )
        return settings

    def table(self, environment: Mapping[str, str], flags: Mapping[str, str | None]) -> list[tuple[str, str, str, str]]:
        """The table of `shop settings`: variable, value (secrets hidden), source, meaning. Give it what `read` got."""
        rows = []
        for setting in fields(self):
            name, text = setting.name, _text(getattr(self, setting.name))
            source = "default"
            if flags.get(name):
                source = "flag"
            elif environment.get(variable_of(name)):
                source = "environment"
            elif setting.metadata["hidden"] and environment.get(f"{variable_of(name)}_FILE"):
                source = "file"
            shown = "(hidden)" if setting.metadata["hidden"] and text else text
            rows.append((variable_of(name), shown, source, setting.metadata["meaning"]))
        return rows


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """What to say of variables that begin like a setting and are none: a misspelled one has no effect."""
    settings = {variable_of(setting.name): setting.metadata["hidden"] for setting in fields(Settings)}
    known = {*settings, *(f"{name}_FILE" for name, is_secret in settings.items() if is_secret)}
    lines = []
    for variable in sorted(environment.keys() - known):
        if variable.startswith("SHOP_") and not variable.startswith(_NOT_OURS):
            alike = difflib.get_close_matches(variable, known, 1)
            advice = f"did you mean {alike[0]}?" if alike else "`shop settings` lists them all."
            lines.append(f"{variable} is not a setting and has no effect: {advice}")
    return lines


def variable_of(name: str) -> str:
    """`data_dir` -> `SHOP_DATA_DIR`."""
    return f"SHOP_{name.upper()}"


def _from_environment(environment: Mapping[str, str], variable: str, is_secret: bool) -> tuple[str, str]:
    """The variable that holds a setting, or names its file, and the text there."""
    in_file = f"{variable}_FILE"
    path = environment.get(in_file, "") if is_secret else ""
    if not path:
        return variable, environment.get(variable, "")
    if environment.get(variable):
        raise SettingsError(f"{variable} and {in_file} are both set: keep one of them")
    try:
        text = os.fsdecode(Path(path).read_bytes()).rstrip("\r\n")
    except (OSError, ValueError) as wrong:
        reason = getattr(wrong, "strerror", None) or wrong
        raise SettingsError(f"{in_file} is {path!r}, which cannot be read: {reason}: correct it") from None
    if not text:
        raise SettingsError(f"{in_file} is {path!r}, which is empty: put the value into it")
    return in_file, text


def _text(value: object) -> str:
    if value is None:
        return "off"
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(metadata: Mapping[str, Any], source: str, text: str) -> Any:
    try:
        return metadata["read"](text)
    except ValueError as wrong:
        shown = "(hidden)" if metadata["hidden"] else repr(text)
        raise SettingsError(f"{source} is {shown}: it {wrong}") from None
