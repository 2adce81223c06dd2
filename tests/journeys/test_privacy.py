"""No picture of a palm is written to any file during a visit."""

from pathlib import Path

import pytest

from kiosk.screens import Approved, ConfirmPurchase
from tests.support.hands import Person
from tests.support.nothing_written import watching
from tests.support.shopper import Shopper

NUMBER = "2025550123"
LESS_THAN_A_CAPTURE = 100_000
"""The most bytes that a visit may write. The window, the event loops and the journal write less,
mostly to wake threads; the pictures of one capture have several times as many."""


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """The kiosk's state lies on a disk: the kernel counts what reaches one, memory maps too."""
    return on_disk


@pytest.mark.usefixtures("alone")
def test_no_picture_is_written_while_somebody_signs_up_and_pays(
    shopper: Shopper, ada: Person, tmp_path: Path
) -> None:
    shopper.load_every_screen()
    # The service writes files of its own before it is ready.
    shopper.can_press("Sign up")
    with watching(tmp_path) as written:
        shopper.signs_up(ada, NUMBER)
        shopper.holds_palm_to_pay(ada.left[1])
        shopper.sees(ConfirmPurchase)
        shopper.shows(None)
        shopper.presses("Pay $4.50")
        shopper.sees(Approved)
        shopper.finishes()
    written.assert_no_picture(LESS_THAN_A_CAPTURE)
