"""A question of the merchant's own systems: the person answers it with their palm, or says no."""

from functools import partial

from kiosk.screens import Heard, HoldPalm, QuestionAnswered, Work, Working
from kiosk.service.errors import Refused
from kiosk.visits.recognise import recognise
from kiosk.visits.visit import Visit
from protocol.asked import AskedEnd, AskedPalm, Asks, RequestState
from protocol.messages import Identification, ProblemType, Purpose

OVER = {ProblemType.EXPIRED, ProblemType.NOT_FOUND}
"""Problems of a request that nobody waits for any more."""
AGREED = {RequestState.APPROVED: Heard.AGREED, RequestState.IDENTIFIED: Heard.IDENTIFIED}


async def answer(visit: Visit, asked: AskedPalm) -> AskedEnd:
    """Asks, and tells the service how the person answers. Returns what has become of the request.

    The service decides whether the palm counts. Where the request is for one person, it is compared
    with theirs; otherwise its person is looked for.
    """
    merchant = visit.device.merchant
    agrees = asked.kind is Asks.APPROVE
    screen = HoldPalm(Purpose.IDENTIFY, merchant=merchant, question=asked.question, agrees=agrees)
    service, request_id = visit.service, asked.request_id
    if asked.named:
        by_palm = partial(service.prove_for_request, request_id)
    else:
        by_palm = partial(service.identify, purpose=Purpose.IDENTIFY, visit_id=request_id)
    try:
        found = await recognise(visit, screen, by_palm)
        shown = found.identification_id if isinstance(found, Identification) else None
        visit.stage.show(Working(Work.CHECKING_PALM))
        told = await service.answer_palm_request(request_id, shown)
    except Refused as refused:
        if refused.type not in OVER:
            raise
        return AskedEnd(state=RequestState.EXPIRED)
    heard = AGREED.get(told.state)
    if told.state is RequestState.REFUSED:
        heard = Heard.DECLINED if told.reason == "declined" else Heard.NOT_RECOGNISED
    if heard is not None:
        await visit.stage.ask(QuestionAnswered(merchant, heard))
    return told
