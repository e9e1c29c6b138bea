"""The staff panel at `/staff`: pages that are made here, on the server, and do the same as the API.

A screen is one file. In it, top to bottom: the handlers, each a few lines that call a service of the core, then the
functions that make the HTML. `shop_http.app` lists the screens.

    @page("/orders/{order_id:uuid}")
    def show_order(request: StaffRequest, order_id: UUID) -> Screen:
        order = request.shop.orders.get(request.actor, order_id)
        return Screen(f"Order {order.number}", _lines(order), _cancel_form(request, order))

    @action("/orders/{order_id:uuid}/cancel", refused=show_order)
    def cancel_order(request: StaffRequest, order_id: UUID) -> Redirect:
        form = request.form
        request.shop.orders.cancel(request.actor, order_id, form.versions, form.text("reason"), key=form.key)
        return Redirect(f"/orders/{order_id}", "The order is cancelled; its units can be sold again.")

`page` reads and `action` changes. Who is logged in, where a form comes from and its token are checked before a handler
runs (`handlers`, `session`). `request.form_to(path, version=...)` makes a form: it brings its token, an idempotency
key, so that a double click is one change, and the version that it was made from. When the core refuses, the page named
by `refused` is shown again with the refusal: each `form.field(...)` then has what was typed, what is wrong with it, and
what is stored by now. Every task works without JavaScript; htmx saves reloading: `hx-select` takes a part of the page.
"""
