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


def terminal_at(text: str) -> CardTerminal:
    """Returns the terminal that an address names. Raises BadAddress."""
    address = Address.parse(text)
    if address.scheme != "sim":
        raise address.wrong(
            f"names no terminal driver: there is no '{address.scheme}'", "Use sim:."
        )
    return SimulatedTerminal(address)
