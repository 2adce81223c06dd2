"""Payments through Stripe."""

import contextlib
from collections.abc import Generator
from typing import Any, ClassVar

import stripe

from cloud.providers import (
    ABANDONED,
    CardOnFile,
    CardRefused,
    Declined,
    Paid,
    ProviderUnavailable,
)
from protocol.messages import Card, Money

TIMEOUT_S = 10.0


class StripeProvider:
    """Charges through the Stripe API: a card on file is a customer with one payment method, and a
    purchase is a PaymentIntent."""

    beginning: ClassVar[Any] = {
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}
    }
    finishing: ClassVar[Any] = {"off_session": True}
    """Tells the card's issuer that its holder cannot answer a question."""

    def __init__(self, key: str, url: str | None) -> None:
        self.url = url
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": url} if url else {},
            http_client=self._http,
            max_network_retries=2,
        )

    async def keep(self, token: str, reference: str) -> CardOnFile:
        with _translated_errors():
            method, card = await self._method(token, reference)
            customer = await self._client.v1.customers.create_async(
                {"metadata": {"reference": reference}},
                {"idempotency_key": f"customer-{reference}"},
            )
            await self._client.v1.payment_methods.attach_async(method, {"customer": customer.id})
        return CardOnFile(card, customer.id, method)

    async def forget(self, customer: str, method: str) -> None:
        with _translated_errors(), contextlib.suppress(stripe.InvalidRequestError):
            await self._client.v1.payment_methods.detach_async(method)
        with _translated_errors(), contextlib.suppress(stripe.InvalidRequestError):
            await self._client.v1.customers.delete_async(customer)

    async def begin(self, amount: Money, card: CardOnFile, purchase_id: str) -> str:
        parameters: Any = {
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "customer": card.customer,
            "payment_method": card.method,
            "metadata": {"purchase": purchase_id},
            **self.beginning,
        }
        with _translated_errors():
            intent = await self._client.v1.payment_intents.create_async(
                parameters, {"idempotency_key": f"begin-{purchase_id}"}
            )
        return intent.id

    async def finish(self, payment: str) -> Paid | Declined:
        with _translated_errors():
            intent = await self._client.v1.payment_intents.retrieve_async(payment)
            if intent.status == "requires_confirmation":
                try:
                    intent = await self._client.v1.payment_intents.confirm_async(
                        payment,
                        self.finishing,
                        {"idempotency_key": f"finish-{payment}"},
                    )
                except stripe.CardError:
                    intent = await self._client.v1.payment_intents.retrieve_async(payment)
        return _outcome(intent)

    async def abandon(self, payment: str) -> Paid | Declined:
        with _translated_errors():
            intent = await self._client.v1.payment_intents.retrieve_async(payment)
            if intent.status == "requires_confirmation":
                intent = await self._client.v1.payment_intents.cancel_async(payment)
        return _outcome(intent)

    async def close(self) -> None:
        await self._http.close_async()

    async def _method(self, token: str, reference: str) -> tuple[str, Card]:
        """Returns the name of the new payment method, and the card as it may be shown."""
        method = await self._client.v1.payment_methods.create_async(
            {"type": "card", "card": {"token": token}},
            {"idempotency_key": f"method-{reference}"},
        )
        assert method.card is not None
        return method.id, Card(brand=method.card.brand, last4=method.card.last4)


def _outcome(intent: stripe.PaymentIntent) -> Paid | Declined:
    if intent.status == "succeeded":
        return Paid()
    if intent.status in ("processing", "requires_capture"):
        raise ProviderUnavailable("the payment is still being processed")
    if intent.status == "canceled":
        return Declined(ABANDONED)
    # The holder cannot answer the issuer's question: a payment that needs an action is declined.
    error = intent.last_payment_error
    code = error and (getattr(error, "decline_code", None) or error.code)
    return Declined(code or "card_declined")


@contextlib.contextmanager
def _translated_errors() -> Generator[None, None, None]:
    """Raises CardRefused and ProviderUnavailable in place of Stripe's errors, whose messages quote
    what was sent."""
    try:
        yield
    except stripe.CardError:
        raise CardRefused("the provider refused the card") from None
    except stripe.InvalidRequestError as error:
        if error.param is not None or error.http_status == 404:
            raise CardRefused("the provider knows no such card") from None
        raise ProviderUnavailable("the provider did not accept the request") from None
    except stripe.StripeError as error:
        raise ProviderUnavailable(f"the provider: {type(error).__name__}") from None
