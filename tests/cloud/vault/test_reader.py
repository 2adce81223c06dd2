"""Pictures are read in a process that may be lost, without keys, files and sockets."""

import math
import os
import secrets
import select
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloud.settings import Recognition, Settings
from cloud.vault.examiner import Flaw
from cloud.vault.kept import VaultState
from cloud.vault.messages import AT_ONCE
from cloud.web.tables import Tally
from protocol.capture import Burst
from protocol.messages import Identification, Outcome, ProblemType, Purpose
from tests.support import bad_examiners, plain_palms
from tests.support.bad_examiners import told
from tests.support.device import Refused, TestDevice
from tests.support.served import CURRENT, PATIENCE_S, Served

DRIVEN = Recognition(examiner="tests.support.bad_examiners:Driven", schemes=(CURRENT,))


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("driven"), Settings(recognition=DRIVEN)) as served:
        yield served


@pytest.fixture
def kiosk(driven: Served) -> TestDevice:
    return driven.kiosk()


def identify(kiosk: TestDevice, shown: Burst) -> Identification:
    envelope = kiosk.seal(shown, Purpose.PAY, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def refused_for(kiosk: TestDevice, shown: Burst) -> str:
    with pytest.raises(Refused) as refused:
        identify(kiosk, shown)
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE
    return refused.value.problem.detail


@pytest.mark.parametrize(
    ("deed", "flaw"),
    [
        ("hang", Flaw.TOO_COSTLY),
        ("abort", Flaw.TOO_COSTLY),
        ("leave", Flaw.TOO_COSTLY),
        ("devour", Flaw.NOT_A_CAPTURE),
        ("fail", Flaw.NOT_A_CAPTURE),
        ("recur", Flaw.NOT_A_CAPTURE),
    ],
)
def test_a_picture_that_brings_its_reader_down_is_unusable_and_the_next_is_read(
    driven: Served, kiosk: TestDevice, who: str, deed: str, flaw: Flaw
):
    kiosk.sign_up(who)
    vault = driven.vault.pid
    assert refused_for(kiosk, told(deed)) == flaw
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    assert driven.vault.pid == vault


@pytest.mark.parametrize("score", [math.inf, -math.inf, math.nan])
def test_a_reader_that_answers_with_an_absurd_score_does_not_bring_the_vault_down(
    driven: Served, kiosk: TestDevice, score: float
):
    vault = driven.vault.pid
    assert refused_for(kiosk, plain_palms.burst("nobody", score=score)) == Flaw.NOT_A_CAPTURE
    assert driven.vault.pid == vault


def test_a_reader_reaches_no_file_no_socket_and_no_other_process(kiosk: TestDevice):
    assert refused_for(kiosk, told("reach")) == bad_examiners.NOTHING_IN_REACH


def test_a_reader_gets_no_memory_beyond_its_limit_by_sharing_it(kiosk: TestDevice):
    assert refused_for(kiosk, told("share")) == bad_examiners.NOTHING_IN_REACH


def test_the_processes_that_read_pictures_have_no_file_of_the_vault_open(
    driven: Served, kiosk: TestDevice
):
    (nursery,) = children(driven.vault.pid)
    for process in (nursery, *children(nursery)):
        opened = [os.readlink(each) for each in Path(f"/proc/{process}/fd").iterdir()]
        assert all(each == os.devnull or each.startswith("socket:") for each in opened)


@pytest.mark.skipif(AT_ONCE == 1, reason="one processor reads one capture at a time")
def test_another_capture_is_read_while_one_is_read(driven: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(refused_for, driven.kiosk(), told("pause"))
        while not driven.vault.asked:
            pass
        assert kiosk.identify(who).outcome is Outcome.ACCEPTED
        assert not slow.done()
        (nursery,) = children(driven.vault.pid)
        for reader in children(nursery):
            os.kill(reader, signal.SIGWINCH)
        slow.result()


def test_what_a_picture_made_an_error_say_is_not_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    with Served(tmp_path, Settings(recognition=DRIVEN)) as served:
        refused_for(served.kiosk(), told("fail"))
    logged = capfd.readouterr().err
    assert "OverflowError" in logged
    assert "4111" not in logged


def test_a_vault_that_has_lost_its_nursery_is_started_again(
    driven: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    vault = driven.vault.pid
    (nursery,) = children(vault)
    ending = os.pidfd_open(nursery)
    os.kill(nursery, signal.SIGKILL)
    # Until then it may still take an order, and what was shown is recognised.
    assert has_ended(ending)
    problems: set[ProblemType] = set()
    while True:
        try:
            assert kiosk.identify(who).outcome is Outcome.ACCEPTED
            break
        except Refused as refused:
            problems.add(refused.problem.type)
    assert problems == {ProblemType.VAULT_UNAVAILABLE}
    assert driven.vault.pid != vault


def test_what_is_shown_while_no_vault_answers_counts_against_nobody(
    driven: Served, kiosk: TestDevice, who: str
):
    counted, shown, vault = driven.count(Tally), plain_palms.burst(who), driven.vault.pid
    assert vault
    os.kill(vault, signal.SIGSTOP)
    try:
        while driven.vault.state is VaultState.WORKS:
            pass
        for ask in (lambda: identify(kiosk, shown), lambda: kiosk.challenge(shown)):
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.problem.type is ProblemType.VAULT_UNAVAILABLE
    finally:
        os.kill(vault, signal.SIGCONT)
    assert driven.count(Tally) == counted


def test_no_process_of_the_vault_is_left_when_the_service_ends(tmp_path: Path):
    with Served(tmp_path, Settings(recognition=DRIVEN)) as served:
        (nursery,) = children(served.vault.pid)
        # The first readers are raised while the vault answers already.
        give_up = time.monotonic() + PATIENCE_S
        while len(children(nursery)) < AT_ONCE:
            assert time.monotonic() < give_up
        watched = [os.pidfd_open(process) for process in (nursery, *children(nursery))]
    for descriptor in watched:
        assert has_ended(descriptor)


def children(pid: int | None) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def has_ended(descriptor: int) -> bool:
    """Returns whether the process ends while one can wait for it, and closes its descriptor."""
    ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
    os.close(descriptor)
    return bool(ended)
