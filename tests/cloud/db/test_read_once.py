"""What a session reads once a transaction: where a request comes from."""

from collections.abc import Awaitable, Callable

from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.merchants.merchants import place_of
from cloud.merchants.tables import FIRST, MerchantRow
from tests.support.served import Served

Work = Callable[[AsyncSession], Awaitable[None]]


def reads(served: Served, before: Work, work: Work) -> int:
    """Returns how many statements `work` takes in a session in which `before` was done."""

    async def count() -> int:
        noted: list[object] = []
        async with served.database.session() as session:
            await before(session)
            event.listen(session.sync_session, "do_orm_execute", noted.append)
            await work(session)
            await session.rollback()
        return len(noted)

    return served.do(count())


async def find_place(session: AsyncSession) -> None:
    await place_of(session, FIRST)


async def find_place_and_end(session: AsyncSession) -> None:
    await place_of(session, FIRST)
    await session.commit()


async def rename_and_look(session: AsyncSession) -> None:
    named = update(MerchantRow).where(MerchantRow.id == FIRST).values(name="Harbour & Daughters")
    await session.execute(named)
    _, merchant = await place_of(session, FIRST)
    assert merchant.name == "Harbour & Daughters"


def test_a_place_is_read_once_a_transaction_although_nobody_holds_it(served: Served):
    assert reads(served, find_place, find_place) == 0


def test_a_place_is_read_again_in_the_next_transaction(served: Served):
    assert reads(served, find_place_and_end, find_place) == 2, "a site, and a merchant"


def test_what_the_transaction_changes_is_seen_in_it(served: Served):
    assert reads(served, find_place, rename_and_look) == 1, "the change"
