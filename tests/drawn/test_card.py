"""A drawn membership card can be read as one before a camera can."""

import cv2
import numpy as np
import pytest
import zxingcpp

from drawn import Shopper
from drawn.shopper import Wish


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (480, 640)])
def test_the_code_of_a_card_that_is_held_up_can_be_read(size: tuple[int, int]):
    shopper = Shopper()
    shopper.wish = Wish(card="MEMBER-000007")
    picture = np.empty((*size, 3), np.uint8)
    shopper.draw(picture, 0.0)
    found = zxingcpp.read_barcode(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    assert found is not None
    assert found.text == "MEMBER-000007"
    assert shopper.seen is None
