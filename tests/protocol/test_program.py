"""What the program calls its commands, from the repository and packaged."""

import subprocess
import sys

import pytest

from protocol.program import CLOUD, KIOSK

PACKAGED = """
import sys
sys.frozen = True
from kiosk import commands
from kiosk.settings import Settings
from protocol.verify_receipt import main
for each in (commands.staff, commands.till, commands.key, Settings.load, main):
    try:
        each(["--help"])
    except SystemExit:
        pass
"""


def test_in_the_repository_the_commands_are_those_of_run():
    assert (KIOSK, CLOUD) == ("./run kiosk", "./run cloud")


@pytest.mark.process
def test_a_packaged_program_names_itself_in_its_usage():
    asked = [sys.executable, "-c", PACKAGED]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert said.count("usage: palm-kiosk ") == 5
    assert "./run" not in said
