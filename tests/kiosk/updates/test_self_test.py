"""`palm-kiosk --self-test`: what a version says of itself, and is asked before it is tried."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from protocol import VERSION
from tests.support.forks import run_forked

pytestmark = pytest.mark.process


def lacking() -> None:
    """Runs in a process of its own: the program without one of its parts."""
    sys.modules["ui.app"] = None  # pyright: ignore[reportArgumentType]
    runpy.run_module("ui", run_name="__main__", alter_sys=True)


def test_a_whole_version_says_which_one_it_is_without_a_screen():
    command = [sys.executable, "-m", "ui", "--self-test"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": "/"})
    assert ended.stdout.splitlines() == [
        f"palm-kiosk {VERSION}",
        "passed: program",
        "passed: models",
        "passed: settings",
    ]
    assert ended.stderr == ""


def test_what_fails_is_told_with_its_remedy_and_the_rest_is_tried(tmp_path: Path):
    (tmp_path / "settings.toml").write_text('camera = "carrier pigeon"\n')
    ended = run_forked(lacking, "--state", tmp_path, "--self-test")
    assert ended.returncode == 1
    assert ended.stdout == f"palm-kiosk {VERSION}\npassed: models\n"
    program, settings = ended.stderr.splitlines()
    assert program.startswith("failed: program: ")
    assert "ui.app" in program
    assert program.endswith("Install the program again, with all that its package needs.")
    assert settings.startswith("failed: settings: ")
    assert "Write it as scheme:rest" in settings
