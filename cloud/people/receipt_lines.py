"""The lines of receipts: what is erased, what is kept, and why.

A receipt is signed, and its lines stay as they were written, in English. To show a line in another
language, a page finds the sentence that it was made of.
"""

import re
from collections.abc import Mapping

NUMBER = "your mobile number"
NAME = "your name"
MAIL = "your mail address"
PALMS = "palm signatures: %(count)s"
CARDS = "cards: %(count)s; the payment provider is told to forget them as well"
CONSENTS = "your consent, at merchants: %(count)s"
AGREED = (
    "to what you agreed at %(merchant)s on %(day)s: the text %(text)s, SHA-256 %(digest)s. "
    "This line stays as its proof"
)
SIGNED = AGREED.replace("%(day)s", "%(day)s, signed")
MEMBERSHIPS = "your membership cards: %(count)s"
AGES = "that staff have seen your age, at merchants: %(count)s"
ACCESS = "what sites have given you to pass their doors with: %(count)s"
TICKETS = "your tickets: %(count)s"
REST = "everything else in your account"
LINKS = "what led from your purchases to you"

AT_GATES = "copies of a palm's template in the memory of gates, for when they have no network"
WHY_AT_GATES = (
    "a gate that has no network cannot be told. It erases its copy by then, and within minutes "
    "where it has one"
)

PURCHASES = (
    "purchases: %(count)s (of each the merchant, the amount, the time, the kiosk, the till's "
    "number for the sale, what the till was told, the kind of card and its last four digits)"
)
REFUNDS = (
    "refunds: %(count)s (of each the purchase, the amount, the time, the kiosk and the till's "
    "number for the refund)"
)
BOOKS_OF_PURCHASES = (
    "the merchants' books. Nothing stored with them leads to your account or to the payment "
    "provider's own record of the payment, which the provider keeps"
)
BOOKS_OF_REFUNDS = BOOKS_OF_PURCHASES.replace("of the payment", "of the refund")

WITHDRAWN = "your consent at %(merchant)s, which is told nothing about you from now on"
MEMBERSHIP_THERE = "your membership there"
AGE_THERE = "what staff there have seen of your age"
ACCESS_THERE = "what you had been given to pass doors there, and when you passed them"
TICKETS_THERE = "your tickets there"
PROOF = "to what you agreed at %(merchant)s, when and where, and that you have ended it"
WHY_PROOF = "its proof. It stays a part of your account until you have everything deleted"
PURCHASES_THERE = "purchases at %(merchant)s: %(count)s"
WHY_PURCHASES_THERE = (
    "the merchant's books, and refunds to your card. They stay a part of your account until you "
    "have everything deleted"
)

SENTENCES = (
    *(NUMBER, NAME, MAIL, PALMS, CARDS, CONSENTS, AGREED, SIGNED, MEMBERSHIPS, AGES, ACCESS),
    *(TICKETS, REST, LINKS, AT_GATES, WHY_AT_GATES),
    *(PURCHASES, REFUNDS, BOOKS_OF_PURCHASES, BOOKS_OF_REFUNDS),
    *(WITHDRAWN, MEMBERSHIP_THERE, AGE_THERE, ACCESS_THERE, TICKETS_THERE, PROOF, WHY_PROOF),
    *(PURCHASES_THERE, WHY_PURCHASES_THERE),
)
"""All there are."""

_FIELDS = {"count": r"\d+", "day": r"\d{4}-\d\d-\d\d", "digest": "[A-Za-z0-9+/]{43}="}


def _pattern(sentence: str) -> re.Pattern[str]:
    texts_and_fields = re.split(r"%\((\w+)\)s", sentence)
    return re.compile(
        "".join(
            f"(?P<{part}>{_FIELDS.get(part, '.+')})" if at % 2 else re.escape(part)
            for at, part in enumerate(texts_and_fields)
        ),
        re.DOTALL,
    )


_PATTERNS = {sentence: _pattern(sentence) for sentence in SENTENCES}


def read(line: str) -> tuple[str, Mapping[str, str]] | None:
    """Returns the sentence that a line was made of, and what was filled in; None for a line that
    another version of the service has written."""
    for sentence, pattern in _PATTERNS.items():
        found = pattern.fullmatch(line)
        if found is not None:
            return sentence, found.groupdict()
    return None
