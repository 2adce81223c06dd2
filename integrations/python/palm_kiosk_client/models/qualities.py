from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Qualities")


@_attrs_define
class Qualities:
    """How well palms could be seen that were read, by classes of their quality.

    Attributes:
        clear (int):
        good (int):
        fair (int):
        poor (int):
    """

    clear: int
    good: int
    fair: int
    poor: int

    def to_dict(self) -> dict[str, Any]:
        clear = self.clear

        good = self.good

        fair = self.fair

        poor = self.poor

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "clear": clear,
                "good": good,
                "fair": fair,
                "poor": poor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        clear = d.pop("clear")

        good = d.pop("good")

        fair = d.pop("fair")

        poor = d.pop("poor")

        qualities = cls(
            clear=clear,
            good=good,
            fair=fair,
            poor=poor,
        )

        return qualities
