"""Credentials: the numbers by which a site's access controller knows people, as its cards carry
them."""

from enum import StrEnum

from pydantic import Field

from protocol.messages import Message


class CredentialFormat(StrEnum):
    """The formats of card data; the number is that of the bits with their parities."""

    WIEGAND_26 = "wiegand_26"
    WIEGAND_34 = "wiegand_34"
    WIEGAND_35 = "wiegand_35"
    WIEGAND_37 = "wiegand_37"
    RAW_56 = "raw_56"
    RAW_128 = "raw_128"


class Credential(Message):
    """A credential in a site's format."""

    format: CredentialFormat
    facility: int | None = Field(default=None, ge=0, repr=False)
    """The facility code; None in formats without one."""
    number: int = Field(ge=0, repr=False)
    """The card's number; all the bits of a raw format."""
