from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Card")


@_attrs_define
class Card:
    """The part of a card that may be shown; never its number.

    Attributes:
        brand (str):
        last4 (str):
        expired (bool | Unset):  Default: False.
    """

    brand: str
    last4: str
    expired: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        brand = self.brand

        last4 = self.last4

        expired = self.expired

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "brand": brand,
                "last4": last4,
            }
        )
        if expired is not UNSET:
            field_dict["expired"] = expired

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        brand = d.pop("brand")

        last4 = d.pop("last4")

        expired = d.pop("expired", UNSET)

        card = cls(
            brand=brand,
            last4=last4,
            expired=expired,
        )

        return card
