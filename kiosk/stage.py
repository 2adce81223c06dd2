"""Where screens are shown: all that visits know of the window."""

from typing import Protocol, TypeVar

from kiosk.screens import Bill, Indicated, Screen, StillThere
from protocol.fleet import Variant

Answer = TypeVar("Answer")


class WrongAnswer(ValueError):
    """The window gave an answer that the screen does not offer."""


class WalkedAway(Exception):
    """The shopper has left: the warning was not answered, or LEAVE was pressed on it."""


class Stage(Protocol):
    """Shows one screen at a time. All methods are called from the kiosk's asyncio loop."""

    async def ask(self, screen: Screen[Answer]) -> Answer:
        """Shows the screen and returns its answer. Cancelling withdraws the question.

        Raises WalkedAway when LEAVE is pressed on the warning over the screen.
        """
        ...

    def show(self, screen: Screen[object]) -> None:
        """Shows a screen without waiting. A screen of the same type as the one being asked updates
        it in place and leaves the question open."""
        ...

    def overlay(self, screen: StillThere | None) -> None:
        """Shows the warning over the current screen, or removes it. Any touch counts as STAY."""
        ...

    def bill(self, bill: Bill | None) -> None:
        """Shows what is paid for on every screen from now on; None when nothing is."""
        ...

    def indicate(self, shown: Indicated | None) -> None:
        """Shows at the gate what the site's controller wants shown, from now on; None for
        nothing."""
        ...

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        """Shows everything in these colours from now on; `accent` is a merchant's own, as #rrggbb,
        in the place of the green."""
        ...

    def last_touch(self) -> float:
        """Returns when the window was last touched, on the running loop's clock."""
        ...
