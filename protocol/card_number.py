"""What may be the number of a card, which never passes through kiosk or service."""

import re

_DIGITS = re.compile(r"[0-9](?:[ .-]?[0-9]){11}")


def may_hold_number(text: str) -> bool:
    """Returns whether a text holds what may be the number of a card: 12 digits or more, perhaps in
    groups (ISO/IEC 7812-1 numbers cards with up to 19)."""
    return _DIGITS.search(text) is not None
