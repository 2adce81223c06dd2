from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="MerchantTold")


@_attrs_define
class MerchantTold:
    """A merchant as staff see it.

    Attributes:
        merchant_id (str):
        name (str):
        country (str):
        currency (str):
        region (None | str):
    """

    merchant_id: str
    name: str
    country: str
    currency: str
    region: str | None

    def to_dict(self) -> dict[str, Any]:
        merchant_id = self.merchant_id

        name = self.name

        country = self.country

        currency = self.currency

        region: str | None
        region = self.region

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "merchant_id": merchant_id,
                "name": name,
                "country": country,
                "currency": currency,
                "region": region,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        merchant_id = d.pop("merchant_id")

        name = d.pop("name")

        country = d.pop("country")

        currency = d.pop("currency")

        def _parse_region(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        region = _parse_region(d.pop("region"))

        merchant_told = cls(
            merchant_id=merchant_id,
            name=name,
            country=country,
            currency=currency,
            region=region,
        )

        return merchant_told
