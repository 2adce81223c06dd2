"""Saving a card that the shopper taps at a terminal of the kiosk's own."""

from collections.abc import Awaitable, Callable

from hardware.faults import PermanentFault
from hardware.terminal import CardRead, CardTerminal
from kiosk.race import first
from kiosk.screens import CardProblem, PresentCard, TroubleKind, Work, Working
from kiosk.service.errors import Refused
from kiosk.visits.steps import Turn
from kiosk.visits.tap import Problem, read_card
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import CardToken, ProblemType


async def save_card(
    visit: Visit,
    terminal: CardTerminal,
    save: Callable[[CardToken], Awaitable[object]],
    *,
    adding: bool = False,
) -> Turn:
    """Asks for a card until one is saved or the shopper goes back. `adding` tells that it is added
    to those of an account. Raises Troubled when the terminal is broken."""
    screen = PresentCard(adding=adding)

    def tell(problem: Problem) -> None:
        visit.stage.show(PresentCard(problem, adding))

    while True:
        try:
            card = await first(read_card(visit, terminal, tell), visit.stage.ask(screen))
        except PermanentFault as fault:
            raise Troubled(TroubleKind.TERMINAL) from fault
        if not isinstance(card, CardRead):
            return Turn.BACK
        visit.stage.show(Working(Work.SAVING_CARD))
        try:
            await save(CardToken(token=card.token, holder=card.holder[:64] or None))
        except Refused as refused:
            if refused.type is not ProblemType.CARD_REFUSED:
                raise
            screen = PresentCard(CardProblem.REFUSED, adding)
        else:
            return Turn.ON
