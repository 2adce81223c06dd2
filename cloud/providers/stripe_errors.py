"""What Stripe's errors mean to the service. Their messages quote what was sent, and go nowhere."""

import contextlib
import logging
import re
from collections.abc import Generator

import stripe

from cloud.providers import CardRefused, ProviderSilent, ProviderUnavailable

log = logging.getLogger(__name__)


def is_the_operators(error: stripe.StripeError) -> bool:
    """Returns whether Stripe refused a request for good, and not for the card's sake: the settings
    or this service are wrong. A conflict (409) and too many requests (429) pass by themselves."""
    status = error.http_status or 0
    passes = status == 409 or isinstance(error, stripe.RateLimitError)
    return 400 <= status < 500 and not passes and not isinstance(error, stripe.CardError)


def log_refused(error: stripe.StripeError) -> str:
    """Tells the operator what Stripe refused, and returns Stripe's code for it. The message is left
    out, because it quotes what was sent."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    code = error.code or kind
    remedy = "Look the request up in Stripe's dashboard."
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        remedy = "Check stripe_key under [payments], and what that key is allowed to do."
    log.error(
        "Stripe refused a request: %s (HTTP status %s, parameter %s, request %s). %s",
        code,
        error.http_status,
        getattr(error, "param", None) or "none",
        error.request_id or "unknown",
        remedy,
    )
    return code


_OF_THE_TOKEN = ("card[token]", "card", "token", "payment_method")
"""The parameters by which Stripe names a token or a card that it does not know."""


@contextlib.contextmanager
def translated_errors() -> Generator[None, None, None]:
    """Raises CardRefused and ProviderUnavailable in place of Stripe's errors, whose messages quote
    what was sent."""
    try:
        yield
    except stripe.CardError:
        raise CardRefused("the provider refused the card") from None
    except stripe.StripeError as error:
        if isinstance(error, stripe.InvalidRequestError) and error.param in _OF_THE_TOKEN:
            raise CardRefused("the provider knows no such card") from None
        if is_the_operators(error):
            raise ProviderUnavailable(
                f"the provider refused a request: {log_refused(error)}"
            ) from None
        kind = type(error).__name__
        if isinstance(error, stripe.APIConnectionError):
            raise ProviderSilent(f"the provider: {kind}") from None
        raise ProviderUnavailable(f"the provider: {kind}") from None
