"""What a picture for kiosks is: a PNG of bounded size, as its first bytes say (W3C's PNG, 11.2.1).

What follows them is read by whoever shows the picture. Whoever could send a harmful one has the key
that orders are signed with.
"""

import struct

from protocol.fleet import MAX_PICTURE, MAX_SIDE

_BEGINS = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"


class NoPicture(ValueError):
    """It is no picture for kiosks: the message tells why."""


def check(content: bytes) -> None:
    """Raises NoPicture."""
    if len(content) > MAX_PICTURE:
        raise NoPicture("it is larger than 3 MiB")
    if not content.startswith(_BEGINS) or len(content) < len(_BEGINS) + 8:
        raise NoPicture("it is no PNG")
    width, height = struct.unpack_from(">II", content, len(_BEGINS))
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise NoPicture("its longest side is not within 1280 pixels")
