"""Everything that is wrong with a body or a query is named: where, why and with a code, without msgspec's words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from shop_adapters.memory import MemoryAdapters
from shop_core import OrderStatus, Shop
from shop_core.errors import Invalid
from shop_http.app import create_app
from shop_http.requests import read_body
from shop_http.routing import described
from shop_http.validation import FAULTS_MAX, faults_of, query_refusal, types_of

ID = "01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d"


class Part(Struct, forbid_unknown_fields=True, kw_only=True):
    """One of each kind of field."""

    id: UUID
    count: Annotated[int, Meta(ge=1, le=9)] = 1


class ExampleForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """One of each kind of field."""

    name: Annotated[str, Meta(min_length=2, max_length=4, pattern="^[a-z]*$")] = "ada"
    at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    status: OrderStatus | UnsetType = UNSET
    kind: Literal["received", "adjusted"] = "received"
    is_new: bool = False
    parent: UUID | UnsetType | None = UNSET
    parts: Annotated[tuple[Part, ...], Meta(max_length=2)] = ()


@pytest.mark.parametrize(
    ("sent", "field", "code"),
    [
        ({"name": "a"}, "name", "too_short"),
        ({"name": "abcde"}, "name", "too_long"),
        ({"name": "AB"}, "name", "forbidden_character"),
        ({"name": None}, "name", "wrong_type"),
        ({"at": "yesterday"}, "at", "invalid_time"),
        ({"at": "2026-11-21T09:30:00"}, "at", "invalid_time"),
        ({"at": 1}, "at", "wrong_type"),
        ({"status": "lost"}, "status", "invalid_choice"),
        ({"kind": "lost"}, "kind", "invalid_choice"),
        ({"is_new": 1}, "is_new", "wrong_type"),
        ({"parent": "x"}, "parent", "invalid_id"),
        ({"parts": {}}, "parts", "wrong_type"),
        ({"parts": [{"id": ID}] * 3}, "parts", "too_long"),
        ({"parts": [{}]}, "parts.0.id", "required"),
        ({"parts": [{"id": ID, "count": 10}]}, "parts.0.count", "out_of_range"),
        ({"parts": [{"id": ID, "count": 0}]}, "parts.0.count", "out_of_range"),
        ({"parts": [{"id": ID, "count": True}]}, "parts.0.count", "wrong_type"),
        ({"parts": [{"id": ID, "count": 1.0}]}, "parts.0.count", "wrong_type"),
        ({"parts": [{"id": ID, "size": 1}]}, "parts.0.size", "unknown_field"),
        ([], "body", "wrong_type"),
        (None, "body", "wrong_type"),
    ],
)
def test_a_fault_is_named_with_its_field_and_a_code(sent: Any, field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_body(ExampleForm, msgspec.json.encode(sent))
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [(field, code)]
    assert "`" not in refused.value.faults[0].message


def test_null_is_taken_only_where_it_means_something() -> None:
    assert read_body(ExampleForm, b'{"parent": null}').parent is None


def test_so_many_faults_are_named_and_no_more() -> None:
    assert len(faults_of(ExampleForm, {"parts": [{}] * 100})) == FAULTS_MAX


def test_a_message_names_the_values_that_are_taken() -> None:
    (fault,) = faults_of(ExampleForm, {"kind": "lost"})
    assert fault.message == 'must be one of adjusted, received, this is "lost"'


def test_every_form_and_query_of_the_api_has_only_kinds_of_fields_that_can_be_explained() -> None:
    for _, _, operation in described(create_app(Shop(MemoryAdapters()), threads=2).litestar):
        for form in (type(operation.takes) if operation.takes is not None else None, operation.query):
            if form is not None:
                wrong = {name: {"no": "such"} for name in types_of(form)}
                assert {fault.code for fault in faults_of(form, wrong)} <= {
                    "wrong_type",
                    "unknown_field",
                    "required",
                }, form


def test_a_value_of_a_query_is_named_though_all_of_them_are_texts() -> None:
    refusal = query_refusal(ExampleForm, {"is_new": "yes", "name": "abcde"})
    assert [(fault.field, fault.message) for fault in refusal.faults] == [
        ("name", "must have at most 4 characters, this has 5"),
        ("is_new", 'must be true or false, this is "yes"'),
    ]
