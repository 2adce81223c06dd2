"""Simulated payments with Stripe's test cards: localstripe runs as a child process on loopback."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import stripe

from cloud.providers import CardRefused
from cloud.providers.stripe import StripeProvider
from cloud.telemetry.measures import SILENT, Telemetry
from protocol.messages import Card, Money
from protocol.program import PACKAGED

log = logging.getLogger(__name__)

INSTALLED = Path("/usr/lib/palm-kiosk-sandbox/bin/python")
"""What runs localstripe where this program is packaged: its licence is another one, and so are its
interpreter and its package."""
START_S = 30.0
STOP_S = 2.0
PAUSE_S = 0.5
FAILS_AFTER = 3
"""So many ends before the first answer mean that it will not start."""

_TEST_CARDS = {
    "tok_visa": ("4242424242424242", "visa"),
    "tok_mastercard": ("5555555555554444", "mastercard"),
    "tok_chargeCustomerFail": ("4000000000000341", "visa"),
    "tok_threeDSecureRequired": ("4000002760003184", "visa"),
    "tok_chargeDeclined": ("4000000000000002", "visa"),
}
"""Numbers and brands of Stripe's test cards by token. localstripe knows no tokens and calls every
card a Visa."""


class SandboxMissing(RuntimeError):
    """localstripe is not installed."""


class SandboxBroken(RuntimeError):
    """localstripe does not start: the message tells the remedy."""


class SandboxProvider(StripeProvider):
    """Speaks to localstripe at `url`."""

    # localstripe knows neither this parameter nor connected accounts.
    finishing: ClassVar[Any] = {}
    connects: ClassVar[bool] = False

    def __init__(
        self, url: str, pages_url: str | None = None, *, telemetry: Telemetry = SILENT
    ) -> None:
        """`pages_url` is where `cloud.providers.sandbox_pages` listens."""
        back = pages_url and f"{pages_url}/saved"
        super().__init__("sk_test_sandbox", url, return_url=back, telemetry=telemetry)
        self._pages_url = pages_url
        self._references: set[str] | None = None
        """The references that a customer may have been made for, once they were listed."""
        if pages_url is not None:
            self._checkout = stripe.StripeClient(
                "sk_test_sandbox", base_addresses={"api": pages_url}, http_client=self._http
            )

    @property
    def readers(self) -> None:
        return None  # localstripe has none

    async def _method(self, token: str, reference: str) -> Any:
        del reference  # localstripe knows no idempotency keys
        if token not in _TEST_CARDS:
            raise CardRefused("not one of the test cards")
        number, brand = _TEST_CARDS[token]
        method = await self._client.v1.payment_methods.create_async(
            {
                "type": "card",
                "card": {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"},
            }
        )
        assert method.card is not None
        method.card.brand = brand
        return method

    async def begin_with_token(
        self, amount: Money, token: str, purchase_id: str, account: str | None = None
    ) -> tuple[str, Card]:
        if token == "tok_chargeDeclined":  # noqa: S105 - a test token of Stripe's
            # localstripe declines it only where it is kept.
            raise CardRefused("declined")
        return await super().begin_with_token(amount, token, purchase_id, account)

    async def _shut_pages(self, customer: str) -> None:
        if self._pages_url is not None:
            await super()._shut_pages(customer)

    def _where_holder_confirms(self, intent: stripe.PaymentIntent) -> str | None:
        return self._pages_url and f"{self._pages_url}/p/{intent.id}"

    async def _customer(self, reference: str) -> str:
        # localstripe knows no idempotency keys: an earlier call may have made the customer.
        if self._references is None:
            self._references = {each async for each in self._all_references()}
        if reference in self._references:
            for customer in await self._customers(reference, None):
                return customer.id
        self._references.add(reference)
        return await super()._customer(reference)

    async def _all_references(self) -> AsyncIterator[str]:
        listed = await self._client.v1.customers.list_async({"limit": 100})
        async for customer in listed.auto_paging_iter():
            reference: Any = getattr(customer.metadata, "reference", None)
            if reference is not None:
                yield reference

    async def _make_refund(
        self,
        payment: str,
        units: int,
        refund_id: str,
        account: str | None,
        earlier: Sequence[stripe.Refund],
    ) -> stripe.Refund:
        # localstripe refunds more than was paid.
        intent = await self._client.v1.payment_intents.retrieve_async(payment)
        if sum(refund.amount for refund in earlier) + units > intent.amount:
            raise stripe.InvalidRequestError(
                "more than was paid", "amount", "charge_already_refunded", http_status=400
            )
        return await super()._make_refund(payment, units, refund_id, account, earlier)

    def _made(self, since: datetime | None, until: datetime | None = None) -> Any:
        return {}  # localstripe lists everything or nothing


class Sandbox:
    """Runs localstripe, which keeps its state in `directory`.

    `async with Sandbox(directory) as sandbox` runs it at `sandbox.url` and starts it again when it
    dies. Raises SandboxMissing when it is not installed, and SandboxBroken when it does not start.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, self._pages_port = _free_port(), _free_port()
        self._ends = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pages_url(self) -> str:
        return f"http://127.0.0.1:{self._pages_port}"

    async def __aenter__(self) -> "Sandbox":
        interpreter = _interpreter()
        if interpreter is None:
            raise SandboxMissing(
                "localstripe is not installed. Install the package palm-sandbox or the extra "
                "`sandbox`, or give a Stripe key."
            )
        self._keeper = asyncio.create_task(self._keep(interpreter))
        try:
            async with asyncio.timeout(START_S):
                while not await self._answers():
                    if self._ends >= FAILS_AFTER:
                        raise self._broken()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.__aexit__()
            raise self._broken() from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    def _broken(self) -> SandboxBroken:
        state = self._directory / "localstripe.pickle"
        return SandboxBroken(
            f"the simulated payment provider does not start. If {state} is damaged, restore it "
            "from a backup, or move it away to begin with no cards and payments."
        )

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper

    async def _keep(self, interpreter: Path) -> None:
        # Libraries of a packaged program are not those of that interpreter.
        kept = {n: value for n, value in os.environ.items() if not n.startswith(("_PYI", "LD_"))}
        while True:
            program = [str(interpreter), "-m", "cloud.providers.localstripe"]
            options = ["--directory", str(self._directory), "--port", str(self._port)]
            options += ["--pages-port", str(self._pages_port)]
            process = await asyncio.create_subprocess_exec(
                *program,
                *options,
                env=kept,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), STOP_S)
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            self._ends += 1
            log.warning("the simulated payment provider is gone; starting it again")
            await asyncio.sleep(PAUSE_S)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


def _interpreter() -> Path | None:
    """Returns what runs localstripe, None where it is not installed."""
    if PACKAGED:
        return INSTALLED if INSTALLED.exists() else None
    return Path(sys.executable) if find_spec("localstripe") is not None else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
