"""QR codes of texts."""

import segno

from kiosk.screens import QrCode


def qr_code(text: str) -> QrCode:
    """Returns the QR code of a text, with as much redundancy as its size leaves room for."""
    rows = segno.make_qr(text, error="l").matrix
    return QrCode(tuple("".join("1" if module else "0" for module in row) for row in rows))
