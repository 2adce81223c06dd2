from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="ComparedDay")


@_attrs_define
class ComparedDay:
    """A day, in UTC, that was compared, and the outcome of the latest comparison.

    Attributes:
        day (datetime.date):
        compared_at (datetime.datetime):
        things (int):
        differing (int):
    """

    day: datetime.date
    compared_at: datetime.datetime
    things: int
    differing: int

    def to_dict(self) -> dict[str, Any]:
        day = self.day.isoformat()

        compared_at = self.compared_at.isoformat()

        things = self.things

        differing = self.differing

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "day": day,
                "compared_at": compared_at,
                "things": things,
                "differing": differing,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        day = datetime.date.fromisoformat(d.pop("day"))

        compared_at = datetime.datetime.fromisoformat(d.pop("compared_at"))

        things = d.pop("things")

        differing = d.pop("differing")

        compared_day = cls(
            day=day,
            compared_at=compared_at,
            things=things,
            differing=differing,
        )

        return compared_day
