"""Payments through Stripe."""

import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import stripe

from cloud.providers import (
    ABANDONED,
    NO_CARD,
    BadSignature,
    CardOnFile,
    CardSaved,
    Declined,
    Dispute,
    Event,
    FailedRefund,
    HolderAsked,
    HostedPage,
    Movement,
    NoPages,
    NotPaid,
    NotRefunded,
    PageLapsed,
    PageOpen,
    PageState,
    Paid,
    ProviderUnavailable,
    Readers,
    Refunded,
    Settled,
    stripe_intents,
    stripe_units,
)
from cloud.providers.stripe_errors import is_the_operators, log_refused, translated_errors
from cloud.providers.stripe_readers import StripeReaders, on_file
from cloud.telemetry.measures import SILENT, Telemetry
from protocol.card_number import may_hold_number
from protocol.messages import AUTHENTICATION_REQUIRED, Card, Chargeable, Money

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
CLOCK_SKEW = timedelta(minutes=5)
"""How far Stripe's clock may be behind ours."""


TOLERANCE_S = 300
"""How old the signature of an event may be, in seconds, as Stripe recommends."""
HEARD = {
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_method.automatically_updated",
    "terminal.reader.action_failed",
    "terminal.reader.action_succeeded",
    "payment_method.updated",
    "refund.failed",
}
"""The kinds of events that are listened to (https://docs.stripe.com/api/events/types)."""


OBJECTS = {
    "account",
    "charges",
    "checkout",
    "customers",
    "disputes",
    "payment_intents",
    "payment_methods",
    "refunds",
    "setup_intents",
    "terminal",
}
"""What the requests are about of which it is measured how long they take, by the word in their
address. The rest of an address names payments and customers."""


class _Http(stripe.HTTPXClient):
    """Measures how long Stripe takes."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(timeout=TIMEOUT_S)
        self._telemetry = telemetry

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        words = urlsplit(url).path.split("/")
        about = next((word for word in words if word in OBJECTS), "other")
        with self._telemetry.provider(f"{method.upper()} {about}") as heard:
            content, status, told = await super().request_async(method, url, headers, post_data)
            heard(status < 500 and status != 429)
        return content, status, told


class StripeProvider:
    """Charges through the Stripe API: a card on file is a customer with one payment method, a
    purchase is a PaymentIntent, and a refund is a Refund of it."""

    name = "stripe"
    beginning: ClassVar[Any] = {
        # What else the dashboard allows might lead the shopper away.
        "payment_method_types": ["card"]
    }
    finishing: ClassVar[Any] = {"off_session": True}
    """Tells the card's issuer that its holder cannot answer a question."""
    connects: ClassVar[bool] = True
    """Whether payments can be made for connected accounts (https://docs.stripe.com/connect)."""

    def __init__(
        self,
        key: str,
        url: str | None,
        *,
        webhook_secret: str | None = None,
        return_url: str | None = None,
        telemetry: Telemetry = SILENT,
    ) -> None:
        """`webhook_secret` verifies events. `return_url` is where a phone goes once a card was
        saved or a payment confirmed on a page of Stripe's: without it there are no such pages."""
        self.url = url
        self._webhook_secret = webhook_secret
        self._return_url = return_url
        self._http = _Http(telemetry)
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": url} if url else {},
            http_client=self._http,
            max_network_retries=2,
        )
        self._readers = StripeReaders(self._client)
        self._checkout = self._client
        """Opens pages (https://docs.stripe.com/api/checkout/sessions)."""

    @property
    def readers(self) -> Readers | None:
        return self._readers

    def chargeable(self, currency: str) -> Chargeable | None:
        return stripe_units.chargeable(currency)

    async def keep(self, token: str, reference: str) -> CardOnFile:
        with translated_errors():
            method = await self._method(token, reference)
            customer = await self._customer(reference)
            kept = on_file(method, customer)
            assert kept is not None
            await self._client.v1.payment_methods.attach_async(kept.method, {"customer": customer})
        return kept

    async def open_page(self, reference: str, back: str | None = None) -> HostedPage:
        if (back or self._return_url) is None:
            raise NoPages(
                "cards cannot be saved by phone. Set return_url under [payments] in settings.toml."
            )
        with translated_errors():
            asked: Any = {
                "mode": "setup",
                "customer": await self._customer(reference),
                "payment_method_types": ["card"],
                "success_url": back or self._return_url,
                "metadata": {"reference": reference},
                **({"cancel_url": back} if back else {}),
            }
            session = await self._checkout.v1.checkout.sessions.create_async(
                asked, {"idempotency_key": f"page-{reference}"}
            )
        assert session.url is not None
        return HostedPage(session.id, session.url)

    async def look_at_page(self, name: str) -> PageState:
        asked: Any = {"expand": ["setup_intent.payment_method"]}
        with translated_errors():
            try:
                session = await self._checkout.v1.checkout.sessions.retrieve_async(name, asked)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return PageLapsed()
        if session.status == "open":
            return PageOpen()
        customer = session.customer
        method: Any = getattr(session.setup_intent, "payment_method", None)
        kept = on_file(method, customer) if isinstance(customer, str) else None
        if session.status != "complete" or kept is None:
            return PageLapsed()
        holder = getattr(getattr(method, "billing_details", None), "name", None)
        if holder is not None and may_hold_number(holder):
            # Somebody typed it into the wrong field.
            holder = None
        return CardSaved(kept, holder)

    async def look_at_card(self, card: CardOnFile) -> CardOnFile | None:
        with translated_errors():
            try:
                kept = await self._client.v1.payment_methods.retrieve_async(card.method)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return None
        return on_file(kept, card.customer)

    async def look_at_dispute(self, name: str) -> Dispute | None:
        with translated_errors():
            try:
                dispute = await self._client.v1.disputes.retrieve_async(name)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return None
        payment = dispute.payment_intent
        return Dispute(payment, dispute.status) if isinstance(payment, str) else None

    async def failed_refund(self, name: str) -> FailedRefund | None:
        with translated_errors():
            try:
                refund = await self._client.v1.refunds.retrieve_async(name)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return None
        reference = _name_of(refund)
        if refund.status != "failed" or reference is None:
            return None
        return FailedRefund(reference, _why_failed(refund))

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        if self._webhook_secret is None:
            raise BadSignature("no webhook_secret is set under [payments]")
        try:
            # A body that is not text is a ValueError, a signature that is not ASCII a TypeError.
            stripe.WebhookSignature.verify_header(
                body.decode(),
                headers.get("stripe-signature", ""),
                self._webhook_secret,
                TOLERANCE_S,
            )
        except (stripe.SignatureVerificationError, TypeError, ValueError):
            raise BadSignature("the signature is wrong or too old") from None
        try:
            told = json.loads(body)
            event = Event(str(told["id"]), str(told["type"]), str(told["data"]["object"]["id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return event if event.kind in HEARD else None

    async def forget(self, customer: str, method: str) -> None:
        with translated_errors(), contextlib.suppress(stripe.InvalidRequestError):
            await self._client.v1.payment_methods.detach_async(method)
        await self._delete(customer)

    async def forget_kept(self, reference: str, since: datetime) -> None:
        # Listing is exact at once. Stripe's search is not, and its idempotency keys last for a day.
        with translated_errors():
            customers = await self._customers(reference, since)
            for customer in customers:
                reader = getattr(customer.metadata, "reader", None)
                if reader is not None:
                    await self._readers.give_up(reader, customer.id)
                await self._shut_pages(customer.id)
            cards = [
                (customer.id, method.id)
                for customer in customers
                for method in (
                    await self._client.v1.payment_methods.list_async(
                        {"customer": customer.id, "type": "card"}
                    )
                ).data
            ]
        for customer, method in cards:
            await self.forget(customer, method)
        for customer in {each.id for each in customers} - {customer for customer, _ in cards}:
            await self._delete(customer)

    async def begin(
        self, amount: Money, card: CardOnFile, purchase_id: str, account: str | None = None
    ) -> str:
        how = {"customer": card.customer, "payment_method": card.method, **self.beginning}
        return await self._begin(amount, purchase_id, account, how)

    async def begin_with_token(
        self, amount: Money, token: str, purchase_id: str, account: str | None = None
    ) -> tuple[str, Card]:
        with translated_errors():
            method = await self._method(token, purchase_id)
        how = {"payment_method": method.id, **self.beginning}
        payment = await self._begin(amount, purchase_id, account, how)
        return payment, Card(brand=method.card.brand, last4=method.card.last4)

    async def _begin(
        self, amount: Money, purchase_id: str, account: str | None, how: Mapping[str, Any]
    ) -> str:
        account = account if self.connects else None
        return await stripe_intents.begin(self._client, amount, purchase_id, account, how)

    async def finish(self, payment: str, *, asks_holder: bool = False) -> Settled | HolderAsked:
        with translated_errors():
            intent = await self._client.v1.payment_intents.retrieve_async(payment)
            if intent.status == "requires_capture":
                return await self._capture(payment)
            if intent.status == "requires_confirmation":
                confirmed = await self._confirm(intent, f"finish-{payment}", self.finishing)
                if not isinstance(confirmed, stripe.PaymentIntent):
                    if not (asks_holder and confirmed == Declined(AUTHENTICATION_REQUIRED)):
                        return await self._cancel(payment, confirmed)
                    confirmed = await self._client.v1.payment_intents.retrieve_async(payment)
                intent = confirmed
            return await (self._asked(intent) if asks_holder else self._settled(intent))

    async def _asked(self, intent: stripe.PaymentIntent) -> Settled | HolderAsked:
        """Returns the outcome of a payment, or where its holder confirms it when the bank wants
        that. What the bank has refused because the holder was not there is confirmed again as one
        whose holder is (https://docs.stripe.com/payments/3d-secure/authentication-flow)."""
        refused = intent.last_payment_error
        method = getattr(getattr(refused, "payment_method", None), "id", None)
        if (
            intent.status == "requires_payment_method"
            and _decline_code(refused) == AUTHENTICATION_REQUIRED
            and method is not None
            and self._return_url is not None
        ):
            asked = {"payment_method": method, "return_url": self._return_url}
            confirmed = await self._confirm(intent, f"ask-{intent.id}", asked)
            if not isinstance(confirmed, stripe.PaymentIntent):
                return await self._cancel(intent.id, confirmed)
            intent = confirmed
        url = self._where_holder_confirms(intent) if intent.status == "requires_action" else None
        return await self._settled(intent) if url is None else HolderAsked(url)

    def _where_holder_confirms(self, intent: stripe.PaymentIntent) -> str | None:
        return getattr(getattr(intent.next_action, "redirect_to_url", None), "url", None)

    async def _confirm(
        self, intent: stripe.PaymentIntent, key: str, how: Any
    ) -> stripe.PaymentIntent | Declined | NotPaid:
        """Confirms a payment, with an idempotency key. Returns why it was not charged where Stripe
        refuses it."""
        try:
            return await self._client.v1.payment_intents.confirm_async(
                intent.id, how, {"idempotency_key": key}
            )
        except stripe.CardError as error:
            return Declined(_decline_code(error.error) or "card_declined")
        except stripe.StripeError as error:
            if not is_the_operators(error):
                raise
            return NotPaid(log_refused(error))

    async def abandon(self, payment: str) -> Settled:
        with translated_errors():
            intent = await self._client.v1.payment_intents.retrieve_async(payment)
            if intent.status in ("requires_confirmation", "requires_capture"):
                return await self._cancel(payment, NotPaid(ABANDONED))
            return await self._settled(intent)

    async def refund(
        self, payment: str, amount: Money, refund_id: str, account: str | None = None
    ) -> Refunded | NotRefunded:
        try:
            units = stripe_units.refund_in_stripes_units(amount)
        except ValueError:
            log.error("an amount that Stripe does not count is not refunded")
            return NotRefunded("not_chargeable")
        with translated_errors():
            # An idempotency key lasts for a day, and a refund may be asked for again later.
            try:
                made = await self._refunds(payment)
            except stripe.InvalidRequestError as error:
                # localstripe gives no code.
                if error.code != "resource_missing" and error.http_status != 404:
                    raise
                # The payment was made with another account's key.
                return NotRefunded(log_refused(error))
            refund = next((each for each in made if _name_of(each) == refund_id), None)
            if refund is None:
                try:
                    refund = await self._make_refund(payment, units, refund_id, account, made)
                except stripe.StripeError as error:
                    if not (is_the_operators(error) or isinstance(error, stripe.CardError)):
                        raise
                    return NotRefunded(log_refused(error))
            if refund.status == "requires_action":
                # Nobody would answer, and it would stay open.
                refund = await self._client.v1.refunds.cancel_async(refund.id)
        return _refund_outcome(refund)

    async def movements(self, since: datetime, until: datetime) -> list[Movement]:
        asked: Any = {"limit": 100, **self._made(since, until)}
        with translated_errors():
            intents = await self._client.v1.payment_intents.list_async(asked)
            paid = [each async for each in intents.auto_paging_iter() if each.status == "succeeded"]
            listed = await self._client.v1.refunds.list_async(asked)
            returned = [
                each
                async for each in listed.auto_paging_iter()
                if each.status in ("succeeded", "pending")
            ]
        moved = [_movement("sale", each.id, each) for each in paid]
        moved += [_movement("refund", _name_of(each) or each.id, each) for each in returned]
        return [each for each in moved if since <= each.at < until]

    async def _settled(self, intent: stripe.PaymentIntent) -> Settled:
        """Returns the outcome of a payment. One that waits for its holder or for another card is
        cancelled first, because nobody would answer and it would stay open."""
        if intent.status == "requires_action":
            return await self._cancel(intent.id, Declined(AUTHENTICATION_REQUIRED))
        if intent.status == "requires_payment_method":
            return await self._cancel(intent.id, _last_error(intent) or NotPaid(NO_CARD))
        return _outcome(intent, _last_error(intent) or NotPaid(ABANDONED))

    async def _capture(self, payment: str) -> Settled:
        """Charges a payment to which the issuer has agreed at a reader."""
        try:
            intent = await self._client.v1.payment_intents.capture_async(
                payment, None, {"idempotency_key": f"capture-{payment}"}
            )
        except stripe.StripeError as error:
            if not (is_the_operators(error) or isinstance(error, stripe.CardError)):
                raise
            return await self._cancel(payment, NotPaid(log_refused(error)))
        return _outcome(intent, NotPaid(ABANDONED))

    async def _cancel(self, payment: str, why: Declined | NotPaid) -> Settled:
        """Cancels a payment and returns its outcome: `why`, unless it was charged meanwhile."""
        try:
            intent = await self._client.v1.payment_intents.cancel_async(payment)
        except stripe.InvalidRequestError:
            # It can no longer be cancelled: it was charged or cancelled, or is being processed.
            intent = await self._client.v1.payment_intents.retrieve_async(payment)
        return _outcome(intent, why)

    async def close(self) -> None:
        await self._http.close_async()

    async def _method(self, token: str, reference: str) -> Any:
        """Returns the new payment method."""
        return await self._client.v1.payment_methods.create_async(
            {"type": "card", "card": {"token": token}},
            {"idempotency_key": f"method-{reference}"},
        )

    async def _customer(self, reference: str) -> str:
        """Returns the name of the customer with a reference, who is made when there is none."""
        customer = await self._client.v1.customers.create_async(
            {"metadata": {"reference": reference}},
            {"idempotency_key": f"customer-{reference}"},
        )
        return customer.id

    async def _shut_pages(self, customer: str) -> None:
        """Shuts the open pages of a customer, so that no card is saved there any more."""
        asked: Any = {"customer": customer, "status": "open", "limit": 100}
        try:
            listed = await self._checkout.v1.checkout.sessions.list_async(asked)
        except stripe.PermissionError:
            # A restricted key that may not open pages has opened none.
            return
        for session in listed.data:
            # One on which a card was saved meanwhile cannot be shut.
            with contextlib.suppress(stripe.InvalidRequestError):
                await self._checkout.v1.checkout.sessions.expire_async(session.id)

    async def _customers(self, reference: str, since: datetime | None) -> list[stripe.Customer]:
        """Returns the customers with a reference who were made since that time."""
        asked: Any = {"limit": 100, **self._made(since)}
        listed = await self._client.v1.customers.list_async(asked)
        return [
            customer
            async for customer in listed.auto_paging_iter()
            if getattr(customer.metadata, "reference", None) == reference
        ]

    async def _refunds(self, payment: str) -> list[stripe.Refund]:
        """Returns all refunds of a payment."""
        asked: Any = {"payment_intent": payment, "limit": 100}
        listed = await self._client.v1.refunds.list_async(asked)
        return [refund async for refund in listed.auto_paging_iter()]

    async def _make_refund(
        self,
        payment: str,
        units: int,
        refund_id: str,
        account: str | None,
        earlier: Sequence[stripe.Refund],
    ) -> stripe.Refund:
        """Makes a refund in Stripe's units of a payment that has these earlier ones."""
        del earlier  # Stripe itself refunds no more than was paid.
        parameters: Any = {
            "payment_intent": payment,
            "amount": units,
            "metadata": {"refund": refund_id},
        }
        if account is not None and self.connects:
            # Without it the operator's own balance would pay what the merchant was paid.
            parameters["reverse_transfer"] = True
        return await self._client.v1.refunds.create_async(
            parameters, {"idempotency_key": f"refund-{refund_id}"}
        )

    def _made(self, since: datetime | None, until: datetime | None = None) -> Any:
        """Returns the parameter that asks for what was made since and until these times."""
        created: dict[str, int] = {}
        if since is not None:
            created["gte"] = int((since - CLOCK_SKEW).timestamp())
        if until is not None:
            created["lt"] = int((until + CLOCK_SKEW).timestamp())
        return {"created": created} if created else {}

    async def _delete(self, customer: str) -> None:
        with translated_errors(), contextlib.suppress(stripe.InvalidRequestError):
            await self._client.v1.customers.delete_async(customer)


def _movement(
    kind: Literal["sale", "refund"], name: str, made: stripe.PaymentIntent | stripe.Refund
) -> Movement:
    goes_to = getattr(made, "transfer_data", None)
    return Movement(
        kind=kind,
        name=name,
        amount=stripe_units.from_stripes_units(made.amount, made.currency),
        account=getattr(goes_to, "destination", None),
        at=datetime.fromtimestamp(made.created, UTC),
    )


def _outcome(intent: stripe.PaymentIntent, why: Declined | NotPaid) -> Settled:
    """Returns the outcome of a payment; `why` it was not charged, when it is cancelled.

    Raises ProviderUnavailable while it is open.
    """
    if intent.status == "succeeded":
        return Paid()
    if intent.status == "canceled":
        return why
    raise ProviderUnavailable(f"the payment is still open: {intent.status}")


def _refund_outcome(refund: stripe.Refund) -> Refunded | NotRefunded:
    """Returns the outcome of a refund. Raises ProviderUnavailable while it is open."""
    match refund.status:
        case "succeeded":
            return Refunded()
        case "pending":
            log.info(
                "Stripe has taken a refund on; should it fail later, refund.failed and the "
                "dashboard tell it"
            )
            return Refunded()
        case "failed" | "canceled":
            return NotRefunded(_why_failed(refund))
        case status:
            raise ProviderUnavailable(f"the refund is still open: {status}")


def _why_failed(refund: stripe.Refund) -> str:
    return getattr(refund, "failure_reason", None) or refund.status or "failed"


def _name_of(refund: stripe.Refund) -> str | None:
    """Returns the name that this service gave to a refund; None for one that was made elsewhere."""
    return getattr(refund.metadata, "refund", None)


def _last_error(intent: stripe.PaymentIntent) -> Declined | NotPaid | None:
    """Returns why the last attempt to charge failed, None when there was none."""
    error = intent.last_payment_error
    if error is None:
        return None
    code = _decline_code(error)
    # A failed authentication of the holder counts as an invalid request at Stripe. localstripe
    # gives no types.
    if getattr(error, "type", "card_error") == "card_error" or "authentication" in (code or ""):
        return Declined(code or "card_declined")
    return NotPaid(code or "not_charged")


def _decline_code(error: Any) -> str | None:
    return error and (getattr(error, "decline_code", None) or getattr(error, "code", None))
