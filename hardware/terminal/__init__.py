"""Card terminals."""

from hardware.address import Address
from hardware.terminal.sim import SimulatedTerminal, TestCard
from hardware.terminal.terminal import CardRead, CardTerminal, CardUnreadable

__all__ = [
    "CardRead",
    "CardTerminal",
    "CardUnreadable",
    "SimulatedTerminal",
    "TestCard",
    "terminal_at",
]


def terminal_at(text: str) -> CardTerminal | None:
    """Returns the terminal that an address names; None for `none:`. Raises BadAddress."""
    address = Address.parse(text)
    match address.scheme:
        case "none":
            address.known()
            return None
        case "sim":
            return SimulatedTerminal(address)
        case scheme:
            raise address.wrong(
                f"names no terminal driver: there is no '{scheme}'",
                "Use sim:, or none: where cards are saved by phone.",
            )
