"""What is measured, by OpenTelemetry's own memory."""

import asyncio
import contextlib
import logging
import sys
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import cloud.telemetry
from cloud.telemetry.exporting import exporting
from cloud.telemetry.measures import SILENT, Telemetry, trace_id
from tests.support.collector import Collector
from tests.support.log_lines import lines_of

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Kept(Telemetry):
    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        super().__init__(tracers, MeterProvider([self._reader], shutdown_on_exit=False))

    @property
    def spans(self) -> list[Any]:
        return list(self._spans.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def request(telemetry: Telemetry, traceparent: str | None = None):
    return telemetry.request("POST", "/v1/things/{thing_id}", "device-1", traceparent)


@pytest.mark.parametrize("sent", [None, "", "00-nonsense", f"00-{TRACE}-0000000000000000-01"])
def test_a_request_without_a_trace_begins_one(sent: str | None):
    telemetry = Kept()
    with request(telemetry, sent) as answered:
        assert trace_id() is not None
        answered(200)
    (span,) = telemetry.spans
    assert span.parent is None
    assert trace_id() is None


def test_what_a_failed_request_quotes_is_not_told():
    telemetry = Kept()
    with pytest.raises(ValueError, match="4155550123"), request(telemetry):
        raise ValueError("the number +14155550123")
    (span,) = telemetry.spans
    assert span.attributes["error.type"] == "ValueError"
    assert "4155550123" not in span.to_json()


@asynccontextmanager
async def turn():
    yield


async def test_a_question_that_is_given_up_or_fails_is_told_from_one_that_is_answered():
    telemetry = Kept()
    async with telemetry.question("examine", turn()):
        pass
    with contextlib.suppress(OSError):
        async with telemetry.question("examine", turn()):
            raise OSError
    with contextlib.suppress(asyncio.CancelledError):
        async with telemetry.question("examine", turn()):
            raise asyncio.CancelledError
    counts = {p.attributes["outcome"]: p.count for p in telemetry.points("palm.vault.duration")}
    assert counts == {"answered": 1, "failed": 1, "given_up": 1}
    (asking,) = telemetry.points("palm.vault.questions")
    assert asking.value == 0


def test_a_provider_that_answers_with_a_failure_has_not_answered():
    telemetry = Kept()
    for answered in (True, False):
        with telemetry.provider("POST refunds") as heard:
            heard(answered)
    counts = {p.attributes["outcome"] for p in telemetry.points("palm.provider.duration")}
    assert counts == {"answered", "failed"}


async def test_without_a_collector_nothing_is_kept_and_lines_still_name_the_kiosks_trace():
    async with exporting(None, "1") as telemetry:
        assert telemetry is SILENT
        with request(telemetry, f"00-{TRACE}-00f067aa0ba902b7-01"):
            assert trace_id() == TRACE
        with request(telemetry):
            assert trace_id() is None


async def test_without_the_sdk_the_service_goes_on_and_the_log_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delattr(cloud.telemetry, "otlp", raising=False)
    monkeypatch.setitem(sys.modules, "cloud.telemetry.otlp", None)
    async with exporting("http://127.0.0.1:4318", "1") as telemetry:
        assert telemetry is SILENT
    assert "Install the extra `telemetry`" in caplog.text


async def test_a_collector_that_takes_nothing_is_said_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    with Collector(status=400) as collector:
        async with exporting(collector.url, "1") as telemetry:
            with request(telemetry):
                telemetry.refused("api", "not_found")
    assert {"/v1/traces", "/v1/metrics"} <= collector.received.keys()
    assert len(lines_of(caplog, "cloud.telemetry.otlp")) == 1
    assert "opentelemetry" not in {record.name.partition(".")[0] for record in caplog.records}
