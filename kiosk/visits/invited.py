"""The merchant's own systems have somebody sign up here, who is known to them by their own number
from then on."""

from typing import Literal

from kiosk.screens import Choice, Heard, InvitedToSignUp, QuestionAnswered, Work, Working
from kiosk.service.errors import Refused
from kiosk.visits.answer import OVER
from kiosk.visits.enrol import enrol
from kiosk.visits.visit import Visit
from protocol.asked import AskedPalm, RequestState


async def invite(visit: Visit, asked: AskedPalm) -> bool:
    """Returns whether somebody signs up now. The service is told, also of a No."""
    merchant, service = visit.device.merchant, visit.service
    screen = InvitedToSignUp(merchant, asked.question, asked.ending or "")
    signs_up = await visit.stage.ask(screen) is Choice.SIGN_UP
    visit.stage.show(Working(Work.CHECKING_SERVICE))
    try:
        if signs_up:
            return (await service.begin_palm_request(asked.request_id)).state is RequestState.BEGUN
        await service.answer_palm_request(asked.request_id)
    except Refused as refused:
        if refused.type not in OVER:
            raise
        return False
    await visit.stage.ask(QuestionAnswered(merchant, Heard.DECLINED))
    return False


async def sign_up_invited(visit: Visit, asked: AskedPalm) -> Literal[Choice.DELETE] | None:
    """Signs up somebody who was invited, and tells the service once they have an account. Returns
    what `enrol` does."""

    async def completed(enrolment_id: str) -> None:
        await visit.service.answer_palm_request(asked.request_id, enrolment_id=enrolment_id)

    return await enrol(visit, completed)
