from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.sale import Sale


T = TypeVar("T", bound="Sales")


@_attrs_define
class Sales:
    """
    Attributes:
        purchases (list[Sale]):
        next_ (None | str):
    """

    purchases: list[Sale]
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        purchases = []
        for purchases_item_data in self.purchases:
            purchases_item = purchases_item_data.to_dict()
            purchases.append(purchases_item)

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "purchases": purchases,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sale import Sale  # noqa: PLC0415

        d = dict(src_dict)
        purchases = []
        _purchases = d.pop("purchases")
        for purchases_item_data in _purchases:
            purchases_item = Sale.from_dict(purchases_item_data)

            purchases.append(purchases_item)

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        sales = cls(
            purchases=purchases,
            next_=next_,
        )

        return sales
