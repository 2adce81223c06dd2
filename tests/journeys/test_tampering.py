"""A kiosk whose case is opened serves nobody until its operator has it activated again."""

from pathlib import Path

import pytest

from cloud.__main__ import main
from kiosk.screens import (
    EnterActivationCode,
    EnterPin,
    HoldPalm,
    Maintenance,
    OutOfService,
    Welcome,
)
from tests.journeys.conftest import Opens

PIN = "739182"


def test_a_case_that_is_opened_during_a_payment_locks_the_kiosk_until_it_is_activated_again(
    opens: Opens, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def staff(*words: str) -> str:
        capfd.readouterr()
        assert main(["--state", str(tmp_path / "service"), "staff", *words]) == 0
        return capfd.readouterr().out

    shopper = opens(enclosure="sim:")
    shopper.sees(Welcome)
    shopper.presses("Try a purchase")
    shopper.sees(HoldPalm)
    before = (tmp_path / "device-id").read_text()
    assert shopper.world.enclosure
    shopper.world.enclosure.open()
    shopper.sees(OutOfService)
    # It starts again by itself, and can be asked then.
    shopper.keeps_pressing("Staff", until=EnterPin)

    shopper = opens(enclosure="sim:")
    shopper.sees(OutOfService)
    (line,) = staff("devices").splitlines()
    assert "\trevoked " in line
    assert "\ttampering enclosure" in line
    assert "\ttampering\tseen: enclosure\t" in staff("acts")
    assert (tmp_path / "device-id").read_text() != before

    shopper.presses("Staff")
    for _ in range(2):
        shopper.sees(EnterPin)
        shopper.types(PIN)
        shopper.presses("Save PIN")
    shopper.sees(Maintenance)
    shopper.reads("The case was opened")
    shopper.presses("Activate device")
    shopper.sees(EnterActivationCode)
    shopper.types(staff("activation-code").strip())
    shopper.sees(Welcome)
    shopper.can_press("Sign up")
