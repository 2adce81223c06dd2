"""A card reader of Stripe's that Stripe's server drives: `stripe:tmr_…`, by the name that Stripe's
dashboard shows for it (https://docs.stripe.com/terminal/payments/setup-reader).

The kiosk holds no key of Stripe's. It asks the service, which tells the reader what to do, so there
is nothing here that could read a card: the address is all that the kiosk knows of the reader."""

import re
from dataclasses import dataclass

from hardware.address import Address

_NAME = re.compile(r"tmr_[A-Za-z0-9]{4,60}")


@dataclass(frozen=True, slots=True)
class StripeReader:
    """A reader that the service drives."""

    reader: str

    @classmethod
    def at(cls, address: Address) -> "StripeReader":
        """Raises BadAddress."""
        address.known()
        if not _NAME.fullmatch(address.rest):
            raise address.wrong(
                "names no reader of Stripe's",
                "Write stripe:tmr_…, as Stripe's dashboard names it under Terminal.",
            )
        return cls(address.rest)
