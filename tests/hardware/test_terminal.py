import asyncio
import threading

import pytest

from hardware.faults import TemporaryFault
from hardware.terminal import (
    CardRead,
    CardUnreadable,
    SimulatedTerminal,
    StripeReader,
    TestCard,
    terminal_at,
)


def terminal() -> SimulatedTerminal:
    made = terminal_at("sim:")
    assert isinstance(made, SimulatedTerminal)
    return made


async def while_reading(it: SimulatedTerminal, happens: object) -> CardRead:
    """Returns what `read_card` gives when something happens on another thread while it waits."""
    reading = asyncio.create_task(it.read_card())
    await asyncio.sleep(0)
    thread = threading.Thread(target=happens)  # type: ignore[arg-type]
    thread.start()
    try:
        return await reading
    finally:
        thread.join()


@pytest.mark.parametrize("card", TestCard)
def test_a_tapped_card_gives_a_token_and_its_holder(card: TestCard) -> None:
    it = terminal()
    read = asyncio.run(while_reading(it, lambda: it.tap(card)))
    assert read.token.startswith("tok_")
    assert read.holder


def test_neither_token_nor_holder_is_in_what_is_printed_of_a_card() -> None:
    read = CardRead("tok_visa", "Alex Doe")
    assert "tok_visa" not in f"{read!r}{read}"
    assert "Alex" not in f"{read!r}{read}"


def test_a_tap_before_anybody_reads_is_not_kept() -> None:
    it = terminal()
    it.tap(TestCard.DECLINES)
    read = asyncio.run(while_reading(it, lambda: it.tap(TestCard.VISA)))
    assert read.token == "tok_visa"


def test_reading_can_be_cancelled_and_taken_up_again() -> None:
    it = terminal()

    async def twice() -> CardRead:
        first = asyncio.create_task(it.read_card())
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await while_reading(it, lambda: it.tap(TestCard.MASTERCARD))

    assert asyncio.run(twice()).token == "tok_mastercard"


def test_the_next_tap_can_be_told_to_fail_and_only_that_one() -> None:
    it = terminal()
    it.fail_next(CardUnreadable())

    async def twice() -> CardRead:
        with pytest.raises(CardUnreadable):
            await while_reading(it, lambda: it.tap(TestCard.VISA))
        return await while_reading(it, lambda: it.tap(TestCard.VISA))

    assert asyncio.run(twice()).token == "tok_visa"


def test_unplugging_ends_the_reading_that_waits() -> None:
    it = terminal()
    with pytest.raises(TemporaryFault, match="unplugged"):
        asyncio.run(while_reading(it, it.unplug))


def test_an_unplugged_terminal_reads_nothing_until_it_is_plugged_in() -> None:
    it = terminal()
    it.unplug()
    with pytest.raises(TemporaryFault):
        asyncio.run(it.read_card())
    it.plug_in()
    assert asyncio.run(while_reading(it, lambda: it.tap(TestCard.VISA))).token == "tok_visa"


def test_a_terminal_that_nobody_drives_taps_by_itself() -> None:
    terminal = terminal_at("sim:?after=0&card=declines")
    assert isinstance(terminal, SimulatedTerminal)
    read = asyncio.run(terminal.read_card())
    assert read.token == "tok_chargeCustomerFail"


def test_a_reader_of_stripes_is_a_name_and_nothing_that_could_read_a_card() -> None:
    made = terminal_at("stripe:tmr_FDOt2wlRZEdpd7")
    assert made == StripeReader("tmr_FDOt2wlRZEdpd7")
    assert not hasattr(made, "read_card")
