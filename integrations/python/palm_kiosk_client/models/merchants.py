from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.merchant_told import MerchantTold


T = TypeVar("T", bound="Merchants")


@_attrs_define
class Merchants:
    """
    Attributes:
        merchants (list[MerchantTold]):
    """

    merchants: list[MerchantTold]

    def to_dict(self) -> dict[str, Any]:
        merchants = []
        for merchants_item_data in self.merchants:
            merchants_item = merchants_item_data.to_dict()
            merchants.append(merchants_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "merchants": merchants,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.merchant_told import MerchantTold  # noqa: PLC0415

        d = dict(src_dict)
        merchants = []
        _merchants = d.pop("merchants")
        for merchants_item_data in _merchants:
            merchants_item = MerchantTold.from_dict(merchants_item_data)

            merchants.append(merchants_item)

        merchants = cls(
            merchants=merchants,
        )

        return merchants
