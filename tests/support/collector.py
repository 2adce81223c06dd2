"""A collector on loopback: takes OTLP over HTTP, and keeps what it was sent."""

from collections import defaultdict
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.http_server import HttpServer, Silent


class Collector(HttpServer):
    def __init__(self, status: int = 200) -> None:
        """`status` is what it answers."""
        self.received: defaultdict[str, list[bytes]] = defaultdict(list)
        """The bodies of requests, by path."""
        received = self.received

        class Handler(Silent):
            def do_POST(self) -> None:
                received[self.path].append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        super().__init__(Handler)

    @property
    def spans(self) -> list[Any]:
        requests = map(ExportTraceServiceRequest.FromString, self.received["/v1/traces"])
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def measured(self) -> dict[str, list[Any]]:
        """The points of each measurement that came last."""
        found: dict[str, list[Any]] = {}
        for request in map(ExportMetricsServiceRequest.FromString, self.received["/v1/metrics"]):
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        data: Any = getattr(metric, metric.WhichOneof("data") or "")
                        found[metric.name] = list(data.data_points)
        return found


def told(item: Any) -> dict[str, Any]:
    """Returns the attributes of a span or a point."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in item.attributes
    }
