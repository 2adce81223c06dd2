"""Card readers that the payment provider drives.

A reader is bound to one device by the operator (`./run cloud staff bind-reader`), and no other
device can use it or learn that there is one. The provider's secret key stays here: a device asks
the service, and the service tells the reader what to do.
"""

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.payments import card_pages
from cloud.providers import ProviderUnavailable, Readers
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import Identifier, ProblemType, Reader, ReaderFault

router: APIRouter = signed_request.router()


@router.get("/readers/{reader}")
async def tell_about_reader(call: Caller, reader: Identifier) -> Reader:
    """Describes the reader of the device, with what is wrong with it."""
    await must_be_bound(call, reader)
    readers = call.context.payments.readers
    await call.session.commit()
    if readers is None:
        return Reader(reader=reader, label="", fault=ReaderFault.SIMULATED)
    try:
        return await readers.look(reader)
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None


async def must_be_bound(call: Call, reader: str) -> None:
    """Raises Refusal unless this is the reader of the device, whether there is one or not."""
    if (await call.device()).reader != reader:
        raise Refusal(ProblemType.NOT_FOUND, "no such reader is bound to this device")


async def driving(call: Call, reader: str) -> Readers:
    """Returns what drives the reader of the device. Raises Refusal."""
    await must_be_bound(call, reader)
    readers = call.context.payments.readers
    if readers is None:
        raise Refusal(ProblemType.READER_UNAVAILABLE, reader=ReaderFault.SIMULATED)
    return readers


async def look_at_reader(context: Context, session: AsyncSession, reader: str) -> None:
    """Looks at what was waited for at a reader that has ended something. Raises
    ProviderUnavailable."""
    await card_pages.look_at_those_of(context, session, reader)
