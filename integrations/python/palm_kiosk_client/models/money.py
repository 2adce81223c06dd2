from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Money")


@_attrs_define
class Money:
    """An amount in the currency's minor unit (ISO 4217), above zero. Which amounts can be charged
    depends on the currency, see `Chargeable`.

        Attributes:
            minor (int):
            currency (str):
    """

    minor: int
    currency: str

    def to_dict(self) -> dict[str, Any]:
        minor = self.minor

        currency = self.currency

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "minor": minor,
                "currency": currency,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        minor = d.pop("minor")

        currency = d.pop("currency")

        money = cls(
            minor=minor,
            currency=currency,
        )

        return money
