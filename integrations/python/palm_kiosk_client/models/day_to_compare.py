from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="DayToCompare")


@_attrs_define
class DayToCompare:
    """
    Attributes:
        day (datetime.date):
    """

    day: datetime.date

    def to_dict(self) -> dict[str, Any]:
        day = self.day.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "day": day,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        day = datetime.date.fromisoformat(d.pop("day"))

        day_to_compare = cls(
            day=day,
        )

        return day_to_compare
