"""The cards of one person: their order, the one that pays by default, and the same card twice."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cloud.jobs.errands import run_errands
from cloud.keys.persons import find_person
from cloud.outbox.tables import Errand
from cloud.payments.cards import (
    FORGET_CARD,
    CardDetail,
    ask_to_keep,
    cards_of,
    default_of,
    keep_card,
    put_first,
    remove_card,
)
from cloud.payments.tables import CardRow
from cloud.providers import CardOnFile
from protocol.messages import Card
from tests.support.shelf import Shelf
from tests.support.stripe_api import Answer, StripeApi

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def on_file(number: int, fingerprint: str | None = None, year: int = 2040) -> CardOnFile:
    card = Card(brand="visa", last4=f"000{number}")
    return CardOnFile(card, f"cus_{number}", f"pm_{number}", (year, 12), fingerprint)


async def keep(books: Shelf, person_id: str, kept: CardOnFile, *, adds: bool = True) -> None:
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        await ask_to_keep(session, books.master, kept.method, books.clock())
        await keep_card(
            session,
            books.master,
            person,
            kept,
            reference=kept.method,
            now=books.clock(),
            adds=adds,
        )
        await session.commit()


async def ids(books: Shelf, person_id: str) -> dict[str, str]:
    """Returns the ids of a person's cards by their last digit, in their order."""
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        return {card.last4[-1]: each for each, card in (await cards_of(session, person)).items()}


async def shown(books: Shelf, person_id: str) -> str:
    return "".join(await ids(books, person_id))


async def forgotten(books: Shelf) -> int:
    async with books.database.session() as session:
        rows = await session.scalars(select(Errand.id).where(Errand.kind == FORGET_CARD))
        return len(rows.all())


@pytest.fixture
async def person(books: Shelf) -> str:
    """A person with the card 1."""
    person_id = await books.person()
    await keep(books, person_id, on_file(1), adds=False)
    return person_id


async def test_a_card_is_added_behind_the_others(books: Shelf, person: str):
    await keep(books, person, on_file(2))
    await keep(books, person, on_file(3))
    assert await shown(books, person) == "123"
    assert await forgotten(books) == 0


async def test_at_sign_up_a_card_takes_the_place_of_the_one_before(books: Shelf, person: str):
    await keep(books, person, on_file(2), adds=False)
    assert await shown(books, person) == "2"
    assert await forgotten(books) == 1


async def test_the_cards_of_somebody_else_are_not_touched(books: Shelf, person: str):
    other = await books.person()
    await keep(books, other, on_file(2), adds=False)
    await keep(books, other, on_file(3))
    assert await shown(books, person) == "1"
    assert await shown(books, other) == "23"


async def test_a_card_is_put_first(books: Shelf, person: str):
    await keep(books, person, on_file(2))
    await keep(books, person, on_file(3))
    for number, order in (("3", "312"), ("2", "231"), ("2", "231")):
        card_id = (await ids(books, person))[number]
        async with books.database.session() as session:
            found = await find_person(session, books.master, person)
            await put_first(session, found, card_id)
            await session.commit()
        assert await shown(books, person) == order


async def test_the_same_card_again_keeps_its_place_and_the_first_is_forgotten(
    books: Shelf, person: str
):
    await keep(books, person, on_file(2, "the same"))
    await keep(books, person, on_file(3))
    await keep(books, person, on_file(4, "the same"))
    assert await shown(books, person) == "143"
    assert await forgotten(books) == 1


async def test_a_card_without_a_fingerprint_is_not_taken_for_another(books: Shelf, person: str):
    await keep(books, person, on_file(2))
    await keep(books, person, on_file(3))
    assert await shown(books, person) == "123"


async def test_a_card_whose_keeping_is_repeated_is_kept_once(books: Shelf, person: str):
    await keep(books, person, on_file(2))
    await keep(books, person, on_file(2))
    assert await shown(books, person) == "12"
    assert await forgotten(books) == 0, "it is the same customer"


async def test_a_card_that_is_removed_is_detached_at_the_provider(
    books: Shelf, api: StripeApi, person: str
):
    await keep(books, person, on_file(2))
    card_id = (await ids(books, person))["2"]
    async with books.database.session() as session:
        found = await find_person(session, books.master, person)
        await remove_card(session, books.master, found, card_id, books.clock())
        await session.commit()
    assert await shown(books, person) == "1"
    method = {"id": "pm_2", "object": "payment_method"}
    api.will("POST /payment_methods/pm_2/detach", Answer(200, method))
    api.will("DELETE /customers/cus_2", Answer(200, {"id": "cus_2", "object": "customer"}))
    books.ahead = timedelta(seconds=1)
    await run_errands(books.context)
    assert api.requests == ["POST /payment_methods/pm_2/detach", "DELETE /customers/cus_2"]


@pytest.mark.parametrize(
    ("years", "pays"),
    [
        ({"a": 2040, "b": 2040}, "a"),
        ({"a": 2020, "b": 2040, "c": 2040}, "b"),
        ({"a": 2020, "b": 2021}, "a"),
        ({}, None),
    ],
    ids=["the first", "the first that lasts", "the first where none lasts", "none"],
)
def test_the_card_that_pays_unless_another_is_chosen(years: dict[str, int], pays: str | None):
    cards = {each: CardDetail.of(on_file(1, year=year)) for each, year in years.items()}
    assert default_of(cards, NOW) == pays


async def test_a_card_of_before_is_the_first(books: Shelf, person: str):
    async with books.database.session() as session:
        row = (await session.scalars(select(CardRow))).one()
        row.place = 0
        await session.commit()
    await keep(books, person, on_file(2))
    assert await shown(books, person) == "12"
