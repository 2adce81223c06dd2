"""A simulated terminal: `sim:` waits for `tap`, and `sim:?after=3&card=visa` taps a test card by
itself after some seconds."""

import asyncio
import threading
from enum import StrEnum

from hardware.address import Address
from hardware.faults import DeviceFault, TemporaryFault
from hardware.terminal.terminal import CardRead, CardUnreadable


class TestCard(StrEnum):
    """Test cards of the payment provider."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    DECLINES = "declines"
    """A card that is accepted at sign-up and declines every purchase."""
    REFUSED = "refused"
    """A card that is declined at sign-up."""

    __test__ = False  # pytest collects every class named Test…


_READS = {
    TestCard.VISA: CardRead("tok_visa", "Alex Doe"),
    TestCard.MASTERCARD: CardRead("tok_mastercard", "Sam Rivera"),
    TestCard.DECLINES: CardRead("tok_chargeCustomerFail", "Kim Novak"),
    TestCard.REFUSED: CardRead("tok_chargeDeclined", "Robin Lee"),
}


class SimulatedTerminal:
    """`tap`, `unplug`, `plug_in` and `fail_next` may be called from any thread."""

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        options = address.known("after", "card")
        self._taps_itself_after = (
            address.number("after", 0, least=0, most=3600) if "after" in options else None
        )
        try:
            self._own_card = TestCard(options.get("card", TestCard.VISA))
        except ValueError:
            cards = ", ".join(TestCard)
            raise address.wrong(f"knows no card '{options['card']}'", f"Use {cards}.") from None
        self._lock = threading.Lock()
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[CardRead]] | None = None
        self._plugged = True
        self._next_fault: CardUnreadable | DeviceFault | None = None

    async def read_card(self) -> CardRead:
        """See `CardTerminal.read_card`."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        with self._lock:
            if not self._plugged:
                raise _unplugged()
            self._waiting = (loop, answer)
        try:
            await asyncio.wait({answer}, timeout=self._taps_itself_after)
            if not answer.done():
                self.tap(self._own_card)
            return await answer
        finally:
            with self._lock:
                self._waiting = None

    def tap(self, card: TestCard) -> None:
        """Presents a card. Nothing happens when the terminal is not waiting for one."""
        with self._lock:
            if self._waiting is not None:
                fault, self._next_fault = self._next_fault, None
                self._answer(fault or _READS[card])

    def fail_next(self, fault: CardUnreadable | DeviceFault) -> None:
        """Makes the next tap end with `fault`."""
        with self._lock:
            self._next_fault = fault

    def unplug(self) -> None:
        with self._lock:
            self._plugged = False
            self._answer(_unplugged())

    def plug_in(self) -> None:
        with self._lock:
            self._plugged = True

    def _answer(self, answer: CardRead | CardUnreadable | DeviceFault) -> None:
        """Needs the lock."""
        if self._waiting is None:
            return
        loop, future = self._waiting

        def deliver() -> None:
            if future.done():
                return
            if isinstance(answer, CardRead):
                future.set_result(answer)
            else:
                future.set_exception(answer)

        loop.call_soon_threadsafe(deliver)


def _unplugged() -> TemporaryFault:
    return TemporaryFault("The card terminal is unplugged.", "Plug it in; it is found by itself.")
