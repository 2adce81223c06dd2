"""A kiosk whose case is opened serves nobody until a manager has it activated again."""

import re
from pathlib import Path

import numpy as np
import pytest

from cloud.__main__ import main
from drawn.card import hold_up
from kiosk.operator import REPORT_S
from kiosk.screens import (
    EnterPin,
    HoldPalm,
    Maintenance,
    OutOfService,
    ScanActivationCode,
    Welcome,
)
from palm.image import Colour
from tests.cloud.portal.test_beginning import read_qr_code
from tests.journeys.conftest import Opens
from tests.support.hands import SIZE
from tests.support.phone import Phone

PIN = "739182"


def held_up(code: str) -> Colour:
    """Returns what a camera sees of a QR code."""
    picture = np.full((*SIZE, 3), 118, np.uint8)
    hold_up(picture, code)
    return picture


def test_a_case_that_is_opened_during_a_payment_locks_the_kiosk_until_a_manager_activates_it(
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
    shopper.sees(ScanActivationCode)

    # A manager has the console show the code, and holds it before the camera.
    added = staff("add-user", "Robin", "--role", "site-manager", "--site", "first")
    link = re.findall(r"/console/register/\S+", added)[0]
    manager = Phone(shopper.portal, tmp_path / "service" / "ca.pem")
    manager.makes_passkey(link)
    site = "/console/sites/first"
    code = read_qr_code(manager.sends(manager.opens(site), f"{site}/code").text)
    shopper.shows(held_up("https://evil.example/activate?code=12345678"))
    shopper.reads("This is no activation code")
    shopper.shows(held_up(f"{code[:-1]}{(int(code[-1]) + 1) % 10}"))
    shopper.reads("That code is wrong, or was used already")
    shopper.shows(held_up(code))
    shopper.sees(Welcome)
    shopper.can_press("Sign up")

    # They call it to maintenance, and put it back. It has started again, and its service too.
    shopper.shows(None)
    manager.follows(shopper.portal)
    page = f"/console/devices/{(tmp_path / 'device-id').read_text().strip()}"
    for act, screen in (("maintain", OutOfService), ("serve", Welcome)):
        manager.sends(manager.opens(page), f"{page}/{act}")
        shopper.sees_after(REPORT_S, screen)
    manager.close()
