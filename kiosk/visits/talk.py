"""What the till has the kiosk say to the shopper, or ask of them."""

from kiosk.screens import Choice, TillMessage
from kiosk.stage import Stage
from kiosk.till.till import Talk, Till


async def talk(stage: Stage, till: Till, asked: Talk) -> None:
    """Shows what the till says, which has its answer at once; or asks, and tells the till how the
    shopper has answered."""
    screen = asked.screen
    if isinstance(screen, TillMessage):
        stage.show(screen)
        await till.tell_entry(asked.reference, Choice.DONE)
        await stage.ask(screen)
    else:
        await till.tell_entry(asked.reference, await stage.ask(screen))
