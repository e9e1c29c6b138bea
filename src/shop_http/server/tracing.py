"""Spans of OpenTelemetry, one for each request, made of the same that the log and the metrics are made of.

Only `compose` imports this, and only if the settings ask for it: it needs the extra `shop-no-oversell[otel]`. Where
spans go, how many and under which name, OpenTelemetry reads from its own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, ...). A span carries what the log line does: no body, query or secret.
"""

from __future__ import annotations

import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shop_http.middleware.access_log import RequestRecord

_NS_PER_MS = 1_000_000


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

    def observe(self, seen: RequestRecord) -> None:
        """A request and its answer."""
        ended_ns = time.time_ns()
        span = self._tracer.start_span(
            f"{seen.method} {seen.route}" if seen.route else seen.method,
            _parent(seen),
            SpanKind.SERVER,
            _attributes(seen),
            start_time=ended_ns - round(seen.duration_ms * _NS_PER_MS),
        )
        if seen.status >= 500:
            span.set_status(StatusCode.ERROR, seen.code)
        span.end(ended_ns)

    def start(self) -> None:
        """Its thread runs already."""

    def stop(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


def _parent(seen: RequestRecord) -> Context | None:
    if seen.trace_id is None or seen.parent_id is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if seen.is_sampled else TraceFlags.DEFAULT)
    sender = SpanContext(int(seen.trace_id, 16), int(seen.parent_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(sender))


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
