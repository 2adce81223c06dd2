from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="InArea")


@_attrs_define
class InArea:
    """
    Attributes:
        area (str):
        people (int):
    """

    area: str
    people: int

    def to_dict(self) -> dict[str, Any]:
        area = self.area

        people = self.people

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "area": area,
                "people": people,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        area = d.pop("area")

        people = d.pop("people")

        in_area = cls(
            area=area,
            people=people,
        )

        return in_area
