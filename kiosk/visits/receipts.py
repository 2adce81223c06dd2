"""A receipt that goes to the shopper's phone, unless they decline it with a tap."""

import logging
from dataclasses import replace
from typing import TypeVar

from kiosk.screens import Approved, Choice, TillMessage
from kiosk.service.client import SignatureService
from kiosk.service.errors import Refused, ServiceError
from kiosk.stage import Stage
from kiosk.till.till import Printed

log = logging.getLogger(__name__)

Shown = TypeVar("Shown", Approved, TillMessage)


async def ask_with_receipt(
    stage: Stage, service: SignatureService, reference: str, screen: Shown
) -> None:
    """Shows a result until the shopper has read it, who may decline the receipt of the purchase. A
    receipt that cannot be declined now is offered to be declined again."""
    while await stage.ask(screen) is Choice.SKIP:
        try:
            await service.decline_receipt(reference)
        except Refused:
            # It is on its way.
            screen = replace(screen, receipt=None)
        except ServiceError as error:
            log.warning("a receipt was not declined: %s", error)
        else:
            screen = replace(screen, receipt=False)


async def print_to_phone(
    service: SignatureService, printed: Printed, message: TillMessage
) -> TillMessage:
    """Has what the till prints sent as the receipt of its sale. Returns what to show then."""
    try:
        await service.print_receipt(printed.sale, printed.text)
    except ServiceError:
        return message
    return replace(message, receipt=True)
