from enum import StrEnum


class Kind(StrEnum):
    ALIKE = "alike"
    CARDS = "cards"
    CARD_SALES = "card_sales"
    CHALLENGES = "challenges"
    CODES = "codes"
    COPIED = "copied"
    GUESSES = "guesses"
    GUESSES_HERE = "guesses_here"
    LIFELESS = "lifeless"
    PURCHASES = "purchases"
    SEARCHES = "searches"
    TAMPERING = "tampering"
    TWICE = "twice"

    def __str__(self) -> str:
        return str(self.value)
