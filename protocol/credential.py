"""Credentials: the numbers by which a site's access controller knows people, as its cards carry
them.

The layouts are those that card makers publish: HID's H10301 (26 bits), H10306 (34), Corporate 1000
(35) and H10304 (37). A raw format carries one number and no parity, which is how smart cards give
their serial number or an identifier of the site.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, model_validator

from protocol.messages import Message


class CredentialFormat(StrEnum):
    """The formats of card data; the number is that of the bits with their parities."""

    WIEGAND_26 = "wiegand_26"
    WIEGAND_34 = "wiegand_34"
    WIEGAND_35 = "wiegand_35"
    WIEGAND_37 = "wiegand_37"
    RAW_56 = "raw_56"
    RAW_128 = "raw_128"


@dataclass(frozen=True, slots=True)
class _Parity:
    """A bit at a position that makes the number of ones among the bits it covers, itself included,
    odd or even."""

    at: int
    covers: tuple[int, ...]
    odd: bool


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields stand: facility and number follow each other from `first`. Positions count
    from 0, the bit that is sent first."""

    bits: int
    first: int
    facility: int
    number: int
    parities: tuple[_Parity, ...] = ()
    """In the order in which they are computed: a later one covers earlier ones."""


def _halves(bits: int, facility: int, number: int) -> _Layout:
    """Returns the layout with an even parity before the first half of the data, and an odd one
    behind the second; where the data has an odd number of bits, both cover the middle one."""
    half = (bits - 1) // 2
    return _Layout(
        bits,
        1,
        facility,
        number,
        (
            _Parity(0, tuple(range(1, half + 1)), odd=False),
            _Parity(bits - 1, tuple(range(bits - 1 - half, bits - 1)), odd=True),
        ),
    )


_CORPORATE_1000 = _Layout(
    35,
    2,
    12,
    20,
    (
        _Parity(1, tuple(at for at in range(2, 34) if at % 3 != 1), odd=False),
        _Parity(34, tuple(at for at in range(1, 33) if at % 3 != 0), odd=True),
        _Parity(0, tuple(range(1, 35)), odd=True),
    ),
)

_LAYOUTS = {
    CredentialFormat.WIEGAND_26: _halves(26, facility=8, number=16),
    CredentialFormat.WIEGAND_34: _halves(34, facility=16, number=16),
    CredentialFormat.WIEGAND_35: _CORPORATE_1000,
    CredentialFormat.WIEGAND_37: _halves(37, facility=16, number=19),
    CredentialFormat.RAW_56: _Layout(56, 0, 0, 56),
    CredentialFormat.RAW_128: _Layout(128, 0, 0, 128),
}


class Credential(Message):
    """A credential in a site's format."""

    format: CredentialFormat
    facility: int | None = Field(default=None, ge=0, repr=False)
    """The facility code; None in formats without one."""
    number: int = Field(ge=0, repr=False)
    """The card's number; all the bits of a raw format."""

    @model_validator(mode="after")
    def _fits(self) -> "Credential":
        """Raises ValueError, which quotes no number: one is personal data."""
        layout = _LAYOUTS[self.format]
        if layout.facility == 0 and self.facility is not None:
            raise ValueError(f"a credential in the format {self.format} has no facility code")
        if layout.facility > 0 and self.facility is None:
            raise ValueError(f"a credential in the format {self.format} needs a facility code")
        if (self.facility or 0) >= 1 << layout.facility:
            most = (1 << layout.facility) - 1
            raise ValueError(f"the facility code of {self.format} is at most {most}")
        if self.number >= 1 << layout.number:
            raise ValueError(f"the number of {self.format} has at most {layout.number} bits")
        return self

    def bits(self) -> str:
        """Returns the bits with their parities as 0 and 1, in the order in which a card reader
        sends them."""
        layout = _LAYOUTS[self.format]
        data = ((self.facility or 0) << layout.number) | self.number
        bits = [0] * layout.bits
        size = layout.facility + layout.number
        for place in range(size):
            bits[layout.first + place] = data >> (size - 1 - place) & 1
        for parity in layout.parities:
            bits[parity.at] = _ones(bits, parity.covers) % 2 ^ parity.odd
        return "".join(map(str, bits))

    @classmethod
    def read(cls, form: CredentialFormat, bits: str) -> "Credential":
        """Returns the credential that has these bits. Raises ValueError when the number of bits or
        a parity is wrong."""
        layout = _LAYOUTS[form]
        data = bits[layout.first : layout.first + layout.facility + layout.number]
        facility = int(data[: layout.facility], 2) if layout.facility else None
        credential = cls(format=form, facility=facility, number=int(data[layout.facility :], 2))
        if credential.bits() != bits:
            raise ValueError(f"these are not the bits of {form}")
        return credential


def _ones(bits: list[int], among: Iterable[int]) -> int:
    return sum(bits[at] for at in among)
