"""Forms: what a browser sent, and the parts that forms are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any, TypeVar
from uuid import UUID

import htpy as h

from shop_core import Money, Refusal
from shop_core.errors import Fault, Invalid, KeyReused, Stale
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import LINES_MAX

C = TypeVar("C", bound=str)

FIELDS_MAX = LINES_MAX + 100
"""An order has a field for each line."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent."""

    name: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SentForm:
    """What a browser sent with a form; nothing for a page that is only read.

    Args:
        values: of each field, in the order in which they were sent.
        files: by field.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.files)

    def text(self, name: str) -> str:
        """A field, without space around it, its lines as the shop stores them; empty if it was not sent."""
        return (self.values.get(name) or [""])[0].replace("\r\n", "\n").strip()

    def number(self, name: str) -> int:
        """A field with a whole number. Raises Invalid."""
        text = self.text(name)
        digits = text.removeprefix("-").removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 18):
            raise Invalid(Fault(name, f"must be a whole number, this is {text[:40]!r}", "wrong_type"))
        return int(text)

    def choice(self, name: str, choices: Iterable[C]) -> C:
        """A field with one of some words. Raises Invalid."""
        text, choices = self.text(name), list(choices)
        if text not in choices:
            raise Invalid(Fault(name, f"must be one of {', '.join(choices)}, this is {text[:40]!r}", "not_a_choice"))
        return choices[choices.index(text)]

    def money(self, name: str, currency: str) -> Money:
        """A field with an amount. Raises Invalid."""
        return Money.parse(self.text(name).replace(",", "."), currency, field=name)

    def id(self, name: str) -> UUID | None:
        """A field with an id; None if it is empty. Raises Invalid."""
        text = self.text(name)
        return self.uuid(name, text) if text else None

    @staticmethod
    def uuid(name: str, text: str) -> UUID:
        """The id that came with a field. Raises Invalid."""
        try:
            return UUID(text)
        except ValueError as wrong:
            raise Invalid(Fault(name, f"must be an id, this is {text[:40]!r}", "invalid_id")) from wrong

    def ids(self, name: str) -> list[UUID]:
        """The ids in all fields of one name. Raises Invalid."""
        return [self.uuid(name, text) for text in self.values.get(name, ())]

    @property
    def key(self) -> IdempotencyKey | None:
        """The idempotency key with which the form was made."""
        return IdempotencyKey(self.text("key")) if self.text("key") else None

    @property
    def versions(self) -> tuple[int, ...] | None:
        """The version that the form was made from, as a change takes it. None if the form has none. Raises Invalid."""
        return (self.number("version"),) if self.text("version") else None


@dataclass(frozen=True, slots=True)
class HtmlForm:
    """A form on a page: it begins anew, or it was refused and is shown again. `StaffRequest.form_to` makes it.

    Args:
        path: of the action, below `/staff`.
        token: of the session.
        version: of what it changes; None: it has none.
        sent: what was typed before, if this form was refused.
        refusal: why.
        prefix: of the ids of its fields, on a page that has the same field in several forms.
    """

    path: str
    token: str
    version: int | None = None
    sent: SentForm = field(default_factory=SentForm)
    refusal: Refusal | None = None
    prefix: str = ""

    def __call__(self, *content: h.Node, css: str = "", **attributes: Any) -> h.Element:
        """The whole form, with its token, idempotency key and version.

        Args:
            css: its class.
            attributes: further ones, such as `enctype` and htmx's.
        """
        hidden = {"token": self.token, "key": self._key}
        if self.version is not None:
            hidden["version"] = str(self.version)
        return h.form(method="post", action=f"/staff{self.path}", class_=css or None, **attributes)[
            [h.input(type="hidden", name=name, value=value) for name, value in hidden.items()], content
        ]

    def field(
        self,
        name: str,
        label: str,
        stored: str = "",
        *,
        hint: str = "",
        lines: int = 1,
        choices: Iterable[tuple[str, str]] = (),
        css: str = "",
        is_stored: bool = True,
        **attributes: Any,
    ) -> h.Element:
        """A labelled field, with what was typed if it was refused, what is wrong with it, and what is stored by now.

        Args:
            stored: what it has at first.
            hint: one line of help.
            lines: how high it is.
            choices: value and text of each, for a field with a few choices.
            css: a class for how wide it is.
            is_stored: whether something that is stored has it, which somebody else may have changed meanwhile.
            attributes: of the field, e.g. `type="number"`.
        """
        value, faults, id_ = self.value(name, stored), self._faults(name), f"{self.prefix}{name}"
        described_by = [f"{id_}-hint"] * bool(hint) + [f"{id_}-fault"] * bool(faults)
        common: dict[str, Any] = {"id": id_, "name": name, "aria_describedby": " ".join(described_by) or None}
        common |= {"aria_invalid": "true" if faults else None} | attributes
        control: h.Node
        if choices:
            control = h.select(**common)[(h.option(value=each, selected=each == value)[text] for each, text in choices)]
        elif lines > 1:
            control = h.textarea(rows=lines, **common)["\n" + value]  # browsers drop the first line break
        else:
            control = h.input(value=value, **({"type": "text"} | common))
        is_overtaken = is_stored and isinstance(self.refusal, Stale) and value != stored
        return h.div(class_=f"field {css}".strip())[
            h.label(for_=id_)[label],
            control,
            hint and h.small(id=f"{id_}-hint")[hint],
            is_overtaken and h.p(".fault")["Stored by now: ", h.q[stored or "nothing"]],
            faults and h.p(".fault", id=f"{id_}-fault")["; ".join(faults)],
        ]

    def value(self, name: str, stored: str) -> str:
        """What a field has: what was typed, if the form was refused, else what is stored."""
        return self.sent.values[name][0] if self.refusal and self.sent.values.get(name) else stored

    @property
    def _key(self) -> str:
        """The same after a refusal, which leaves it free: if the first try was carried out after all, this is no
        second one.
        """
        is_used_up = isinstance(self.refusal, KeyReused)
        return (not is_used_up and self.sent.text("key")) or token_urlsafe(18)

    def _faults(self, name: str) -> list[str]:
        found = self.refusal.faults if isinstance(self.refusal, Invalid) else ()
        return [fault.message for fault in found if fault.field == name]


def submit(text: str, css: str = "", **attributes: Any) -> h.Element:
    """The button that sends a form."""
    return h.button(type="submit", class_=css or None, **attributes)[text]
