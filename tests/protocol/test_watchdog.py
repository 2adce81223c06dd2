"""Systemd's watchdog is fed for as long as every part of a program answers, and no longer.

A socket of ours takes the place of systemd's.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocol.watchdog import Part, Systemd
from tests.support.log_lines import lines_of
from tests.support.systemd import FEED, Asked, Listening


@pytest.fixture
def systemd() -> Iterator[Listening]:
    with Listening() as listening:
        yield listening


def lives(answer: Callable[[], None]) -> None:
    answer()


def test_it_is_told_that_the_program_is_ready(systemd: Listening) -> None:
    Systemd(systemd.environment).ready()
    assert systemd.hears() == b"READY=1"


def test_nobody_is_told_where_systemd_did_not_start_the_program() -> None:
    alone = Systemd({})
    alone.ready()
    with alone.watching({"the visits": lives}):
        pass


def test_no_child_process_speaks_for_the_program(systemd: Listening) -> None:
    environment = systemd.environment | {"WATCHDOG_PID": "1", "PATH": "/bin"}
    Systemd(environment)
    assert environment == {"PATH": "/bin"}


def test_a_socket_may_lie_in_a_folder(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify")}).ready()
        assert bound.recv(64) == b"READY=1"


def test_while_all_parts_answer_it_is_fed_again_and_again(systemd: Listening) -> None:
    parts = {"the visits": lives, "the window": lives}
    with Systemd(systemd.environment).watching(parts):
        assert [systemd.hears() for _ in range(5)] == [FEED] * 5


@pytest.mark.parametrize("hung", ["the visits", "the window"])
def test_while_one_part_is_silent_it_is_not_fed(systemd: Listening, hung: str) -> None:
    silent = Asked(lambda answer: None)
    parts: dict[str, Part] = {"the visits": lives, "the window": lives, hung: silent}
    with Systemd(systemd.environment).watching(parts):
        silent.again(5)
        assert systemd.has_heard_nothing


def test_an_answer_may_be_late(systemd: Listening) -> None:
    waiting: list[Callable[[], None]] = []
    late = Asked(waiting.append)
    with Systemd(systemd.environment).watching({"the visits": late}):
        late.again(2)
        assert systemd.has_heard_nothing
        waiting[0]()
        assert systemd.hears() == FEED


def test_the_log_names_what_is_silent(systemd: Listening, caplog: pytest.LogCaptureFixture) -> None:
    silent = Asked(lambda answer: None)
    parts: dict[str, Part] = {"the visits": lives, "the window": silent}
    with Systemd(systemd.environment).watching(parts):
        silent.again(8)
    (line,) = lines_of(caplog, "protocol.watchdog")
    assert "from the window: systemd will start this program again" in line
