from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Calendar")


@_attrs_define
class Calendar:
    """The time zone of a site, and its holidays.

    Attributes:
        zone (str):
        holidays (list[datetime.date]):
    """

    zone: str
    holidays: list[datetime.date]

    def to_dict(self) -> dict[str, Any]:
        zone = self.zone

        holidays = []
        for holidays_item_data in self.holidays:
            holidays_item = holidays_item_data.isoformat()
            holidays.append(holidays_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "zone": zone,
                "holidays": holidays,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        zone = d.pop("zone")

        holidays = []
        _holidays = d.pop("holidays")
        for holidays_item_data in _holidays:
            holidays_item = datetime.date.fromisoformat(holidays_item_data)

            holidays.append(holidays_item)

        calendar = cls(
            zone=zone,
            holidays=holidays,
        )

        return calendar
