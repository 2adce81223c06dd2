"""Telling the till who the shopper is, before it says what they pay."""

from kiosk.race import first
from kiosk.screens import Choice, HoldPalm, NoMembership, NotRecognised, Recognised
from kiosk.till.till import Acquisition
from kiosk.visits.age import ask_age
from kiosk.visits.pay import who
from kiosk.visits.recognise import new_visit_id
from kiosk.visits.visit import Visit
from protocol.messages import Customer, Identification, Outcome, Purpose


async def acquire(visit: Visit, acquisition: Acquisition) -> Identification | None:
    """Recognises the shopper, tells the till, and keeps them until the till goes on. Returns who
    they are then; None when nobody is known or the shopper does not want to be."""
    screen = HoldPalm(Purpose.PAY, merchant=acquisition.merchant)
    visit_id = new_visit_id()
    while True:
        found = await who(visit, screen, visit_id)
        match found:
            case Identification(outcome=Outcome.ACCEPTED, customer=Customer() as customer):
                of_age = False
                if acquisition.over is not None:
                    seen = await ask_age(visit, found, acquisition.over)
                    if seen is Choice.TRY_AGAIN:
                        continue
                    of_age = seen is True
                await visit.till.tell_shopper(acquisition.reference, customer, of_age=of_age)
                if acquisition.members_only and customer.membership is None:
                    await visit.stage.ask(NoMembership(acquisition.merchant, paying=False))
                    return None
                greeting = Recognised(acquisition.merchant, customer.name_hint)
                answer = await first(visit.stage.ask(greeting), _until_it_goes_on(visit))
                return found if answer is None else None
            case Identification():
                refused = NotRecognised(Purpose.PAY, found.attempts_left)
                if await visit.stage.ask(refused) is not Choice.TRY_AGAIN:
                    return None
            case _:
                return None


async def _until_it_goes_on(visit: Visit) -> None:
    await visit.till.asks()
