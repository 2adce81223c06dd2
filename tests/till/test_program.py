"""`./run till` as a program."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from kiosk.till.nexo.keys import read_keys
from tests.interop.client import HERE as CLIENT
from tests.support.doors import OpenDoor
from tests.support.sealed import sealed
from till.__main__ import main

pytestmark = pytest.mark.anyio


def test_without_a_kiosk_it_says_how_to_open_one_and_makes_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--state", str(tmp_path)]) == 2
    assert "./run kiosk --till.port 8443" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [None, "{}", '{"ready": {"url": "https://x"}}', "no JSON"])
def test_a_file_that_names_no_merchant_is_said_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str | None
) -> None:
    OpenDoor(tmp_path)
    file = tmp_path / "merchant.json"
    if written is not None:
        file.write_text(written)
    assert main(["--state", str(tmp_path), "--service", str(file)]) == 2
    told = capsys.readouterr().err
    assert str(file) in told
    assert "docs/integrations/till.md" in told


@pytest.mark.process
async def test_for_a_kiosk_on_this_machine_it_needs_the_state_folder_alone(tmp_path: Path) -> None:
    kiosk = OpenDoor(tmp_path)
    kiosk.keys.unlink()
    async with kiosk.open():
        till = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "till", "--page", "0"),
            *("--state", tmp_path, "--port", str(kiosk.door.port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # As ./run starts it.
            env=os.environ | {"PYTHONPATH": str(CLIENT)},
        )
        assert till.stdin
        till.stdin.write(b"1\npay\n")
        till.stdin.write_eof()
        sale = await kiosk.sells()
        told, _ = await till.communicate()
    assert sale.items[0].label == "Coffee"
    assert b"Paid: visa 4242." in told
    assert till.returncode == 0
    (key,) = read_keys(sealed(kiosk.keys))
    assert key.passphrase.encode() not in told
    assert key.passphrase.encode() not in kiosk.keys.read_bytes()
