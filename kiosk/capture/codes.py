"""Reading the bar or QR code of a card that is held before the camera.

Pictures are looked at in memory only. The grey copy that is read is wiped, and so are the camera's
buffers, as after a palm.
"""

import asyncio
from contextlib import closing
from typing import NoReturn

import cv2
import numpy as np
import zxingcpp

from hardware.camera.feed import Feed, Mailbox
from kiosk.capture.reader import until_lost
from kiosk.race import first

LOOK_UP_S = 0.2
"""Seconds without a picture after which it is seen whether anybody still waits."""

# What shops print on cards and show on phones. Short codes that a pattern on a sleeve may be taken
# for, such as UPC-E and ITF of four digits, are left out.
_FORMATS = zxingcpp.BarcodeFormats(
    (
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.Aztec,
        zxingcpp.BarcodeFormat.DataMatrix,
        zxingcpp.BarcodeFormat.PDF417,
        zxingcpp.BarcodeFormat.Code128,
        zxingcpp.BarcodeFormat.Code39,
        zxingcpp.BarcodeFormat.EAN13,
        zxingcpp.BarcodeFormat.EAN8,
        zxingcpp.BarcodeFormat.UPCA,
    )
)


class CodeReader:
    """The code reader of the kiosk, which looks through the camera for palms."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.last: str | None = None
        """What was read last."""

    async def read(self, but: str | None = None) -> str:
        """Waits until a code is held before the camera that says something else than `but`, and
        returns what it says. Raises DeviceFault when the camera is lost."""
        self.last = await first(self._read(but), self._until_lost())
        return self.last

    async def _read(self, but: str | None) -> str:
        grey = np.zeros(self._feed.size, np.uint8)
        try:
            with closing(self._feed.subscribe()) as mailbox:
                while True:
                    # A look that is under way when this is cancelled is waited for: it uses `grey`.
                    look = asyncio.ensure_future(asyncio.to_thread(_look, mailbox, grey))
                    try:
                        said = await asyncio.shield(look)
                    except asyncio.CancelledError:
                        await look
                        raise
                    if said not in (None, but):
                        return said
        finally:
            grey.fill(0)
            self._feed.wipe()

    async def _until_lost(self) -> NoReturn:
        await until_lost(self._feed)


def _look(mailbox: Mailbox, grey: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> str | None:
    """Returns what the code in the next picture says, None without one."""
    picture = mailbox.take(LOOK_UP_S)
    if picture is None:
        return None
    with picture:
        cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY, dst=grey)
    found = zxingcpp.read_barcode(grey, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    return found.text if found is not None and found.text else None
