from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="SalesTotal")


@_attrs_define
class SalesTotal:
    """What was paid in one currency, and given back of that, whenever it was given back.

    Attributes:
        currency (str):
        count (int):
        paid_minor (int):
        refunded_minor (int):
    """

    currency: str
    count: int
    paid_minor: int
    refunded_minor: int

    def to_dict(self) -> dict[str, Any]:
        currency = self.currency

        count = self.count

        paid_minor = self.paid_minor

        refunded_minor = self.refunded_minor

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "currency": currency,
                "count": count,
                "paid_minor": paid_minor,
                "refunded_minor": refunded_minor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        currency = d.pop("currency")

        count = d.pop("count")

        paid_minor = d.pop("paid_minor")

        refunded_minor = d.pop("refunded_minor")

        sales_total = cls(
            currency=currency,
            count=count,
            paid_minor=paid_minor,
            refunded_minor=refunded_minor,
        )

        return sales_total
