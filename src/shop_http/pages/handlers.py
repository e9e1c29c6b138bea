"""What surrounds every handler of the panel: who is logged in, whether a form is ours, and how a refusal is shown."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from shop_core import Actor, CatalogEntry, Product, Refusal, Role, Shop
from shop_core.accounts.model import Account
from shop_core.errors import AccountNotFound, Fault, Forbidden, Invalid, InvalidToken, LoginTooOld, Unauthenticated
from shop_core.inventory.model import LineRequest
from shop_http.pages.forms import HtmlForm, SentForm
from shop_http.pages.layout import Screen, foreign_form_screen, html_response
from shop_http.pages.login_form import login_response
from shop_http.pages.sent_form import FORM_SIZE_MAX, read_form
from shop_http.pages.session import IDLE_MAX, BrowserSession, Cookies, is_from_here
from shop_http.problems import STATUS, headers_of
from shop_http.requests import ShopRequest, read_query
from shop_http.responses import Response
from shop_http.routing import Access, Operation, route_to
from shop_http.server.worker_pools import Pool

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser goes after a change, so that to reload repeats nothing.

    Args:
        path: below `/staff`.
        notice: what the page there says, once.
    """

    path: str
    notice: str = ""


@dataclass(slots=True)
class StaffRequest:
    """A request of somebody of the staff.

    Args:
        http: the request, as the rest of the application knows it.
        cookies: of the browser.
        session: of the browser; `actor` is logged in with it.
        actor: staff or an admin.
        form: what was sent; empty for a page that is only read.
        refusal: why the action was refused that shows this page again.
    """

    http: ShopRequest
    cookies: Cookies
    session: BrowserSession
    actor: Actor
    form: SentForm = field(default_factory=SentForm)
    refusal: Refusal | None = None

    @property
    def shop(self) -> Shop:
        """The shop that is asked."""
        return self.http.shop

    @property
    def path(self) -> str:
        """What was asked for, below `/staff`."""
        return path_of(self.http)

    @property
    def query_string(self) -> str:
        """What the list was asked for; of a form for many of its items, which names it as `listed`, too."""
        sent: bytes = self.http.scope["query_string"]
        return self.form.text("listed") if self.form else sent.decode("latin-1")

    def query(self, form: type[S]) -> S:
        """The query parameters; one that is empty counts as not sent. Raises Invalid."""
        pairs = parse_qsl(self.query_string)  # without the empty ones
        return read_query(form, urlencode(pairs).encode())

    def product(self, sku: str, *, field: str = "sku") -> CatalogEntry:
        """The product of the catalog with that SKU. Raises Invalid, for `field`: there is none."""
        entry = self.shop.catalog.product_by_sku(sku)
        if entry is None:
            raise Invalid(Fault(field, f"{sku[:40]!r} is no SKU of the catalog", "unknown_sku"))
        return entry

    def stored_product(self, sku: str) -> Product:
        """The product with that SKU, also one that has left the catalog: its units are still there. Raises Invalid."""
        product = self.shop.catalog.stored_product_by_sku(self.actor, sku)
        if product is None:
            raise Invalid(Fault("sku", f"there is no product with the SKU {sku[:40]!r}", "unknown_sku"))
        return product

    def customer(self, customer_id: UUID) -> Account | None:
        """Whose order it is; None if they have left."""
        try:
            return self.shop.accounts.account(self.actor, customer_id)
        except AccountNotFound:
            return None

    def name_products(self, refusal: Invalid, lines: Sequence[LineRequest], field: str) -> None:
        """Say SKUs in a refusal of these lines: staff see neither the number of a line nor ids.

        Args:
            field: of a line, with `{}` for the id of its product.
        """
        faults = []
        for fault in refusal.faults:
            if at := re.match(r"lines\.([0-9]+)\.", fault.field):
                product = self.shop.catalog.stored_product(self.actor, lines[int(at[1])].product_id)
                message = fault.message.replace(str(product.id), product.sku)
                message = message if message != fault.message else f"{product.sku}: {message}"
                fault = Fault(field.format(product.id), message, fault.code)
            faults.append(fault)
        refusal.faults = tuple(faults)

    def form_to(self, path: str, *, version: int | None = None, prefix: str = "") -> HtmlForm:
        """A form to the action at `path`; with what was typed, if it is the one that was just refused."""
        is_refused = self.refusal is not None and path == self.path
        sent, refusal = (self.form, self.refusal) if is_refused else (SentForm(), None)
        return HtmlForm(path, self.session.form_token, version, sent, refusal, prefix)


Handler = Callable[..., Any]
"""Gets a `StaffRequest` and what its path has in braces; gives a `Screen`, a `Redirect` or a `Response`."""


@dataclass(frozen=True, slots=True)
class PageHandler:
    """A handler of the panel, and what surrounds it.

    Args:
        handler: reads, or does something.
        refused: what is shown when it is refused, if that is not refused, too; None: only why.
        pool: whose threads run it.
        form_size_max: in bytes; None: it reads no form.
    """

    handler: Handler
    refused: Handler | None = None
    pool: Pool = Pool.FAST
    form_size_max: int | None = None

    async def __call__(self, request: ShopRequest) -> Response:
        """The response: a page, whatever is refused."""
        cookies, form, known, pools = Cookies(request), SentForm(), None, request.state.pools
        if self.form_size_max is not None:
            if not is_from_here(request):
                return html_response(foreign_form_screen(), 403, cookies, code="foreign_form")
            if self.form_size_max > FORM_SIZE_MAX:  # nobody else fills the memory
                try:
                    known = await pools.run(Pool.FAST, partial(logged_in, request, cookies))
                except (Unauthenticated, Forbidden) as refusal:
                    return login_response(request, cookies, refusal)
            form = await read_form(request, self.form_size_max)
        respond = partial(self._respond, request, cookies, known, form, dict(request.scope["path_params"]))
        return await pools.run(self.pool, respond)

    def _respond(
        self,
        http: ShopRequest,
        cookies: Cookies,
        known: tuple[BrowserSession, Actor] | None,
        form: SentForm,
        path_params: Mapping[str, Any],
    ) -> Response:
        try:
            session, actor = known or logged_in(http, cookies)
        except (Unauthenticated, Forbidden) as refusal:
            return login_response(http, cookies, refusal)
        if self.form_size_max is not None and not session.made(form.text("token")):
            return html_response(foreign_form_screen(), 403, cookies, code="foreign_form")
        http.actor, request = actor, StaffRequest(http, cookies, session, actor, form)
        try:
            made = self.handler(request, **path_params)
        except LoginTooOld as refusal:  # afterwards they see the page again that the form was on
            return login_response(http, cookies, refusal, after=path_of(http).rpartition("/")[0])
        except Refusal as refusal:
            return self._show_refusal(request, refusal, path_params)
        return _response(request, made)

    def _show_refusal(self, request: StaffRequest, refusal: Refusal, path_params: Mapping[str, Any]) -> Response:
        request.refusal = refusal
        try:
            screen = self.refused(request, **path_params) if self.refused else Screen(refusal.title)
        except Refusal as gone:  # what was to be shown is not there any more
            request.refusal, screen = gone, Screen(gone.title)
        status, headers = STATUS[refusal.kind], headers_of(refusal)
        return html_response(screen, status, request.cookies, request=request, code=refusal.code, headers=headers)


def logged_in(http: ShopRequest, cookies: Cookies) -> tuple[BrowserSession, Actor]:
    """The session of the browser, and who is logged in with it.

    Raises:
        Unauthenticated: nobody, or the session has ended.
        Forbidden: it is no staff; the session ends.
    """
    session, sessions = cookies.session, http.shop.sessions
    if session is None:
        raise Unauthenticated("Log in to see this page.")
    try:
        actor, renewed = sessions.carry_on(session.access, session.refresh, IDLE_MAX)
    except InvalidToken as ended:
        raise Unauthenticated("Your session has ended: log in again.") from ended
    if renewed:
        session = session.renewed(renewed)
        cookies.keep(session)
    if not actor.is_staff:
        sessions.log_out(session.refresh)
        raise Forbidden(Role.STAFF)
    return session, actor


def _response(request: StaffRequest, made: Screen | Redirect | Response) -> Response:
    """The response that a handler means."""
    match made:
        case Redirect(path, notice):
            if notice:
                request.cookies.leave_notice(notice)
            return Response(b"", 303, headers=((b"location", f"/staff{path}".encode()), *request.cookies.headers))
        case Response():
            made.headers += tuple(request.cookies.headers)
            return made
        case Screen():
            return html_response(made, 200, request.cookies, request=request)


def path_of(http: ShopRequest) -> str:
    """The path of a request, below `/staff`."""
    return str(http.scope["path"]).removeprefix("/staff") or "/"


# ---- declaring


@dataclass(frozen=True, slots=True)
class PageEndpoint:
    """What `shop_http.routing.run_operation` runs: to the API, which has no cookies, it is public."""

    respond: Callable[[ShopRequest], Awaitable[Response]]
    operation: Operation = Operation(access=Access.PUBLIC)  # noqa: RUF009 - frozen

    async def __call__(self, request: ShopRequest) -> Response:
        """The response."""
        return await self.respond(request)


def page(path: str, *, pool: Pool = Pool.FAST) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that shows something."""

    def declare(handler: Handler) -> HTTPRouteHandler:
        return route_to(PageEndpoint(PageHandler(handler, handler, pool)), ["GET", "HEAD"], path)

    return declare


def action(
    path: str,
    *,
    refused: HTTPRouteHandler | None = None,
    pool: Pool = Pool.FAST,
    form_size_max: int = FORM_SIZE_MAX,
) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that changes something.

    Args:
        refused: the page that is shown again, with the refusal, when it is refused; its path has the same in braces.
        pool: whose threads run it.
        form_size_max: in bytes.
    """
    shown = refused.opt["operation_handler"].respond.handler if refused else None

    def declare(handler: Handler) -> HTTPRouteHandler:
        return route_to(PageEndpoint(PageHandler(handler, shown, pool, form_size_max)), ["POST"], path)

    return declare
