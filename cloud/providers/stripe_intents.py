"""Beginning a payment at Stripe (https://docs.stripe.com/api/payment_intents/create)."""

import logging
from collections.abc import Mapping
from typing import Any

import stripe

from cloud.providers import PaymentRefused, stripe_units
from cloud.providers.stripe_errors import is_the_operators, log_refused, translated_errors
from protocol.messages import Money

log = logging.getLogger(__name__)


async def begin(
    client: stripe.StripeClient,
    amount: Money,
    purchase_id: str,
    account: str | None,
    how: Mapping[str, Any],
) -> str:
    """Makes a PaymentIntent for a purchase, whose money goes to an account where there is one, and
    returns its name. `how` says with which card it is paid. Raises PaymentRefused, CardRefused and
    ProviderUnavailable."""
    try:
        units = stripe_units.in_stripes_units(amount)
    except ValueError:
        log.error("a purchase of an amount that Stripe does not charge is not begun")
        raise PaymentRefused("not_chargeable") from None
    parameters: Any = {
        "amount": units,
        "currency": amount.currency.lower(),
        "metadata": {"purchase": purchase_id},
        **how,
    }
    if account is not None:
        parameters |= {"on_behalf_of": account, "transfer_data": {"destination": account}}
    with translated_errors():
        try:
            intent = await client.v1.payment_intents.create_async(
                parameters, {"idempotency_key": f"begin-{purchase_id}"}
            )
        except stripe.StripeError as error:
            if is_the_operators(error):
                raise PaymentRefused(log_refused(error)) from None
            raise
    return intent.id
