"""Collecting points without a payment: the till is told of the shopper's membership."""

from kiosk.screens import Choice, Collected, Points
from kiosk.till.till import Collection
from kiosk.visits.enrol import enrol
from kiosk.visits.membership import Linking
from kiosk.visits.steps import take_steps
from kiosk.visits.visit import Visit
from protocol.messages import Identification


async def collect(
    visit: Visit, collection: Collection, known: Identification | None = None
) -> None:
    """Recognises the shopper and tells the till. Who has no membership here can link one meanwhile.
    `known` is the shopper, when the till has asked for them before.

    A visit that ends without telling the till has collected nothing.
    """
    while True:
        linking = Linking(visit, known)
        if await take_steps(linking.palm, linking.card, linking.save, recovers=visit.recovers):
            assert linking.found
            await visit.till.tell_shopper(collection.reference, linking.found.customer)
            await visit.stage.ask(Collected(collection.merchant, collection.points or Points()))
            return
        if not linking.would_join or await enrol(visit) is Choice.DELETE:
            return
        known = None
