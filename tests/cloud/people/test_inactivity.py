"""Accounts that nobody uses: their people are told twice, and then deleted, whatever happens to the
clock, the disk, the message provider and the service."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cloud.jobs.housekeeping import end_retention
from cloud.keys.persons import OpenPerson
from cloud.messages import NotSent
from cloud.payments.tables import PurchaseRow
from cloud.people import inactivity_runs as job
from cloud.people.deletions import remains_of
from cloud.people.inactivity import ends_at
from cloud.people.tables import ActivityRow, InactivityRun, ReceiptRow
from cloud.policy import BOOKKEEPING, LAST_NOTICE, NOTICE, RUNS_BETWEEN
from cloud.settings import Retention, Settings
from tests.support.portal import Portal, before_commits, open_portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
A_DAY = timedelta(days=1)
A_YEAR = timedelta(days=365)


class Killed(BaseException):
    """The end of the process."""


class Messages:
    """A message provider that can be away, and that may end the service in the middle."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.sent: list[tuple[datetime, str, str]] = []
        self.away = False
        self.really: datetime | None = None
        """The right time, while the service's clock is wrong."""
        self.tried = 0
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    async def send(self, phone: str, text: str) -> None:
        self.tried += 1
        self.before()
        if self.away:
            raise NotSent("Twilio answered 503")
        self.sent.append((self.really or self._portal.now, phone, text))
        self.after()


class House:
    """A service with its daily runs."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.messages = Messages(portal)
        portal.context.messenger = self.messages

    async def round(self) -> None:
        """Does what a round of housekeeping does."""
        await job.begin_daily_run(self.portal.context)
        await self.portal.rest()

    async def live(self, span: timedelta) -> None:
        """Lets time pass, with a round at least every day."""
        end = self.portal.now + span
        while self.portal.now < end:
            self.portal.pass_time(min(A_DAY, end - self.portal.now))
            await self.round()

    async def unused(self, phone: str = PHONE, days: int = 330) -> datetime:
        """Has somebody sign up and stay away for so many days, in which nothing is to be done.
        Returns when the account may be deleted."""
        await self.portal.account(phone)
        end = ends_at(self.portal.now, 12)
        self.portal.pass_time(days * A_DAY)
        return end

    async def until(self, end: datetime) -> None:
        """Lets time pass. In the middle of a long time the service is off."""
        await self.live(min(12 * A_DAY, end - self.portal.now))
        self.portal.now = max(self.portal.now, end - 10 * A_DAY)
        await self.live(end - self.portal.now)

    async def people(self) -> list[ActivityRow]:
        async with self.portal.database.session() as session:
            return list(await session.scalars(select(ActivityRow)))

    async def runs(self) -> list[InactivityRun]:
        async with self.portal.database.session() as session:
            return list(await session.scalars(select(InactivityRun).order_by(InactivityRun.id)))

    async def use(self, person: OpenPerson) -> None:
        async with self.portal.database.session() as session:
            await self.portal.context.accounts.note_use(session, person, self.portal.now)
            await session.commit()

    def warnings(self, phone: str = PHONE) -> list[datetime]:
        """Returns when somebody was told that their account will be deleted."""
        return [at for at, to, text in self.messages.sent if to == phone and "Use it" in text]

    def farewells(self, phone: str = PHONE) -> list[str]:
        return [text for _, to, text in self.messages.sent if to == phone and "receipt" in text]


@pytest.fixture
async def house(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[House]:
    async with open_portal(tmp_path) as portal:
        yield House(portal)


async def test_somebody_who_stays_away_is_told_twice_and_then_deleted_with_a_receipt(
    house: House,
):
    end = await house.unused()
    await house.until(end + A_DAY)
    first, second = house.warnings()
    assert NOTICE <= end - first <= NOTICE + 3 * A_DAY
    assert LAST_NOTICE <= end - second <= LAST_NOTICE + 3 * A_DAY
    assert await house.people() == []
    assert len(house.portal.gallery) == 0
    async with house.portal.database.session() as session:
        (receipt,) = await session.scalars(select(ReceiptRow))
    assert end <= receipt.at <= end + A_DAY
    (told,) = house.farewells()
    assert receipt.id in told
    found = await remains_of(receipt.id, house.portal.context.state, house.portal.database)
    assert found == ["1 cards the payment provider has yet to forget"]


async def test_the_messages_say_by_when_the_palm_has_to_be_used(house: House):
    end = await house.unused()
    await house.until(end)
    promised = end - A_DAY
    texts = [text for _, to, text in house.messages.sent if to == PHONE]
    assert (
        texts[0]
        == texts[1]
        == (
            "Corner Shop: you have not used your palm for a long time. Use it before "
            f"{promised.day} {promised:%B %Y}, or your account and your palms will be deleted."
        )
    )


@pytest.mark.parametrize("days_left", [20, 3])
async def test_a_use_begins_the_time_anew(house: House, days_left: int):
    person = await house.portal.account(PHONE)
    end = ends_at(house.portal.now, 12)
    house.portal.pass_time(330 * A_DAY)
    await house.until(end - days_left * A_DAY)
    before = len(house.warnings())
    assert before == {20: 1, 3: 2}[days_left]
    await house.use(person)
    end = ends_at(house.portal.now, 12)
    await house.until(end - NOTICE - 3 * A_DAY)
    assert len(house.warnings()) == before
    await house.until(end + A_DAY)
    assert len(house.warnings()) == before + 2
    assert await house.people() == []


async def test_signing_in_is_a_use(house: House):
    await house.portal.account(PHONE)
    messenger = house.portal.context.messenger
    house.portal.context.messenger = house.portal.messenger
    house.portal.pass_time(100 * A_DAY)
    await house.portal.browser().sign_in(PHONE)
    house.portal.context.messenger = messenger
    (row,) = await house.people()
    assert row.used_at == house.portal.now


async def test_the_time_is_what_the_operator_has_set(tmp_path: Path):
    for months in (3, 24):
        chosen = Settings(retention=Retention(inactive_months=months))
        async with open_portal(tmp_path / str(months), chosen) as portal:
            house = House(portal)
            await portal.account(PHONE)
            end = ends_at(portal.now, months)
            portal.now = end - 35 * A_DAY
            await house.until(end - timedelta(hours=1))
            assert len(await house.people()) == 1
            await house.live(A_DAY)
            assert await house.people() == []


@pytest.mark.parametrize("months", [0, 2, 37, 1.5])
def test_a_time_that_no_service_may_have_is_refused(months: float):
    with pytest.raises(ValueError, match="inactive_months"):
        Settings.model_validate({"retention": {"inactive_months": months}})


def test_months_are_those_of_the_calendar():
    for used, months, end in (
        ((2026, 11, 29), 12, (2027, 11, 29)),
        ((2027, 1, 31), 1, (2027, 2, 28)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 12, 31), 36, (2029, 12, 31)),
        ((2027, 3, 31), -1, (2027, 2, 28)),
        ((2027, 1, 15), -12, (2026, 1, 15)),
    ):
        assert ends_at(datetime(*used, tzinfo=UTC), months) == datetime(*end, tzinfo=UTC)


# Evidence


async def test_runs_are_kept_with_what_they_did(house: House):
    end = await house.unused()
    await house.until(end + A_DAY)
    runs = await house.runs()
    assert len(runs) == 22
    assert sum(run.told for run in runs) == 2
    assert sum(run.deleted for run in runs) == 1
    assert all(run.ended_at == run.began_at and run.failed == 0 for run in runs)


async def test_there_is_one_run_a_day(house: House):
    for _ in range(5):
        await house.round()
    house.portal.pass_time(A_DAY - timedelta(seconds=1))
    await house.round()
    assert len(await house.runs()) == 1
    house.portal.pass_time(timedelta(seconds=1))
    await house.round()
    assert len(await house.runs()) == 2


async def test_the_evidence_is_deleted_after_ten_years(house: House):
    await house.round()
    house.portal.pass_time(BOOKKEEPING)
    await end_retention(house.portal.context)
    assert await house.runs() == []


# A provider that does not answer


async def test_nobody_is_deleted_who_could_not_be_told(house: House):
    await house.unused()
    house.messages.away = True
    await house.until(house.portal.now + A_YEAR)
    assert len(await house.people()) == 1
    last = (await house.runs())[-1]
    assert (last.told, last.deleted, last.failed, last.fault) == (0, 0, 1, "Twilio answered 503")
    house.messages.away = False
    back = house.portal.now
    await house.until(back + NOTICE + 5 * A_DAY)
    assert await house.people() == []
    first, second = house.warnings()
    assert first > back
    assert second - first >= NOTICE - LAST_NOTICE


async def test_a_provider_that_is_away_between_the_messages_delays_the_deletion(house: House):
    end = await house.unused()
    await house.until(end - 20 * A_DAY)
    assert len(house.warnings()) == 1
    house.messages.away = True
    await house.until(end + 40 * A_DAY)
    assert len(await house.people()) == 1
    house.messages.away = False
    await house.live(A_DAY)
    assert len(house.warnings()) == 2
    await house.live(LAST_NOTICE - timedelta(hours=1))
    assert len(await house.people()) == 1
    await house.live(4 * A_DAY)
    assert await house.people() == []


async def test_a_provider_that_does_not_answer_is_not_asked_for_everybody(house: House):
    for number in range(12):
        await house.portal.account(f"+141555501{number:02}")
    house.messages.away = True
    house.portal.pass_time(A_YEAR - 20 * A_DAY)
    await house.round()
    assert house.messages.tried == job.UNSENT_AT_MOST
    run = (await house.runs())[-1]
    assert (run.told, run.failed) == (0, job.UNSENT_AT_MOST)


async def test_one_number_that_gets_no_message_holds_nobody_up(house: House):
    await house.portal.account(PHONE)
    end = await house.unused(OTHER)
    send = house.messages.send

    async def refuse_one(phone: str, text: str) -> None:
        if phone == PHONE:
            raise NotSent("Twilio answered 400")
        await send(phone, text)

    house.messages.send = refuse_one
    await house.until(end + A_DAY)
    (left,) = await house.people()
    assert left.told_at is None
    assert len(house.warnings(OTHER)) == 2


async def test_as_many_of_them_as_end_a_run_hold_nobody_up_either(house: House):
    dead = [f"+141555501{number:02}" for number in range(job.UNSENT_AT_MOST)]
    for phone in dead:
        await house.portal.account(phone)
    house.portal.pass_time(A_DAY)
    end = await house.unused()
    send = house.messages.send

    async def refuse_many(phone: str, text: str) -> None:
        if phone in dead:
            raise NotSent("Twilio answered 400")
        await send(phone, text)

    house.messages.send = refuse_many
    await house.live(end + 6 * A_DAY - house.portal.now)
    assert len(house.warnings()) == 2
    assert len(house.farewells()) == 1
    assert [row.told_at for row in await house.people()] == [None] * len(dead)


# A full disk, and a service that is killed


@pytest.mark.sqlite
async def test_on_a_full_disk_nobody_is_told_what_could_not_be_noted(house: House):
    end = await house.unused()
    house.portal.database.let_go(OSError(ENOSPC, "No space left on device"))
    await house.until(end + 10 * A_DAY)
    assert (house.messages.tried, await house.runs()) == (0, [])
    await house.portal.database.tidy_up()
    await house.round()
    assert len(house.warnings()) == 1


async def test_a_disk_that_fills_up_ends_the_run_before_more_is_sent(house: House):
    for phone in (PHONE, OTHER):
        await house.unused(phone, days=0)
    house.portal.pass_time(340 * A_DAY)

    def store_nothing() -> None:
        if house.messages.sent:
            raise OSError(ENOSPC, "No space left on device")

    with before_commits(house.portal, store_nothing), pytest.raises(OSError, match="No space"):
        await job.run(house.portal.context)
    (run,) = await house.runs()
    assert (len(house.messages.sent), run.told, run.failed, run.ended_at) == (1, 0, 1, None)
    assert all(row.told_at is None for row in await house.people())


async def runs_until_killed(house: House, at: int) -> bool:
    """Runs once, and kills the service at a step: each commit is one, and before and after each
    message is one. Returns whether there were that many steps."""
    steps = 0

    def kill() -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            raise Killed

    house.messages.before = house.messages.after = kill
    with before_commits(house.portal, kill):
        try:
            await job.run(house.portal.context)
        except Killed:
            return True
    return False


async def test_killed_at_any_step_a_run_counts_no_message_that_was_not_sent(tmp_path: Path):
    for at in range(1, 7):
        async with open_portal(tmp_path / str(at)) as portal:
            house = House(portal)
            await house.unused(days=340)
            assert await runs_until_killed(house, at)
            (row,) = await house.people()
            assert row.told_at is None or house.warnings()
            portal.pass_time(A_DAY)
            await house.round()
            (row,) = await house.people()
            assert row.told_at is not None
            assert 1 <= len(house.warnings()) <= 2
            *killed, last = await house.runs()
            assert last.ended_at is not None
            assert all(run.ended_at is None and run.told + run.failed <= 1 for run in killed)
            assert sum(run.told for run in [*killed, last]) <= len(house.warnings())
    async with open_portal(tmp_path / "all") as portal:
        house = House(portal)
        await house.unused(days=340)
        assert not await runs_until_killed(house, 7)


async def test_killed_at_any_step_of_a_deletion_it_is_done_as_a_whole_or_by_the_next_run(
    tmp_path: Path,
):
    for at in range(1, 7):
        async with open_portal(tmp_path / str(at)) as portal:
            house = House(portal)
            end = await house.unused()
            await house.until(end - A_DAY)
            portal.pass_time(A_DAY)
            assert await runs_until_killed(house, at)
            people = await house.people()
            async with portal.database.session() as session:
                receipts = (await session.scalars(select(ReceiptRow))).all()
            deleted = sum(run.deleted for run in await house.runs())
            assert len(receipts) == deleted == 1 - len(people)
            portal.pass_time(A_DAY)
            await house.round()
            assert await house.people() == []
            assert sum(run.deleted for run in await house.runs()) == 1


async def test_a_deletion_waits_for_a_payment(house: House):
    person = await house.portal.account(PHONE)
    end = ends_at(house.portal.now, 12)
    house.portal.pass_time(330 * A_DAY)
    bought = await house.portal.buy(person, outcome="pending")
    await house.until(end + 3 * A_DAY)
    assert len(await house.people()) == 1
    last = (await house.runs())[-1]
    assert (last.deleted, last.failed) == (0, 1)
    assert last.fault == "a payment is still being completed"
    async with house.portal.database.session() as session:
        (await session.get_one(PurchaseRow, bought.id)).outcome = "approved"
        await session.commit()
    await house.live(A_DAY)
    assert await house.people() == []


async def test_a_use_while_the_message_is_on_its_way_counts(house: House):
    person = await house.portal.account(PHONE)
    house.portal.pass_time(340 * A_DAY)
    send = house.messages.send

    async def use_meanwhile(phone: str, text: str) -> None:
        await house.use(person)
        await send(phone, text)

    house.messages.send = use_meanwhile
    await house.round()
    (row,) = await house.people()
    assert (row.used_at, row.told_at) == (house.portal.now, None)
    (run,) = await house.runs()
    assert (run.told, run.failed) == (1, 0)


# A service that was off, and its clock


async def test_after_two_years_off_everybody_is_told_first(house: House):
    phones = [f"+141555501{number:02}" for number in range(8)]
    for phone in phones:
        await house.portal.account(phone)
    house.portal.pass_time(2 * A_YEAR)
    await house.round()
    back = house.portal.now
    assert len(await house.people()) == 8
    assert all(house.warnings(phone) == [back] for phone in phones)
    await house.until(back + NOTICE - timedelta(hours=1))
    assert len(await house.people()) == 8
    await house.live(6 * A_DAY)
    assert await house.people() == []
    for phone in phones:
        first, second = house.warnings(phone)
        assert second - first >= NOTICE - LAST_NOTICE


async def test_a_clock_that_steps_forward_and_back_tells_and_deletes_nobody_early(house: House):
    end = await house.unused(days=10)
    await house.live(10 * A_DAY)
    right = house.portal.now
    for leap in (A_YEAR, 2 * A_YEAR, 40 * A_YEAR, 380 * A_DAY):
        house.portal.now = right + leap
        await house.round()
        assert len(await house.people()) == 1
        house.portal.now = right
        await house.round()
    house.messages.sent.clear()
    await house.live(12 * A_DAY)
    house.portal.now = end - NOTICE - 5 * A_DAY
    await house.live(2 * A_DAY)
    assert house.warnings() == []
    await house.until(end + A_DAY)
    first, second = house.warnings()
    assert second - first >= NOTICE - LAST_NOTICE
    assert await house.people() == []


@pytest.mark.parametrize("leap", [A_DAY, 3 * A_DAY, 5 * A_YEAR])
async def test_a_step_of_the_clock_does_not_shorten_the_last_notice(house: House, leap: timedelta):
    end = await house.unused()
    await house.until(end - LAST_NOTICE - A_DAY)
    assert len(house.warnings()) == 2
    for _ in range(6):
        await house.live(A_DAY)
        right = house.portal.now
        house.portal.now = right + leap
        await house.round()
        assert len(await house.people()) == 1, "deleted by a clock that was wrong"
        house.portal.now = right
    assert house.portal.now == end - 2 * A_DAY
    await house.live(12 * A_DAY)
    assert await house.people() == []


async def test_a_use_while_the_clock_is_behind_counts(house: House):
    person = await house.portal.account(PHONE)
    house.portal.pass_time(300 * A_DAY)
    await house.round()
    right = house.portal.now
    house.portal.now = right - A_YEAR
    await house.use(person)
    await house.portal.account(OTHER)
    await house.round()
    house.portal.now = right
    for row in await house.people():
        assert row.used_at >= right - A_DAY
    house.portal.pass_time(A_YEAR - 40 * A_DAY)
    await house.round()
    assert house.messages.sent == []


async def test_a_use_while_the_clock_was_ahead_is_corrected(house: House):
    person = await house.portal.account(PHONE)
    await house.live(2 * A_DAY)
    right = house.portal.now
    house.portal.now = right + 10 * A_YEAR
    await house.round()
    await house.use(person)
    house.portal.now = right
    await house.live((RUNS_BETWEEN + 2) * A_DAY)
    (row,) = await house.people()
    assert right <= row.used_at <= house.portal.now


async def test_a_clock_that_is_behind_for_a_day_corrects_nothing_wrongly(house: House):
    person = await house.portal.account(PHONE)
    await house.live(10 * A_DAY)
    await house.use(person)
    right = house.portal.now
    house.portal.now = right - A_YEAR
    await house.round()
    house.portal.now = right
    await house.round()
    (row,) = await house.people()
    assert row.used_at == right


HAPPENS = ("day", "day", "day", "week", "week", "off", "ahead", "behind", "away", "use")


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HAPPENS), st.integers(1, 500)), min_size=8, max_size=14))
def test_whatever_happens_nobody_is_deleted_before_the_day_that_they_were_told(
    happens: list[tuple[str, int]],
):
    """The clock is wrong for a round at a time, once a day at most."""

    async def live(root: Path) -> None:
        async with open_portal(root) as portal:
            house = House(portal)
            person = await portal.account(PHONE)
            used = portal.now
            portal.pass_time(330 * A_DAY)
            for what, days in happens:
                right = portal.now
                house.messages.away = what == "away"
                if what in ("ahead", "behind"):
                    house.messages.really = right
                    portal.now += days * A_DAY if what == "ahead" else -days * A_DAY
                    await house.round()
                    portal.now, house.messages.really = right, None
                elif what == "use":
                    await house.use(person)
                    used = right
                elif what == "off":
                    portal.pass_time(days * A_DAY)
                await house.live((7 if what == "week" else 1) * A_DAY)
                if not await house.people():
                    told = [at for at in house.warnings() if at >= used]
                    assert portal.now >= ends_at(used, 12) - A_DAY
                    assert len(told) >= 2
                    assert portal.now - told[-1] >= LAST_NOTICE
                    return

    # A clock that is wrong day after day is not told from one that is right.
    assume(sum(what == "ahead" for what, _ in happens) < RUNS_BETWEEN // 2)
    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
