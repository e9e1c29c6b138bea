"""Spans of OpenTelemetry: one for each request, each statement in the database, and each batch of orders.

Only `composition` imports this, and only if the settings ask for it: it needs the extra `shop-no-oversell[otel]`. Where
spans go, how many and under which name, OpenTelemetry reads from its own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, ...).

The span of a request carries what its log line does: no body, query or secret. That of a statement has its text, in
which parameters have names and no values. See docs/decisions/0027-spans-of-our-own.md.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from shop_http.middleware.access_log import RequestRecord, trace_of
from shop_http.requests import request_of

_NS_PER_MS = 1_000_000
_REQUEST = "request"  # the name of a span until its route is known
_TABLE = re.compile(r"(?<!epoch )\b(?:FROM|INTO|UPDATE)\s+(\w+)")


class Spans:
    """An observer that makes spans, and sends them from a thread of its own.

    Args:
        exporter: takes them; None: OTLP over HTTP.
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({SERVICE_NAME: "shop"}).merge(Resource.create())  # OTEL_SERVICE_NAME wins
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("shop")

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Begins the span of each request, so that what is done for it is within. `observe` ends it."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            traceparent = request_of(scope).headers.get(b"traceparent")
            parent = _parent(*trace_of(traceparent)) if traceparent else None
            token = attach(set_span_in_context(self._tracer.start_span(_REQUEST, parent, SpanKind.SERVER)))
            try:
                await app(scope, receive, send)
            finally:
                detach(token)

        return traced

    def observe(self, seen: RequestRecord) -> None:
        """A request and its answer."""
        ended_ns = time.time_ns()
        span = get_current_span()
        if not span.get_span_context().is_valid:  # refused before it came to the middlewares
            parent = _parent(seen.trace_id, seen.parent_id, seen.is_sampled)
            started_ns = ended_ns - round(seen.duration_ms * _NS_PER_MS)
            span = self._tracer.start_span(_REQUEST, parent, SpanKind.SERVER, start_time=started_ns)
        span.update_name(f"{seen.method} {seen.route}" if seen.route else seen.method)
        span.set_attributes(_attributes(seen))
        if seen.status >= 500:
            span.set_status(StatusCode.ERROR, seen.code)
        span.end(ended_ns)

    def statements(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """See `shop_adapters.observation.ObserveStatements`: a span for each statement of a request or a batch."""

        def observed(query: bytes, *values: object) -> Any:
            if not get_current_span().get_span_context().is_valid:  # a background task, which would fill the traces
                return run(query, *values)
            name, attributes = _described(query)
            span = self._tracer.start_span(name, None, SpanKind.CLIENT, attributes)
            try:
                return run(query, *values)
            except Exception as error:  # its text may have values of rows, so only its code is told
                sqlstate = getattr(error, "sqlstate", None)
                if sqlstate:
                    span.set_attribute("db.response.status_code", sqlstate)
                span.set_attribute("error.type", sqlstate or type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise
            finally:
                span.end()

        return observed

    def request(self) -> object:
        """See `shop_adapters.observation.BatchObserver`."""
        return get_current_span().get_span_context()

    @contextmanager
    def batch(self, requests: Sequence[object], lines: int) -> Iterator[Callable[[], None]]:
        """See `shop_adapters.observation.BatchObserver`: a span with links to those of its requests.

        A request that is alone in its batch has the batch in its own trace. Otherwise the batch is a trace of its own.
        """
        served = [found for found in cast("Sequence[SpanContext]", requests) if found.is_valid]
        parent = set_span_in_context(NonRecordingSpan(served[0])) if len(requests) == len(served) == 1 else Context()
        attributes = {"shop.batch.requests": len(requests), "shop.batch.lines": lines}
        links = [Link(found) for found in served]
        span = self._tracer.start_span("batch", parent, SpanKind.INTERNAL, attributes, links)
        token = attach(set_span_in_context(span))
        try:
            yield lambda: span.set_status(StatusCode.ERROR)
        finally:
            detach(token)
            span.end()

    def start(self) -> None:
        """Its thread runs already."""

    def stop(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


def _parent(trace_id: str | None, parent_id: str | None, is_sampled: bool) -> Context | None:
    if trace_id is None or parent_id is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
    sender = SpanContext(int(trace_id, 16), int(parent_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(sender))


@lru_cache(1024)
def _described(query: bytes) -> tuple[str, dict[str, str]]:
    """The name of a statement's span, and its attributes, by the semantic conventions for databases."""
    text = query.decode()
    operation = text.split(maxsplit=1)[0].rstrip(";").upper()
    table = _TABLE.search(text)
    name = f"{operation} {table[1]}" if table else operation
    return name, {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.summary": name,
        "db.query.text": text,
    }


def _attributes(seen: RequestRecord) -> dict[str, str | int | bool]:
    """By the semantic conventions for HTTP servers, and under `shop.` what they have no word for."""
    named: dict[str, str | int | bool | None] = {
        "http.request.method": seen.method,
        "http.route": seen.route,
        "url.path": seen.path,
        "http.response.status_code": seen.status,
        "http.response.body.size": seen.size_bytes,
        "client.address": seen.address,
        "user.id": str(seen.account_id) if seen.account_id else None,
        "error.type": seen.code,
        "shop.request_id": seen.request_id,
        "shop.replayed": seen.replayed or None,
    }
    return {name: value for name, value in named.items() if value is not None}
