"""Sends measurements and traces by OTLP over HTTP, with OpenTelemetry's SDK.

Batches go out on threads of the SDK's: no request waits for the collector, and while it is away
what does not fit into the SDK's queue is dropped. The SDK reads its own environment variables for
the rest: certificates and headers for the collector, how often, and which share of the traces
(docs/operating.md).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from cloud.telemetry.measures import SCOPE, Telemetry
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""How long the collector may take for a batch, with all tries, in seconds."""
TELL_EVERY_S = 600.0
"""The shortest time between two lines of the log about a collector that is away."""


@asynccontextmanager
async def sending(endpoint: str, version: str) -> AsyncGenerator[Telemetry]:
    """Yields what measures, and sends it until the end of the block."""
    resource = Resource.create(
        {
            "service.name": SCOPE,
            "service.version": version,
            # Several processes may be one service.
            "service.instance.id": str(uuid4()),
        }
    )
    # Otherwise each failed batch is several lines.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    base, may_tell = endpoint.rstrip("/"), Seldom(TELL_EVERY_S)

    def failed() -> None:
        if may_tell():
            log.warning(
                "what was measured does not reach %s, and is dropped. See that the collector runs "
                "and takes OTLP over HTTP there.",
                endpoint,
            )

    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(
        BatchSpanProcessor(_Spans(failed, endpoint=f"{base}/v1/traces", timeout=PATIENCE_S))
    )
    exporter = _Metrics(failed, endpoint=f"{base}/v1/metrics", timeout=PATIENCE_S)
    meters = MeterProvider(
        [PeriodicExportingMetricReader(exporter)], resource, shutdown_on_exit=False
    )
    try:
        yield Telemetry(tracers, meters)
    finally:
        ends = (tracers.shutdown, meters.shutdown)
        for ended in await asyncio.gather(*map(asyncio.to_thread, ends), return_exceptions=True):
            if isinstance(ended, Exception):
                failed()


class _Spans(OTLPSpanExporter):
    """Tells when it fails."""

    def __init__(self, failed: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._failed = failed

    def export(self, *batch: Any, **options: Any) -> SpanExportResult:
        result = super().export(*batch, **options)
        if result is not SpanExportResult.SUCCESS:
            self._failed()
        return result


class _Metrics(OTLPMetricExporter):
    """Tells when it fails."""

    def __init__(self, failed: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._failed = failed

    def export(self, *batch: Any, **options: Any) -> MetricExportResult:
        result = super().export(*batch, **options)
        if result is not MetricExportResult.SUCCESS:
            self._failed()
        return result
