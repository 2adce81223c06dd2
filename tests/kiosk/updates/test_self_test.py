"""What a version is asked before it is tried."""

import subprocess
import sys

import pytest

from protocol import VERSION

pytestmark = pytest.mark.process


def test_a_whole_version_says_which_one_it_is_without_a_screen():
    command = [sys.executable, "-m", "kiosk.updates.self_test"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={})
    assert ended.stdout == f"{VERSION}\n"


def test_a_version_that_lacks_something_fails_with_a_reason():
    lacking = (
        "import sys; sys.modules['kiosk.assembly'] = None; import kiosk.updates.self_test as t"
    )
    command = [sys.executable, "-c", f"{lacking}; t.main()"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "kiosk.assembly" in ended.stderr.splitlines()[-1]
