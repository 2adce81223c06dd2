"""Lines of the log: text for people, or one JSON object a line for what collects logs.

The form is chosen by `--log-format`. It is told to the processes that this one starts by an
environment variable, because the vault has no settings.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

VARIABLE = "PALM_LOG_FORMAT"
TEXT, JSON = "text", "json"


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-format",
        choices=(TEXT, JSON),
        default=JSON if _is_json() else TEXT,
        help=f"how lines of the log look (default: text, or what {VARIABLE} says)",
    )


def choose(form: str) -> None:
    """Has this process, and those that it starts, write their lines in a form."""
    os.environ[VARIABLE] = form


def set_up(trace_id: Callable[[], str | None]) -> None:
    """Has what is logged written to standard error. `trace_id` tells which trace a line is of."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines(trace_id)
        if _is_json()
        else logging.Formatter(
            "%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S%z"
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # A warning of Python's is several lines otherwise.
    logging.captureWarnings(_is_json())


def say(who: str, text: str, trace_id: str | None = None) -> None:
    """Writes a line for whoever has started this process, where nothing is logged. `trace_id` is
    which trace it is of, if any."""
    line = f"{who}: {text}"
    if _is_json():
        line = _object(datetime.now(UTC), "WARNING", who, text, _of_trace(trace_id))
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - that is its work


class JsonLines(logging.Formatter):
    """Writes a line as one JSON object."""

    def __init__(self, trace_id: Callable[[], str | None]) -> None:
        super().__init__()
        self._trace_id = trace_id

    def format(self, record: logging.LogRecord) -> str:
        more = _of_trace(self._trace_id())
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC)
        return _object(at, record.levelname, record.name, record.getMessage(), more)


def _of_trace(trace_id: str | None) -> dict[str, str]:
    """Returns what a line tells of its trace, as OpenTelemetry names it in logs of other forms."""
    return {} if trace_id is None else {"trace_id": trace_id}


def _object(at: datetime, level: str, logger: str, message: str, more: dict[str, str]) -> str:
    time = at.isoformat(timespec="milliseconds")
    line = {"time": time, "level": level, "logger": logger, "message": message, **more}
    # In ASCII it is one line to everybody, whatever a message holds.
    return json.dumps(line)


def _is_json() -> bool:
    return os.environ.get(VARIABLE) == JSON
