"""A membership card that is held up instead of a hand."""

from functools import lru_cache

import numpy as np
import zxingcpp

from palm.image import Colour

_SIDE = 0.7
"""The side of the card, as a part of the picture's shorter one."""
_MARGIN = 0.06
"""The white around the code, as a part of the card's side."""


def hold_up(out: Colour, code: str) -> None:
    """Draws a white, square card with the QR code of a text in the middle of a picture, (height,
    width, 3)."""
    height, width = out.shape[:2]
    side = round(min(height, width) * _SIDE)
    margin = round(side * _MARGIN)
    modules = _modules(code)
    scale = (side - 2 * margin) // len(modules)
    drawn = modules.repeat(scale, axis=0).repeat(scale, axis=1)
    top, left = (height - side) // 2, (width - side) // 2
    out[top : top + side, left : left + side] = 235
    top, left = (height - len(drawn)) // 2, (width - len(drawn)) // 2
    out[top : top + len(drawn), left : left + len(drawn)] = drawn[..., None]


@lru_cache(maxsize=4)
def _modules(code: str) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """Returns the modules of a QR code and the quiet zone around them, dark ones as 20."""
    barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode)
    image = np.array(barcode.to_image(scale=1, add_quiet_zones=True))
    return np.where(image > 127, np.uint8(235), np.uint8(20))
