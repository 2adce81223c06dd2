FOR_NUMBERS = {"number", "pan", "cvc", "cvv", "expiry", "exp", "track"}
"""Words in the name of a field that holds the number of a card, its check value or its stripe."""
