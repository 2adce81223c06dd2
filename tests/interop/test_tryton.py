"""Tryton's point of sale, run for real on SQLite with the module of integrations/tryton, pays at a
kiosk's door. `./run tryton` installs it in an environment of its own."""

import asyncio
import json
import os
from itertools import cycle
from pathlib import Path

import pytest

from kiosk.till.till import SaleResult
from protocol.messages import Money
from tests.support.doors import OpenDoor
from tests.support.tills import KEY

pytestmark = [pytest.mark.process, pytest.mark.anyio]

ROOT = Path(__file__).parents[2]
TRYTON = ROOT / ".venv-tryton"
SHOP = ROOT / "integrations" / "tryton" / "tests" / "shop.py"
SECTION = """
[{name}]
host = localhost
port = {port}
certificate = {certificate}
identifier = till
passphrase = {passphrase}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def sell(kiosk: OpenDoor, sold: list[Money]) -> None:
    """Declines the second payment."""
    results = [SaleResult.APPROVED, SaleResult.DECLINED, SaleResult.APPROVED, SaleResult.APPROVED]
    for result in cycle(results):
        sold.append((await kiosk.sells(result)).amount)


async def test_a_sale_is_paid_once_or_not_at_all(tmp_path: Path) -> None:
    if not any(TRYTON.glob("lib/*/site-packages/trytond/modules/palm_kiosk")):
        pytest.skip("Tryton is not there: ./run tryton installs it")
    (TRYTON / "databases").mkdir(exist_ok=True)
    kiosk = OpenDoor(tmp_path)
    configuration = tmp_path / "trytond.conf"
    sold: list[Money] = []
    async with kiosk.open():
        configuration.write_text(
            "".join(
                SECTION.format(
                    name=name,
                    port=kiosk.door.port,
                    certificate=kiosk.certificate,
                    passphrase=passphrase,
                )
                for name, passphrase in (
                    ("palm_kiosk", KEY.passphrase),
                    ("wrong_key", "a passphrase of another day"),
                )
            )
        )
        selling = asyncio.create_task(sell(kiosk, sold))
        shop = await asyncio.create_subprocess_exec(
            *(TRYTON / "bin" / "python", SHOP, configuration),
            env=os.environ
            | {
                "DB_NAME": ":memory:",
                "TRYTOND_DATABASE_URI": "sqlite://",
                "DB_CACHE": str(TRYTON / "databases"),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await shop.communicate()
        selling.cancel()
    assert shop.returncode == 0
    told = json.loads(printed.splitlines()[-1])
    done = {"said": "", "paid": "4.50", "state": "done"}
    assert told["approved"] == told["tried again"] == told["found"] == done
    for name, words in (("declined", "declined the card"), ("wrong key", "another passphrase")):
        assert words in told[name]["said"]
        assert (told[name]["paid"], told[name]["state"]) == ("0", "open")
    assert told["lost"] == "0"
    assert sold == [Money(minor=450, currency="USD")] * 4, "what was lost is not charged twice"
