"""Having the shopper confirm a payment on their own phone, where the card's bank asks for it."""

from contextlib import suppress
from typing import Literal

from kiosk.clock import Clock
from kiosk.idle import Withdrawn
from kiosk.qr_code import qr_code
from kiosk.race import first
from kiosk.screens import Choice, ConfirmByPhone, Work, Working
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.stage import WalkedAway
from kiosk.till.till import Sale
from kiosk.visits.charge import Unconfirmed, unknown
from kiosk.visits.visit import Visit
from protocol.messages import Card, Purchase

LOOKS_S = 2.0
"""Seconds between two questions whether the payment was confirmed."""
CONFIRMED_WITHIN_S = 90.0
"""How long a shopper may take, in seconds. The service itself cancels the payment two minutes after
the purchase was requested."""


async def confirm_by_phone(visit: Visit, sale: Sale, card: Card, url: str) -> Purchase:
    """Shows the code of the page until the payment is confirmed or refused there.

    When the shopper pays another way, takes too long or leaves, and when the till withdraws the
    sale, the payment is cancelled before anybody is told so. Raises Unconfirmed in the first two
    cases, and WalkedAway or Withdrawn in the others, if nothing was charged until then.

    Raises Troubled (PAYMENT_UNKNOWN) when it cannot be cancelled for certain.
    """
    screen = ConfirmByPhone(sale.merchant, sale.amount, card, qr_code(url))
    left: WalkedAway | Withdrawn | None = None
    try:
        end = await first(
            _confirmed(visit.service, visit.clock, sale.reference),
            visit.stage.ask(screen),
        )
    except (WalkedAway, Withdrawn) as error:
        end, left = Choice.ANOTHER_WAY, error
    if isinstance(end, Purchase):
        return end
    visit.stage.show(Working(Work.CANCELLING))
    try:
        purchase = await visit.service.end_purchase(sale.reference)
    except ServiceError as error:
        raise await unknown(visit, sale.reference) from error
    if purchase.outcome == "approved":
        return purchase
    raise left or Unconfirmed


async def _confirmed(
    service: SignatureService, clock: Clock, reference: str
) -> Purchase | Literal[Choice.ANOTHER_WAY]:
    """Waits until the purchase has ended, or has taken too long. As long as the service does not
    say that it has ended, it has not."""
    until = clock.now() + CONFIRMED_WITHIN_S
    while clock.now() < until:
        await clock.sleep(LOOKS_S)
        with suppress(ServiceError):
            return await service.find_purchase(reference)
    return Choice.ANOTHER_WAY
