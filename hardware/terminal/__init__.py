"""Card terminals."""

from hardware.address import Address
from hardware.terminal.sim import SimulatedTerminal, TestCard
from hardware.terminal.stripe import StripeReader
from hardware.terminal.terminal import CardRead, CardTerminal, CardUnreadable

Terminal = CardTerminal | StripeReader
"""What can be attached: a terminal that the kiosk reads a card with, or one that the service
drives."""

__all__ = [
    "CardRead",
    "CardTerminal",
    "CardUnreadable",
    "SimulatedTerminal",
    "StripeReader",
    "Terminal",
    "TestCard",
    "terminal_at",
]


def terminal_at(text: str) -> Terminal | None:
    """Returns the terminal that an address names; None for `none:`. Raises BadAddress."""
    address = Address.parse(text)
    match address.scheme:
        case "none":
            address.known()
            return None
        case "sim":
            return SimulatedTerminal(address)
        case "stripe":
            return StripeReader.at(address)
        case scheme:
            raise address.wrong(
                f"names no terminal driver: there is no '{scheme}'",
                "Use stripe:tmr_…, sim:, or none: where cards are saved by phone.",
            )
