"""Lines of the log as JSON."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.telemetry import logs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(autouse=True)
def text(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(logs.VARIABLE, logs.TEXT)
    yield
    logging.captureWarnings(False)


def formatted(record: logging.LogRecord, trace_id: str | None = None) -> dict[str, str]:
    line = logs.JsonLines(lambda: trace_id).format(record)
    assert "\n" not in line
    return json.loads(line)


def record(message: str, *values: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "cloud.web", "levelname": "ERROR", "msg": message, "args": values}
    )


def test_a_line_is_one_object_whatever_stands_in_it():
    told = formatted(record("it failed:\n%s", "“here”\r\nand there\u2028"))
    assert told["message"] == "it failed:\n“here”\r\nand there\u2028"
    assert (told["level"], told["logger"]) == ("ERROR", "cloud.web")
    assert told["time"].endswith("+00:00")
    assert "trace_id" not in told


def test_a_line_of_a_request_names_its_trace():
    assert formatted(record("slow"), TRACE)["trace_id"] == TRACE


def test_where_it_failed_is_in_the_same_object():
    failed = record("it failed")
    try:
        raise KeyError("there")
    except KeyError:
        failed.exc_info = sys.exc_info()
    assert "KeyError" in formatted(failed)["exception"]


def test_what_keeps_a_service_from_starting_is_an_object_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "settings.toml").write_text("liveness = 'sometimes'")
    assert main(["--state", str(tmp_path), "--log-format", "json", "rekey"]) == 2
    told = json.loads(capsys.readouterr().err)
    assert told["logger"] == "cloud"
    assert "liveness" in told["message"]


def test_text_is_as_before(capsys: pytest.CaptureFixture[str]):
    logs.say("vault", "a key is missing")
    assert capsys.readouterr().err == "vault: a key is missing\n"
