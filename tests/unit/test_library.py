"""What programs that import the shop rely on: its names, its types, and refusals that travel between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

import shop_core.ports
import shop_http.app  # noqa: F401  # with everything that refuses
from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import Argon2Passwords
from shop_adapters.postgres.unit_of_work import PostgresUnitOfWork
from shop_adapters.revocations import MemoryRevocations
from shop_adapters.tokens import JwtTokens
from shop_core import Refusal, Shop
from shop_core.errors import Fault, InsufficientStock, Shortage
from shop_core.ports import Undelivered

PUBLIC = [
    *("shop_core", "shop_core.errors", "shop_core.ports"),
    *("shop_adapters.memory", "shop_adapters.postgres", "shop_adapters.embedded", "shop_adapters.publishers"),
]
ID = UUID("0198c0de-0000-7000-8000-000000000001")
EXAMPLES: dict[Any, Any] = {
    UUID: ID,
    int: 7,
    bool: True,
    str: "text",
    datetime: datetime(2026, 11, 27, tzinfo=UTC),
    timedelta: timedelta(minutes=15),
    Fault: Fault("sku", "is too long", "too_long"),
    Shortage: Shortage(ID, 3, 1),
}


def tree(error: type[Exception]) -> Iterator[type[Exception]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


def example(annotation: Any) -> Any:
    if annotation in EXAMPLES:
        return EXAMPLES[annotation]
    item = next(one for one in get_args(annotation) if one is not type(None))
    return (example(item),) if issubclass(get_origin(annotation), Collection) else example(item)


def made(error: type[Exception]) -> Exception:
    """One with an example for each argument that it wants."""
    hints = get_type_hints(error.__init__)
    given, named = [], {}
    for parameter in list(inspect.signature(error).parameters.values()):
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        value = example(hints[parameter.name])
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            given.append(value)
    return error(*given, **named)


def test_the_docstring_of_a_shop_lists_its_services() -> None:
    table = inspect.getdoc(Shop) or ""
    rows = [line.strip().partition("  ")[0] for line in table.partition("\n\n")[2].partition("\n\n")[0].splitlines()]
    services = {name for name, part in vars(Shop(MemoryAdapters())).items() if type(part).__name__.endswith("Service")}
    assert set(" ".join(rows).split()) == services


@pytest.mark.parametrize("error", [*dict.fromkeys(tree(Refusal)), Undelivered], ids=lambda error: error.__name__)
def test_every_refusal_arrives_whole_in_another_process(error: type[Exception]) -> None:
    refusal = made(error)
    refusal.add_note("seen by a worker")
    for arrived in (pickle.loads(pickle.dumps(refusal)), copy.copy(refusal), copy.deepcopy(refusal)):
        assert type(arrived) is error
        assert (str(arrived), arrived.args, vars(arrived)) == (str(refusal), refusal.args, vars(refusal))


def refuses(_: int) -> None:
    raise InsufficientStock([Shortage(ID, 3, 1)])


def test_a_pool_of_processes_gets_the_refusal_of_its_worker() -> None:
    with ProcessPoolExecutor(1) as pool, pytest.raises(InsufficientStock) as refused:
        list(pool.map(refuses, [1]))
    assert refused.value.shortages == (Shortage(ID, 3, 1),)


def test_every_type_in_the_signature_of_what_is_exported_is_exported() -> None:
    roots = [getattr(import_module(name), public) for name in PUBLIC for public in import_module(name).__all__]
    exported = {id(root) for root in roots}
    services = [type(value) for name, value in vars(Shop(MemoryAdapters())).items() if not name.startswith("_")]
    missing, seen, to_see = set(), {}, [*roots, *services]
    while to_see:
        public = to_see.pop()
        if id(public) not in seen:
            seen[id(public)] = public  # kept, so that nothing else gets its id
            to_see += types_in(public)
            if isinstance(public, type) and public.__module__.startswith("shop_") and id(public) not in exported:
                missing.add(f"{public.__module__}.{public.__qualname__}")
    assert missing == set(), "add these to shop_core/__init__.py, or to the ports"


def types_in(public: Any) -> Iterator[Any]:
    """The types that somebody meets who uses this: of arguments, results and attributes."""
    if get_origin(public):
        for part in (get_origin(public), *get_args(public)):
            yield from part if isinstance(part, list) else [part]
    elif inspect.isfunction(public):
        yield from get_type_hints(public).values()
    elif isinstance(public, type) and public.__module__.startswith("shop_"):
        yield from get_type_hints(public).values()
        for name, value in vars(public).items():
            if name == "__init__" or not name.startswith("_"):
                function = getattr(value, "fget", None) or getattr(value, "__func__", value)
                if inspect.isfunction(function):
                    yield from get_type_hints(function).values()


def adapters_of_ports() -> list[Any]:
    """Each port with what plugs into it."""
    pairs: list[Any] = []
    with MemoryAdapters().begin() as uow:
        for name, port in vars(shop_core.ports.UnitOfWork).items():
            if isinstance(port, property):
                of_postgres = PostgresUnitOfWork.__dict__[name]
                assert isinstance(of_postgres, cached_property)
                expected = get_type_hints(port.fget)["return"]
                pairs += [(expected, type(getattr(uow, name))), (expected, get_type_hints(of_postgres.func)["return"])]
    ports = shop_core.ports
    pairs += [
        (ports.PasswordHasher, Argon2Passwords),
        (ports.Tokens, JwtTokens),
        (ports.UnitOfWork, PostgresUnitOfWork),
    ]
    return [*pairs, (ports.Revocations, MemoryRevocations)]


@pytest.mark.parametrize(("port", "adapter"), adapters_of_ports(), ids=lambda kind: kind.__name__)
def test_an_adapter_names_its_parameters_as_the_port_does(port: type, adapter: type) -> None:
    """Type checkers other than mypy, and whoever passes them by name, insist on it."""
    for name, function in vars(port).items():
        if not name.startswith("_") and inspect.isfunction(function):
            assert list(inspect.signature(getattr(adapter, name)).parameters) == list(
                inspect.signature(function).parameters
            ), f"{adapter.__name__}.{name}"
