from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Often")


@_attrs_define
class Often:
    """How often something may happen within a time.

    Attributes:
        times (int):
        within_s (int):
    """

    times: int
    within_s: int

    def to_dict(self) -> dict[str, Any]:
        times = self.times

        within_s = self.within_s

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "times": times,
                "within_s": within_s,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        times = d.pop("times")

        within_s = d.pop("within_s")

        often = cls(
            times=times,
            within_s=within_s,
        )

        return often
