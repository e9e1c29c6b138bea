"""Who is registered, and as what: for staff to look up, for admins to change."""

from __future__ import annotations

from uuid import UUID

import htpy as h

from shop_core import AccountStatusChange, Role
from shop_core.accounts.model import Account
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import moment, page_links, table
from shop_http.routes.users import UsersQuery
from shop_http.server.worker_pools import Pool

ROLES = [(role, role.capitalize()) for role in Role]


@page("/users", pool=Pool.SLOW)
def list_users(request: StaffRequest) -> Screen:
    """The users that match, by name."""
    query = request.query(UsersQuery)
    page_request = query.offset_request()
    users = request.shop.accounts.accounts(request.actor, query.conditions(), page_request)
    return Screen(
        "Users",
        _filters(query),
        h.section(id="list")[
            table("Users", ["Username", "Name", "Email", "Role", "May log in"], map(_cells, users.items)),
            page_links(request, users, page_request),
        ],
    )


@page("/users/{user_id:uuid}")
def show_user(request: StaffRequest, user_id: UUID) -> Screen:
    """One user, and what an admin can do."""
    user = request.shop.accounts.account(request.actor, user_id)
    return Screen(
        user.username,
        h.dl(".facts")[
            (
                [h.dt[name], h.dd[value]]
                for name, value in (
                    ("Name", f"{user.first_name} {user.last_name}".strip() or "not said"),
                    ("Email", user.email or "not said"),
                    ("Role", _role(user)),
                    ("May log in", _may_log_in(user)),
                    ("Registered", moment(user.created_at)),
                )
            )
        ],
        h.p[h.a(href=f"/staff/orders?customer={user_id}")["Orders"]],
        _changes(request, user) if request.actor.role is Role.ADMIN else h.p["Admins can change users."],
    )


@action("/users/{user_id:uuid}/role", refused=show_user)
def assign_role(request: StaffRequest, user_id: UUID) -> Redirect:
    """Give another role."""
    form = request.form
    change, seen = AccountStatusChange(role=form.choice("role", Role)), form.choice("seen", Role)
    user = request.shop.accounts.assign(request.actor, user_id, change, seen_role=seen, key=form.key)
    return Redirect(f"/users/{user_id}", f"{user.username} is {_role(user).lower()} now.")


@action("/users/{user_id:uuid}/active", refused=show_user)
def assign_active(request: StaffRequest, user_id: UUID) -> Redirect:
    """Deactivate, or activate again."""
    change = AccountStatusChange(active=request.form.text("active") == "true")
    user = request.shop.accounts.assign(request.actor, user_id, change, key=request.form.key)
    return Redirect(f"/users/{user_id}", f"{user.username} may {'' if user.active else 'not '}log in.")


@action("/users/{user_id:uuid}/reset", refused=show_user)
def offer_reset(request: StaffRequest, user_id: UUID) -> Screen:
    """Show a code once, with which the user sets another password."""
    user = request.shop.accounts.account(request.actor, user_id)
    offer = request.shop.accounts.offer_reset(request.actor, user_id)
    return Screen(
        f"A code for {user.username}",
        h.p["Hand it over in a way that both of you trust. With it they set another password in the app."],
        h.p[h.code(".code")[offer.code]],
        h.p["It is good once, until ", moment(offer.expires_at), ". This page does not show it again."],
        h.p[h.a(href=f"/staff/users/{user_id}")[f"Back to {user.username}"]],
    )


def _filters(query: UsersQuery) -> h.Element:
    return h.form(".row", method="get", action="/staff/users", role="search")[
        h.div(".field")[
            h.label(for_="search")["Name or email address"],
            h.input(id="search", name="search", type="search", value=query.search, autocomplete="off"),
        ],
        h.div(".field")[
            h.label(for_="role")["Role"],
            h.select(id="role", name="role")[
                (
                    h.option(value=value, selected=value == (query.role or ""))[text]
                    for value, text in [("", "All"), *ROLES]
                )
            ],
        ],
        submit("Search"),
    ]


def _cells(user: Account) -> list[h.Node]:
    return [
        h.a(href=f"/staff/users/{user.id}")[user.username],
        f"{user.first_name} {user.last_name}".strip(),
        user.email,
        _role(user),
        _may_log_in(user),
    ]


def _role(user: Account) -> str:
    return user.role.capitalize()


def _may_log_in(user: Account) -> h.Element:
    return h.span(".label.good")["Yes"] if user.active else h.span(".label.bad")["No"]


def _changes(request: StaffRequest, user: Account) -> h.Node:
    role = request.form_to(f"/users/{user.id}/role")
    active = request.form_to(f"/users/{user.id}/active")
    reset = request.form_to(f"/users/{user.id}/reset")
    return [
        h.h2["Role"],
        role(
            h.input(type="hidden", name="seen", value=user.role),
            role.field("role", "Role", user.role, choices=ROLES),
            submit("Give this role"),
        ),
        h.h2["Logins"],
        h.p["Whoever is deactivated cannot log in, and all their sessions end."],
        active(
            h.input(type="hidden", name="active", value=str(not user.active).lower()),
            submit("Deactivate", "danger") if user.active else submit("Activate again"),
        ),
        h.h2["Forgotten password"],
        reset(submit("Make a code", "quiet")),
    ]


ROUTES = (list_users, show_user, assign_role, assign_active, offer_reset)
