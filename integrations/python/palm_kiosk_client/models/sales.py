from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.sale import Sale
    from ..models.sales_total import SalesTotal


T = TypeVar("T", bound="Sales")


@_attrs_define
class Sales:
    """
    Attributes:
        purchases (list[Sale]):
        totals (list[SalesTotal] | None):
        next_ (None | str):
    """

    purchases: list[Sale]
    totals: list[SalesTotal] | None
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        purchases = []
        for purchases_item_data in self.purchases:
            purchases_item = purchases_item_data.to_dict()
            purchases.append(purchases_item)

        totals: list[dict[str, Any]] | None
        if isinstance(self.totals, list):
            totals = []
            for totals_type_0_item_data in self.totals:
                totals_type_0_item = totals_type_0_item_data.to_dict()
                totals.append(totals_type_0_item)

        else:
            totals = self.totals

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "purchases": purchases,
                "totals": totals,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sale import Sale  # noqa: PLC0415
        from ..models.sales_total import SalesTotal  # noqa: PLC0415

        d = dict(src_dict)
        purchases = []
        _purchases = d.pop("purchases")
        for purchases_item_data in _purchases:
            purchases_item = Sale.from_dict(purchases_item_data)

            purchases.append(purchases_item)

        def _parse_totals(data: object) -> list[SalesTotal] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                totals_type_0 = []
                _totals_type_0 = data
                for totals_type_0_item_data in _totals_type_0:
                    totals_type_0_item = SalesTotal.from_dict(totals_type_0_item_data)

                    totals_type_0.append(totals_type_0_item)

                return totals_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[SalesTotal] | None, data)

        totals = _parse_totals(d.pop("totals"))

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        sales = cls(
            purchases=purchases,
            totals=totals,
            next_=next_,
        )

        return sales
