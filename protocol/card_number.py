"""What may be the number of a card, which never passes through kiosk or service."""

import re

_DIGITS = re.compile(r"[0-9](?:[ .-]?[0-9]){11}")
_RUN = re.compile(r"[0-9](?:[ .-]?[0-9])*")
_NETWORKS = (
    (re.compile("4"), (16, 19)),  # Visa
    (re.compile("5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),  # Mastercard
    (re.compile("3[47]"), (15,)),  # American Express
    (re.compile("3(0[0-5]|095|[689])"), (14,)),  # Diners Club
    (re.compile("35(2[89]|[3-8])|6011|62|64[4-9]|65"), (16,)),  # JCB, Discover, UnionPay
)
"""How the numbers that payment networks issue begin, and how many digits they have."""


def may_hold_number(text: str) -> bool:
    """Returns whether a text holds what may be the number of a card: 12 digits or more, perhaps in
    groups (ISO/IEC 7812-1 numbers cards with up to 19)."""
    return _DIGITS.search(text) is not None


def holds_payment_card(text: str) -> bool:
    """Returns whether a text holds the number of a payment card: digits, perhaps in groups, as a
    payment network issues them, with the right check digit (ISO/IEC 7812-1, annex B).

    It is for texts that may hold other long numbers, such as those of membership cards.
    """
    runs = (re.sub(r"[ .-]", "", run) for run in _RUN.findall(text))
    return any(_is_issued(digits) and _has_check_digit(digits) for digits in runs)


def _is_issued(digits: str) -> bool:
    return any(begins.match(digits) and len(digits) in lengths for begins, lengths in _NETWORKS)


def _has_check_digit(digits: str) -> bool:
    """Every second digit from the right is doubled, and the sum of all is a multiple of ten."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
