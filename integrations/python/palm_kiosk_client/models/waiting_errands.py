from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.waiting_errand import WaitingErrand


T = TypeVar("T", bound="WaitingErrands")


@_attrs_define
class WaitingErrands:
    """
    Attributes:
        count (int):
        first (list[WaitingErrand]): The first 20 of them.
    """

    count: int
    first: list[WaitingErrand]

    def to_dict(self) -> dict[str, Any]:
        count = self.count

        first = []
        for first_item_data in self.first:
            first_item = first_item_data.to_dict()
            first.append(first_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "count": count,
                "first": first,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.waiting_errand import WaitingErrand  # noqa: PLC0415

        d = dict(src_dict)
        count = d.pop("count")

        first = []
        _first = d.pop("first")
        for first_item_data in _first:
            first_item = WaitingErrand.from_dict(first_item_data)

            first.append(first_item)

        waiting_errands = cls(
            count=count,
            first=first,
        )

        return waiting_errands
