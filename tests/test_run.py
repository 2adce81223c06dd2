"""`./run`: how tests are spread, and what becomes of a verb when one of its commands fails."""

import runpy
from pathlib import Path

import pytest

from lab.sets import ROOT

RUN = runpy.run_path(str(ROOT / "run"))
KILLED = ["/bin/sh", "-c", "kill -KILL $$"]
FAILS = ["/bin/sh", "-c", "exit 3"]

pytestmark = pytest.mark.process


def test_tests_are_spread_over_processes_unless_some_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    for arguments in ([], ["-k", "door"], ["--fast"]):
        assert "--dist" in RUN["test"](arguments)[0]
    for arguments in (["tests/ui"], ["tests/test_run.py::a_test", "-x"]):
        assert "--dist" not in RUN["test"](arguments)[0]


def test_a_command_that_is_killed_has_failed() -> None:
    assert RUN["run_each"]([["/bin/true"], KILLED, ["/bin/true"]], goes_on=True) == -9


def test_nothing_is_done_in_an_environment_that_could_not_be_made(tmp_path: Path) -> None:
    done = tmp_path / "done"
    assert RUN["run_each"]([FAILS, ["/usr/bin/touch", str(done)]], goes_on=False) == 3
    assert not done.exists()


def test_lint_checks_everything_although_one_check_has_failed(tmp_path: Path) -> None:
    checked = tmp_path / "checked"
    goes_on = RUN["VERBS"]["lint"].goes_on
    assert RUN["run_each"]([FAILS, ["/usr/bin/touch", str(checked)]], goes_on=goes_on) == 3
    assert checked.exists()
