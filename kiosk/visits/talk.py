"""What the till has the kiosk say to the shopper, or ask of them."""

from kiosk.screens import Choice, TillMessage
from kiosk.service.client import SignatureService
from kiosk.stage import Stage
from kiosk.till.till import Talk, Till
from kiosk.visits.receipts import ask_with_receipt, print_to_phone


async def talk(stage: Stage, till: Till, service: SignatureService, asked: Talk) -> None:
    """Shows what the till says, which has its answer at once; or asks, and tells the till how the
    shopper has answered. The printed receipt of a purchase goes to the shopper's phone, too."""
    screen = asked.screen
    if not isinstance(screen, TillMessage):
        await till.tell_entry(asked.reference, await stage.ask(screen))
        return
    stage.show(screen)
    await till.tell_entry(asked.reference, Choice.DONE)
    if asked.printed is None:
        await stage.ask(screen)
        return
    screen = await print_to_phone(service, asked.printed, screen)
    await ask_with_receipt(stage, service, asked.printed.sale, screen)
