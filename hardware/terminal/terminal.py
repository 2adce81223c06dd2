"""What every card terminal is to the rest of the kiosk."""

from dataclasses import dataclass, field
from typing import Protocol


class CardUnreadable(Exception):
    """The card was not read; presenting it again may help."""


@dataclass(frozen=True, slots=True)
class CardRead:
    """What the terminal's provider gives for a card: never its number."""

    token: str = field(repr=False)
    """The provider's token, good for one use."""
    holder: str = field(repr=False)
    """The name on the card; empty when the card does not tell."""


class CardTerminal(Protocol):
    """A terminal beside the kiosk. Used from the kiosk's asyncio loop."""

    async def read_card(self) -> CardRead:
        """Waits for a card. Cancelling it makes the terminal stop waiting.

        Raises CardUnreadable, and DeviceFault when there is no terminal to read with.
        """
        ...
