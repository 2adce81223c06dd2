from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.unsent_receipt import UnsentReceipt


T = TypeVar("T", bound="UnsentReceipts")


@_attrs_define
class UnsentReceipts:
    """
    Attributes:
        receipts (list[UnsentReceipt]):
        next_ (None | str):
    """

    receipts: list[UnsentReceipt]
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        receipts = []
        for receipts_item_data in self.receipts:
            receipts_item = receipts_item_data.to_dict()
            receipts.append(receipts_item)

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "receipts": receipts,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.unsent_receipt import UnsentReceipt  # noqa: PLC0415

        d = dict(src_dict)
        receipts = []
        _receipts = d.pop("receipts")
        for receipts_item_data in _receipts:
            receipts_item = UnsentReceipt.from_dict(receipts_item_data)

            receipts.append(receipts_item)

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        unsent_receipts = cls(
            receipts=receipts,
            next_=next_,
        )

        return unsent_receipts
