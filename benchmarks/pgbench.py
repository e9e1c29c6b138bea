"""pgbench, the yardstick for what PostgreSQL itself can do."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from benchmarks.measurement import CannotMeasure


@dataclass(frozen=True, slots=True)
class Pgbench:
    """A pgbench, and the database that it runs on."""

    command: str
    database: URL

    def rate(self, script: str, *, clients: int, seconds: float, **variables: int) -> float:
        """Transactions a second.

        Args:
            script: one transaction.
            clients: connections at once.
            seconds: how long; whole ones.
            variables: `:name` in the script.

        Raises:
            CannotMeasure: it failed, or one of its transactions did.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            given = [f"--define={name}={value}" for name, value in variables.items()]
            how = ["--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"]
            command = [self.command, *how, f"--time={max(1, round(seconds))}", *given, "--file", file.name]
            done = subprocess.run([*command, *self._where()], env=self._environment(), capture_output=True, text=True)
        rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
        failed = re.search(r"^number of failed transactions: ([1-9][0-9]*)", done.stdout, re.MULTILINE)
        if done.returncode or not rate or failed:
            said = " ".join((done.stderr or done.stdout).split())[-300:]
            raise CannotMeasure(f"pgbench did not measure anything: {said}")
        return float(rate[1])

    def best_clients(self, script: str, sizes: tuple[int, ...], *, seconds: float, **variables: int) -> int:
        """With how many of `sizes` clients it is fastest."""
        return max(sizes, key=lambda size: self.rate(script, clients=size, seconds=seconds, **variables))

    def _where(self) -> list[str]:
        host = self.database.query.get("host") or self.database.host or "localhost"
        port = self.database.query.get("port") or self.database.port or 5432
        user = self.database.username or "postgres"
        return [f"--host={host}", f"--port={port}", f"--username={user}", str(self.database.database)]

    def _environment(self) -> dict[str, str]:
        password = self.database.password
        path = str(Path(self.command).parent)
        return {"PATH": path, "PGPASSWORD": str(password) if password else "", "LC_ALL": "C"}


PRODUCT = "('01900000-0000-7000-8000-' || lpad(to_hex({}::bigint), 12, '0'))::uuid"
"""The id of the product with a number, as `seeding` gives it."""

_ID = "(lpad(to_hex(:id::bigint), 16, '0') || '8000000000000000')::uuid"
_CUSTOMER = "('01900000-0000-7000-9000-' || lpad(to_hex(:customer::bigint), 12, '0'))::uuid"
_CHOSEN = [PRODUCT.format(f":p{line}") for line in (1, 2, 3)]
_PRODUCTS = ", ".join(_CHOSEN)
_MOVEMENTS = ", ".join(f"({product}, {_ID}, 'allocated', 1, now(), {_CUSTOMER}, {_ID}, '')" for product in _CHOSEN)

PLACE = f"""\
\\set n :n + 1
\\set id :run * 1000000 + :n * 1000 + :client_id
\\set customer random(1, 100)
\\set p1 random(1, :products / 3)
\\set p1 case when :hot > 0 then :hot else :p1 end
\\set p2 random(:products / 3 + 1, :products / 3 * 2)
\\set p3 random(:products / 3 * 2 + 1, :products)
\\set total 300 + :p1 % 900 + :p2 % 900 + :p3 % 900
BEGIN;
INSERT INTO idempotency_keys (customer_id, key, fingerprint, result_id)
VALUES ({_CUSTOMER}, 'raw-' || :id::bigint, decode(repeat('00', 32), 'hex'), {_ID}) ON CONFLICT DO NOTHING;
SELECT product_id, on_hand, allocated, reserved, shortfall FROM stock_levels
WHERE product_id IN ({_PRODUCTS}) ORDER BY product_id FOR NO KEY UPDATE;
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number)
VALUES ({_CUSTOMER}, {_ID}, 'placed', :total::bigint, 1, now(), now(), 'raw-' || :id::bigint);
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT {_CUSTOMER}, {_ID}, row_number() OVER (), id, sku, name, price_minor, 1
FROM products WHERE id IN ({_PRODUCTS}) AND archived_at IS NULL;
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, format, id)
VALUES ({_CUSTOMER}, {_ID}, 1, 'placed', 'placed', :total::bigint, now(), 1, {_ID});
INSERT INTO outbox (event_id, subject_id, customer_id, seq, at, due_at, attempts, error, is_dead)
VALUES ({_ID}, {_ID}, {_CUSTOMER}, 1, now(), '2999-01-01', 0, '', false);
UPDATE stock_levels SET allocated = allocated + 1 WHERE product_id IN ({_PRODUCTS});
INSERT INTO stock_movements (product_id, id, kind, quantity, at, actor_id, order_id, reason)
VALUES {_MOVEMENTS};
COMMIT;
"""
"""An order of three lines: the rows that the shop writes, statement by statement. Its messages in the outbox are due in
a thousand years: the relay of a running shop would otherwise work on them while pgbench is measured."""

PAGE = f"""\
\\set n random(51, :products)
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       (SELECT greatest(0, on_hand - allocated - reserved) FROM stock_levels WHERE product_id = products.id)
FROM products WHERE archived_at IS NULL AND id < {PRODUCT.format(":n")} ORDER BY id DESC LIMIT 51;
"""
"""A page of fifty products, and whether there are more."""
