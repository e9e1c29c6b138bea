"""What the mails say. A message has one body, from which both the plain text and the HTML are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from shop_core.mail.model import MailKind, MailMessage
from shop_core.money import Money
from shop_core.orders.model import Order

_STYLE = "font-family:sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a;background:#ffffff;max-width:36em"
_CODE = "font-family:monospace;font-size:18px;word-break:break-all"
_NAME_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says.

    Args:
        subject: one line of plain characters: nothing that a user entered is in it.
        before, after: paragraphs around what stands out.
        code: stands out, to be copied.
        rows: of a table: what, and how much.
    """

    subject: str
    before: Sequence[str]
    code: str = ""
    rows: Sequence[tuple[str, str]] = ()
    after: Sequence[str] = ()

    def text(self) -> str:
        """As plain text."""
        parts = [*self.before]
        if self.code:
            parts.append(f"    {self.code}")
        if self.rows:
            parts.append("\n".join(f"  {what}: {amount}" for what, amount in self.rows))
        return "\n\n".join([*parts, *self.after]) + "\n"

    def html(self) -> str:
        """As HTML, without anything that a mail program would have to fetch."""
        parts = [_paragraph(text) for text in self.before]
        if self.code:
            parts.append(f'<p style="{_CODE}">{escape(self.code)}</p>')
        if self.rows:
            parts += ["<table>", *map(_row, self.rows), "</table>"]
        parts += [_paragraph(text) for text in self.after]
        content = "\n".join(parts)
        head = f'<meta charset="utf-8"><title>{escape(self.subject)}</title>'
        return (
            f'<!doctype html>\n<html lang="en">\n<head>{head}</head>'
            f'\n<body style="{_STYLE}">\n{content}\n</body>\n</html>\n'
        )


def body_of(message: MailMessage, shop: str) -> Body:
    """What a message says.

    Args:
        shop: its name.
    """
    hello = f"Hello {message.name[:_NAME_SHOWN_MAX]},"
    if message.order is not None:
        return _about_order(message.kind, message.order, hello)
    until = f"{message.expires_at:%d %B %Y, %H:%M} UTC" if message.expires_at else ""
    if message.kind is MailKind.PASSWORD_RESET:
        return Body(
            f"{shop}: your code for another password",
            (hello, f"with this code you set another password for the account {message.username} at {shop}:"),
            message.code,
            after=(
                f"It works once, until {until}.",
                "If you did not ask for it, ignore this mail: your password stays as it is.",
            ),
        )
    return Body(
        f"{shop}: confirm your address",
        (
            hello,
            f"somebody entered this address for the account {message.username} at {shop}. Confirm it with this code:",
        ),
        message.code,
        after=(
            f"It works until {until}. From then on you get mails about your orders.",
            "If that was not you, ignore this mail: you get no further ones about that account's orders.",
        ),
    )


def _about_order(kind: MailKind, order: Order, hello: str) -> Body:
    number = order.number
    what = {
        MailKind.ORDER_PLACED: (f"Your order {number}", f"we have your order {number}. Thank you."),
        MailKind.ORDER_SHIPPED: (f"Your order {number} is on its way", f"your order {number} has left us."),
        MailKind.ORDER_CANCELLED: (f"Your order {number} is cancelled", f"your order {number} has been cancelled."),
    }
    subject, sentence = what[kind]
    lines = [
        (f"{line.quantity} × {line.name}" + "".join(f", {value}" for _, value in line.options), _amount(line.total))
        for line in order.lines
    ]
    return Body(subject, (hello, sentence), rows=(*lines, ("Total", _amount(order.total))))


def _amount(money: Money) -> str:
    return f"{money} {money.currency}"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _row(row: tuple[str, str]) -> str:
    what, amount = row
    return (
        f'<tr><td style="padding-right:1em">{escape(what)}</td><td style="text-align:right">{escape(amount)}</td></tr>'
    )
