"""Where screens are shown. Visits know nothing more of the window than this."""

from typing import Protocol, TypeVar

from kiosk.screens import Screen, StillThere

Answer = TypeVar("Answer")


class WrongAnswer(ValueError):
    """The window answered a screen with something that screen does not offer."""


class WalkedAway(Exception):
    """The shopper has left: nobody answered the warning, or somebody pressed LEAVE on it."""


class Stage(Protocol):
    """One screen at a time. All methods are called from the kiosk's asyncio loop."""

    async def ask(self, screen: Screen[Answer]) -> Answer:
        """Shows the screen and waits for its answer. Cancelling it takes the question back.

        Raises WalkedAway when LEAVE is pressed on the warning laid over it.
        """
        ...

    def show(self, screen: Screen[object]) -> None:
        """Shows a screen without waiting; one of the same type as the screen being asked updates
        it in place and leaves the question open."""
        ...

    def overlay(self, screen: StillThere | None) -> None:
        """Lays the warning over whatever is shown, or takes it away. Any touch counts as STAY."""
        ...

    def last_touch(self) -> float:
        """When the window was last touched, in seconds of the running loop's clock."""
        ...
