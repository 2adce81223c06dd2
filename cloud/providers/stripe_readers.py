"""Stripe's card readers, driven by its server: https://docs.stripe.com/terminal and the API of
Terminal.Reader. The card is read, encrypted and judged between the reader and Stripe; what comes
back here is its brand, its last digits and Stripe's names for it."""

import contextlib
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import stripe

from cloud.providers import (
    CardAwaited,
    CardNotSaved,
    CardNotTaken,
    CardOnFile,
    CardSaved,
    CardSaving,
    CardTaken,
    PageLapsed,
    PageOpen,
    Presented,
    ReaderTrouble,
    SavingState,
    stripe_intents,
)
from cloud.providers.stripe_errors import translated_errors
from protocol.card_number import may_hold_number
from protocol.messages import Card, Money, Reader, ReaderFault

_BUSY = "terminal_reader_busy"
_FAULTS = {
    _BUSY: ReaderFault.BUSY,
    "terminal_reader_offline": ReaderFault.OFFLINE,
    "terminal_reader_timeout": ReaderFault.OFFLINE,
    "resource_missing": ReaderFault.UNKNOWN,
}
"""What Stripe's codes mean; every other that begins with `terminal_reader` is NOT_WORKING."""

_OVER = {"succeeded", "canceled"}
"""The states in which a SetupIntent stays."""


class StripeReaders:
    """The readers of one account. A reader is told what to do, and asked how far it is."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    async def look(self, reader: str) -> Reader:
        """See `cloud.providers.Readers.look`."""
        try:
            with _translated():
                found: Any = await self._client.v1.terminal.readers.retrieve_async(reader)
        except ReaderTrouble as trouble:
            return Reader(reader=reader, label="", fault=trouble.fault)
        fault = None
        if getattr(found, "deleted", False):
            fault = ReaderFault.UNKNOWN
        elif getattr(found, "status", None) == "offline":
            fault = ReaderFault.OFFLINE
        elif _is_in_progress(getattr(found, "action", None)):
            fault = ReaderFault.BUSY
        return Reader(reader=reader, label=getattr(found, "label", None) or "", fault=fault)

    async def save_card(self, reader: str, reference: str) -> CardSaving:
        """See `cloud.providers.Readers.save_card`."""
        with translated_errors():
            customer = await self._client.v1.customers.create_async(
                # `give_up` finds by it which reader to stop.
                {"metadata": {"reference": reference, "reader": reader}},
                {"idempotency_key": f"customer-{reference}"},
            )
            wanted: Any = {
                "customer": customer.id,
                "payment_method_types": ["card_present"],
                "usage": "off_session",
            }
            setup = await self._client.v1.setup_intents.create_async(
                wanted, {"idempotency_key": f"setup-{reference}"}
            )
        # The shopper has agreed to pay with this card wherever they show their palm.
        asked: Any = {"setup_intent": setup.id, "allow_redisplay": "always"}
        readers = self._client.v1.terminal.readers
        await self._have(reader, lambda: readers.process_setup_intent_async(reader, asked))
        return CardSaving(setup.id)

    async def look_at_saving(self, reader: str, name: str) -> SavingState:
        """See `cloud.providers.Readers.look_at_saving`."""
        card = "latest_attempt.payment_method_details.card_present.generated_card"
        with translated_errors():
            setup: Any = await self._client.v1.setup_intents.retrieve_async(
                name, {"expand": [card]}
            )
        match setup.status:
            case "succeeded":
                return _saved(setup)
            case "canceled":
                return PageLapsed()
            case "requires_payment_method":
                pass
            case _:
                return PageOpen()
        action = await self._action(reader, name)
        if action is None:
            return PageLapsed()
        if _is_in_progress(action) or action.status == "succeeded":
            # Stripe tells of the card in a moment.
            return PageOpen()
        return CardNotSaved(refused=getattr(setup, "last_setup_error", None) is not None)

    async def begin(self, amount: Money, purchase_id: str, account: str | None = None) -> str:
        """See `cloud.providers.Readers.begin`."""
        # Charged by the service once it knows that the issuer has agreed: a card that is presented
        # in the moment in which nobody waits for it any more is not charged.
        how = {"payment_method_types": ["card_present"], "capture_method": "manual"}
        return await stripe_intents.begin(self._client, amount, purchase_id, account, how)

    async def present(self, reader: str, payment: str) -> None:
        """See `cloud.providers.Readers.present`."""
        readers = self._client.v1.terminal.readers
        asked: Any = {"payment_intent": payment}
        await self._have(reader, lambda: readers.process_payment_intent_async(reader, asked))

    async def look_at_payment(self, reader: str, payment: str) -> Presented:
        """See `cloud.providers.Readers.look_at_payment`."""
        with translated_errors():
            intent: Any = await self._client.v1.payment_intents.retrieve_async(
                payment, {"expand": ["latest_charge"]}
            )
        match intent.status:
            case "requires_capture" | "succeeded":
                charge = getattr(intent, "latest_charge", None)
                return CardTaken(_presented(getattr(charge, "payment_method_details", None)))
            case "requires_payment_method":
                action = None
                with contextlib.suppress(ReaderTrouble):
                    action = await self._action(reader, payment)
                if _is_in_progress(action) or getattr(action, "status", None) == "succeeded":
                    # The payment was asked for first: the card was taken since.
                    return CardAwaited()
            case "canceled":
                pass
            case _:
                return CardAwaited()
        error = getattr(intent, "last_payment_error", None)
        card = _presented(getattr(error, "payment_method", None))
        return CardNotTaken(declined=error is not None, card=card)

    async def give_up(self, reader: str, customer: str) -> None:
        """Has a reader stop waiting for a card of this customer. Raises ProviderUnavailable."""
        asked: Any = {"customer": customer, "limit": 100}
        with translated_errors():
            listed = await self._client.v1.setup_intents.list_async(asked)
        for setup in listed.data:
            if setup.status not in _OVER:
                await self.stop(reader, setup.id)
                # One with which a card was saved meanwhile cannot be cancelled.
                with translated_errors(), contextlib.suppress(stripe.InvalidRequestError):
                    await self._client.v1.setup_intents.cancel_async(setup.id)

    async def stop(self, reader: str, name: str) -> None:
        """See `cloud.providers.Readers.stop`; for what is saved as well. A reader that cannot be
        reached is left: once its intent is cancelled, no card serves it any more."""
        with contextlib.suppress(ReaderTrouble):
            if _is_in_progress(await self._action(reader, name)):
                with _translated():
                    await self._client.v1.terminal.readers.cancel_action_async(reader)

    async def _have(self, reader: str, act: Callable[[], Awaitable[Any]]) -> None:
        """Has a reader begin something. It serves one device, which makes one visit at a time: what
        it still waits for is of a visit before, and is ended. Raises ReaderTrouble."""
        with _translated():
            try:
                await act()
            except stripe.StripeError as error:
                if error.code != _BUSY:
                    raise
                await self._client.v1.terminal.readers.cancel_action_async(reader)
                await act()

    async def _action(self, reader: str, name: str) -> Any:
        """Returns what a reader does about the intent of this name, None when it does something
        else or nothing. Raises ReaderTrouble when there is no such reader."""
        with _translated():
            found: Any = await self._client.v1.terminal.readers.retrieve_async(reader)
        action = getattr(found, "action", None)
        about = action and getattr(action, action.type, None)
        names = (getattr(about, "setup_intent", None), getattr(about, "payment_intent", None))
        return action if name in names else None


def on_file(method: Any, customer: str) -> CardOnFile | None:
    """Returns the card of a payment method, None where it has none."""
    card = getattr(method, "card", None)
    if card is None:
        return None
    year, month = getattr(card, "exp_year", None), getattr(card, "exp_month", None)
    last_month = (year, month) if isinstance(year, int) and isinstance(month, int) else None
    shown = Card(brand=card.brand, last4=card.last4)
    return CardOnFile(shown, customer, method.id, last_month, getattr(card, "fingerprint", None))


def _presented(details: Any) -> Card | None:
    """Returns the card in details of a payment, None when they do not tell it."""
    read = getattr(details, "card_present", None)
    brand, last4 = getattr(read, "brand", None), getattr(read, "last4", None)
    return Card(brand=brand, last4=last4) if brand and last4 else None


def _saved(setup: Any) -> CardSaved | CardNotSaved:
    """Returns the card that can be charged later. Some cards have none, such as those of wallets on
    a phone in some countries."""
    details = getattr(setup.latest_attempt, "payment_method_details", None)
    read = getattr(details, "card_present", None)
    kept = on_file(getattr(read, "generated_card", None), setup.customer)
    if kept is None:
        return CardNotSaved(refused=True)
    holder = getattr(read, "cardholder_name", None)
    return CardSaved(kept, None if holder is None or may_hold_number(holder) else holder)


def _is_in_progress(action: Any) -> bool:
    return getattr(action, "status", None) == "in_progress"


@contextlib.contextmanager
def _translated() -> Generator[None, None, None]:
    """Raises ReaderTrouble, and what `translated_errors` raises, in place of Stripe's errors."""
    with translated_errors():
        try:
            yield
        except stripe.StripeError as error:
            code = error.code or ""
            if code in _FAULTS or code.startswith("terminal_reader"):
                raise ReaderTrouble(_FAULTS.get(code, ReaderFault.NOT_WORKING)) from None
            raise
