from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="PaymentLimits")


@_attrs_define
class PaymentLimits:
    """Limits of payments, in the minor unit of the currency; null where there is no limit. All
    fields are required, so that no limit is removed by mistake.

        Attributes:
            currency (str):
            pulse_above (int | None):
            digits_above (int | None):
            staff_above (int | None):
            unconfirmed_below (int | None):
    """

    currency: str
    pulse_above: int | None
    digits_above: int | None
    staff_above: int | None
    unconfirmed_below: int | None

    def to_dict(self) -> dict[str, Any]:
        currency = self.currency

        pulse_above: int | None
        pulse_above = self.pulse_above

        digits_above: int | None
        digits_above = self.digits_above

        staff_above: int | None
        staff_above = self.staff_above

        unconfirmed_below: int | None
        unconfirmed_below = self.unconfirmed_below

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "currency": currency,
                "pulse_above": pulse_above,
                "digits_above": digits_above,
                "staff_above": staff_above,
                "unconfirmed_below": unconfirmed_below,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        currency = d.pop("currency")

        def _parse_pulse_above(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        pulse_above = _parse_pulse_above(d.pop("pulse_above"))

        def _parse_digits_above(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        digits_above = _parse_digits_above(d.pop("digits_above"))

        def _parse_staff_above(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        staff_above = _parse_staff_above(d.pop("staff_above"))

        def _parse_unconfirmed_below(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        unconfirmed_below = _parse_unconfirmed_below(d.pop("unconfirmed_below"))

        payment_limits = cls(
            currency=currency,
            pulse_above=pulse_above,
            digits_above=digits_above,
            staff_above=staff_above,
            unconfirmed_below=unconfirmed_below,
        )

        return payment_limits
