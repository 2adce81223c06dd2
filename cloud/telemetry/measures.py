"""What is measured, and the traces of requests, by OpenTelemetry's API.

The operator's collector gets it where one is set (`cloud.telemetry.exporting`). Without one the API
has nothing behind it, and a measurement is a call that does nothing.

Values of attributes are words of the program's own, so they are few, and say nothing of anybody. A
trace also names the device that has asked. Messages of errors are left out: they may quote what was
sent. Durations are in seconds.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import perf_counter

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, MeterProvider, NoOpMeterProvider
from opentelemetry.trace import (
    NoOpTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SCOPE = "palm-cloud"
"""OpenTelemetry's name for what measures here."""
SECONDS = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
"""The bounds by which durations are counted. Objectives (docs/runbooks.md) are among them."""

_PARENT = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class State:
    """How the service is, as housekeeping sees it in each round."""

    palms: int | None
    """How many are enrolled, as this process knows; None in one that answers no requests."""
    vault_is_there: bool | None
    """None in one that has no vault."""
    is_for_deletions_only: bool
    """Whether the disk is full."""
    due: int
    """How many errands of the outbox should have been run by now."""
    lag_s: float
    """For how long the one of them has been due that waits longest, in seconds; 0 without any."""


class Telemetry:
    """The measurements and traces of one service."""

    def __init__(
        self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None
    ) -> None:
        """Without providers nothing is kept."""
        self.meters = meters
        """What the web framework counts requests with; None when nobody reads it."""
        self._tracer = (tracers or NoOpTracerProvider()).get_tracer(SCOPE)
        meter = (meters or NoOpMeterProvider()).get_meter(SCOPE)

        def seconds(name: str, what: str) -> Histogram:
            return meter.create_histogram(
                name, "s", what, explicit_bucket_boundaries_advisory=SECONDS
            )

        self._identification = seconds(
            "palm.identification.duration",
            "From the arrival of a palm to the answer, by outcome and purpose.",
        )
        self._vault_queue = seconds(
            "palm.vault.queue.duration", "How long a question waits for its turn at the vault."
        )
        self._vault_answer = seconds(
            "palm.vault.duration",
            "How long the vault takes for a question.",
        )
        self._vault_questions = meter.create_up_down_counter(
            "palm.vault.questions", "{question}", "Questions that wait or are being answered."
        )
        self._provider = seconds(
            "palm.provider.duration",
            "How long the payment provider takes for a request, by operation and outcome.",
        )
        self._database = seconds(
            "palm.database.wait", "How long a request waits until it may write to the database."
        )
        self._purchases = meter.create_counter(
            "palm.purchases", "{purchase}", "Purchases that have ended, by outcome and means."
        )
        self._refused = meter.create_counter(
            "palm.refusals", "{refusal}", "What was refused or has failed, by door and reason."
        )
        self._rounds = meter.create_counter(
            "palm.housekeeping.rounds", "{round}", "Rounds of housekeeping."
        )
        self._failures = meter.create_counter(
            "palm.housekeeping.failures", "{failure}", "Parts of a round that failed, by part."
        )
        self._palms = meter.create_gauge("palm.gallery.palms", "{palm}", "Palms that are enrolled.")
        self._vault_there = meter.create_gauge(
            "palm.vault.available", "{vault}", "1 while there is a vault to ask, otherwise 0."
        )
        self._deletions_only = meter.create_gauge(
            "palm.database.deletions_only", "{database}", "1 while the disk is full, otherwise 0."
        )
        self._due = meter.create_gauge(
            "palm.jobs.due", "{job}", "Errands that should have been run by now."
        )
        self._lag = meter.create_gauge(
            "palm.jobs.lag", "s", "For how long the errand has been due that waits longest."
        )

    @property
    def is_kept(self) -> bool:
        """Whether anybody reads what is measured."""
        return self.meters is not None

    @contextmanager
    def request(
        self, method: str, route: str, device_id: str, traceparent: str | None
    ) -> Generator[Callable[[int], None]]:
        """Traces a request of a device, which has proven who it is. Yields what is told the status
        of the answer. `route` has the names of parameters in it, and not their values.

        `traceparent` is the trace that the device goes on with (W3C Trace Context). What else it
        might send along is not taken: others would read it.
        """
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        parent = trace.set_span_in_context(trace.INVALID_SPAN)
        attributes = {
            "http.request.method": method,
            "http.route": route,
            "palm.device": device_id,
        }
        with self._span(
            f"{method} {route}", SpanKind.SERVER, _PARENT.extract(carrier, parent), attributes
        ) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)

            yield answered

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        parent: Context | None = None,
        attributes: dict[str, str] | None = None,
    ) -> Generator[Span]:
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            attributes,
            # An error's message may quote what was sent.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    @asynccontextmanager
    async def question(
        self, question: str, turn: AbstractAsyncContextManager[None]
    ) -> AsyncGenerator[None]:
        """Waits for a turn at the vault, which lasts as long as the block, and measures how long
        the wait and the block take."""
        asked = perf_counter()
        with self._span(f"vault {question}", SpanKind.CLIENT) as span:
            self._vault_questions.add(1)
            try:
                async with turn:
                    waited_s = perf_counter() - asked
                    self._vault_queue.record(waited_s, {"question": question})
                    span.set_attribute("palm.queued", waited_s)
                    with _timed(self._vault_answer, question=question):
                        yield
            finally:
                self._vault_questions.add(-1)

    @contextmanager
    def provider(self, operation: str) -> Generator[Callable[[bool], None]]:
        """Measures a request to the payment provider. Yields what is told whether the provider has
        answered, whatever it said."""
        with (
            self._span(f"provider {operation}", SpanKind.CLIENT),
            _timed(self._provider, operation=operation) as outcome,
        ):
            yield lambda answered: outcome("answered" if answered else "failed")

    @contextmanager
    def waiting_for_database(self) -> Generator[None]:
        """Measures how long the first statement takes that writes, which waits for others."""
        with _timed(self._database):
            yield

    def identified(self, outcome: str, purpose: str, began: float) -> None:
        """Counts a palm that was searched for, or an attempt with one. `began` is when its request
        had arrived, by `time.perf_counter`."""
        attributes = {"outcome": str(outcome), "purpose": str(purpose)}
        self._identification.record(perf_counter() - began, attributes)
        trace.get_current_span().set_attribute("palm.outcome", str(outcome))

    def purchased(self, outcome: str, means: str) -> None:
        """Counts a purchase that has ended. `means` is `palm` or `card`."""
        self._purchases.add(1, {"outcome": outcome, "means": means})
        trace.get_current_span().set_attribute("palm.outcome", str(outcome))

    def refused(self, door: str, reason: str) -> None:
        """Counts what was refused, or has failed, at `api` or `portal`."""
        self._refused.add(1, {"door": door, "reason": reason})
        trace.get_current_span().set_attribute("palm.refused", reason)

    def has_failed(self, part: str) -> None:
        """Counts a part of housekeeping that has failed."""
        self._failures.add(1, {"part": part})

    def keep_house(self, state: State) -> None:
        """Tells how the service is, once in each round of housekeeping."""
        self._rounds.add(1)
        if state.palms is not None:
            self._palms.set(state.palms)
        if state.vault_is_there is not None:
            self._vault_there.set(int(state.vault_is_there))
        self._deletions_only.set(int(state.is_for_deletions_only))
        self._due.set(state.due)
        self._lag.set(state.lag_s)


SILENT = Telemetry()
"""Tells nobody anything."""


def trace_id() -> str | None:
    """Returns the trace of the request that is being answered, in 32 hexadecimal digits; None
    outside of any."""
    at = trace.get_current_span().get_span_context()
    return trace.format_trace_id(at.trace_id) if at.is_valid else None


@contextmanager
def _timed(histogram: Histogram, **attributes: str) -> Generator[Callable[[str], None]]:
    """Measures how long the block takes. Yields what is told its outcome, where that is not seen
    from how it ends: `answered`, `failed`, or `given_up` when it is cancelled."""
    began, outcome = perf_counter(), "given_up"
    told: list[str] = []
    try:
        yield told.append
        outcome = told[-1] if told else "answered"
    except Exception:
        outcome = "failed"
        raise
    finally:
        histogram.record(perf_counter() - began, {**attributes, "outcome": outcome})
