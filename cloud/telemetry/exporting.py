"""Sends what is measured to the operator's collector, where one is set."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cloud.telemetry.measures import SILENT, Telemetry

log = logging.getLogger(__name__)


@asynccontextmanager
async def exporting(endpoint: str | None, version: str) -> AsyncGenerator[Telemetry]:
    """Yields what measures. `endpoint` is the address of a collector that takes OTLP over HTTP,
    such as http://127.0.0.1:4318; without one nothing is kept. What was measured until the end of
    the block is sent then.

    Where OpenTelemetry's SDK is not installed, the log says so and nothing is kept: nobody should
    go without a palm for that.
    """
    if endpoint is None:
        yield SILENT
        return
    try:
        from cloud.telemetry import otlp  # noqa: PLC0415 - an extra, which takes time to load
    except ModuleNotFoundError as missing:
        log.error(
            "nothing is sent to %s: %s is not installed. Install the extra `telemetry`, or remove "
            "endpoint under [telemetry] from settings.toml.",
            endpoint,
            missing.name,
        )
        yield SILENT
        return
    async with otlp.sending(endpoint, version) as telemetry:
        yield telemetry
