"""How long a text message may be before a network splits it in two (3GPP TS 23.038)."""

from collections.abc import Callable

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
"""Characters that take the room of two."""

SEPTETS = 160
UCS2_UNITS = 70


def with_name(name: str, told: Callable[[str], str]) -> str:
    """Returns the message `told` with a name. A long name is cut so that it stays one message."""
    name = " ".join(name.split())
    text = told(name)
    while name and not fits_one_message(text):
        name = name[:-1].rstrip()
        text = told(f"{name}...")
    return text


def fits_one_message(text: str) -> bool:
    """Returns whether a text is at most 160 characters of the GSM 7-bit alphabet, or 70 of any."""
    if set(text) <= set(_BASIC + _EXTENDED):
        return len(text) + sum(text.count(wide) for wide in _EXTENDED) <= SEPTETS
    return len(text.encode("utf-16-le")) // 2 <= UCS2_UNITS
