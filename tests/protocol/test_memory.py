"""Memory that holds palms and keys reaches no disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.screens import Finding, Health
from kiosk.visits.maintain import memory_check
from protocol import memory

pytestmark = pytest.mark.process

BEGIN = """
import os, re, resource
from protocol.memory import lock_memory, may_be_swapped

def locked_kb():
    return int(re.search("VmLck:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1])
"""


def told(program: str) -> str:
    asked = [sys.executable, "-c", BEGIN + program]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_what_a_process_has_and_what_it_gets_is_locked():
    program = """
if not lock_memory():
    print("refused")
else:
    before = locked_kb()
    more = bytearray(os.urandom(2**24))
    assert not may_be_swapped()
    print("locked", before > 0, locked_kb() - before >= 2**14, flush=True)
    child = os.fork()
    if child == 0:
        print("forked", locked_kb(), lock_memory(), locked_kb() > before, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
    said = told(program)
    if said == "refused\n":
        pytest.skip("this user may not lock memory")
    assert sorted(said.splitlines()) == ["forked 0 True True", "locked True True"]


def test_a_limit_that_is_too_low_is_told_and_keeps_no_memory_from_the_process():
    program = """
resource.setrlimit(resource.RLIMIT_MEMLOCK, (2**16, 2**16))
if os.geteuid() == 0:
    os.setuid(65534)
print(lock_memory(), locked_kb())
more = bytearray(os.urandom(2**24))
"""
    assert told(program) == "False 0\n"


def test_the_self_test_says_when_memory_may_be_swapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said = {"/proc/self/status": "VmLck:\t       0 kB\n", "/proc/swaps": "Filename\n/dev/sda2\n"}
    monkeypatch.setattr(memory, "Path", lambda path: tmp_path / path.lstrip("/"))
    for path, text in said.items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (check,) = memory_check()
    assert (check.health, check.finding) == (Health.WARNING, Finding.KEYS_MAY_BE_SWAPPED)
    (tmp_path / "proc/self/status").write_text("VmRSS:\t 1 kB\nVmLck:\t   16736 kB\n")
    assert memory_check() == ()
    (tmp_path / "proc/self/status").write_text(said["/proc/self/status"])
    (tmp_path / "proc/swaps").write_text("Filename\n")
    assert memory_check() == ()
    (tmp_path / "proc/swaps").unlink()
    assert len(memory_check()) == 1


def test_pages_are_joined_and_hold_what_they_held():
    program = """
from pathlib import Path
from protocol.memory import widen_pages

def huge_kb():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search("AnonHugePages:[^0-9]*([0-9]+)", text)[1])

told = os.urandom(2**12)
held = bytearray(told * 2**12)
before = huge_kb()
widen_pages()
print(huge_kb() - before >= 2**13, held == told * 2**12)
"""
    joined, held = told(program).split()
    assert held == "True"
    if joined != "True":
        pytest.skip("this kernel joins no pages at once")
