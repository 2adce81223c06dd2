"""What was logged in a test by the part of the product that it is about. The service that the tests
of a worker share logs meanwhile as well, from threads of its own, and pytest records both."""

import logging
import threading

import pytest


def lines_of(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    """Returns what a logger has said."""
    return [record.getMessage() for record in caplog.records if record.name == logger]


def records_here(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Returns what was logged in the thread of the test."""
    return [record for record in caplog.records if record.thread == threading.get_ident()]
