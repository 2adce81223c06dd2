"""The protocol that every card terminal driver implements."""

from dataclasses import dataclass, field
from typing import Protocol


class CardUnreadable(Exception):
    """The card could not be read; presenting it again may help."""


@dataclass(frozen=True, slots=True)
class CardRead:
    """What the terminal's provider returns for a card, without its number."""

    token: str = field(repr=False)
    """The provider's single-use token."""
    holder: str = field(repr=False)
    """The name on the card; empty when the card does not tell it."""


class CardTerminal(Protocol):
    """A card terminal, used from the kiosk's asyncio loop."""

    async def read_card(self) -> CardRead:
        """Waits for a card and returns it. Cancelling makes the terminal stop waiting.

        Raises CardUnreadable, and DeviceFault when the terminal does not work.
        """
        ...
