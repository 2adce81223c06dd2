"""Sign-ups that are begun in the portal, without its pages."""

import secrets
from dataclasses import dataclass

from cloud.context import Context
from cloud.payments.cards import ask_to_keep, keep_card
from cloud.people import begun
from cloud.people.begun import Begun
from cloud.web.browsers import new_token
from protocol.documents import digest_of
from tests.support.portal import last_code
from tests.support.served import Served


@dataclass(frozen=True)
class Beginning:
    """What somebody has begun on their phone: its number, and the code that is shown there."""

    phone: str
    code: str
    token: str
    person_id: str


async def begin(context: Context, phone: str, *, has_card: bool, token: str) -> Beginning:
    """Begins a sign-up; with a `token` of the provider's its card is kept."""
    visitor, now = new_token(), context.clock()
    async with context.database.session() as session:
        send = await begun.ask_for_code(context, session, visitor, phone, now)
        await session.commit()
    await send()
    async with context.database.session() as session:
        code = last_code(context, phone)
        browser = await begun.prove(context, session, visitor, code, before=None, now=now)
        found = await begun.find(context, session, browser, now)
        assert found
        for text in await begun.to_agree(context, session, found):
            await begun.agree(context, session, found, digest_of(text), now)
        if has_card:
            reference = secrets.token_hex(8)
            await ask_to_keep(session, context.master, reference, now)
            await session.commit()
            kept = await context.payments.keep(token, reference)
            await keep_card(
                session,
                context.master,
                found.person,
                kept,
                reference=reference,
                now=now,
                holder="Alex Doe",
            )
        found = await begun.find(context, session, browser, now)
        assert found
        await session.commit()
    return Beginning(phone, found.beginning.code, browser, found.person.person_id)


def begin_at(
    served: Served, phone: str, *, has_card: bool = True, token: str = "tok_visa"
) -> Beginning:
    work = begin(served.context, phone, has_card=has_card, token=token)
    return served.do(work)


def what_is_left(served: Served, beginning: Beginning) -> Begun | None:
    """Returns what a phone still shows of a beginning; None when it is over."""

    async def read() -> Begun | None:
        async with served.context.database.session() as session:
            now = served.context.clock()
            return await begun.find(served.context, session, beginning.token, now)

    return served.do(read())
