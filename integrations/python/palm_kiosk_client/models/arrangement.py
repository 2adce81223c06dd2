from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Arrangement")


@_attrs_define
class Arrangement:
    """Pictures of the welcome screen, in the order in which they are shown.

    Attributes:
        attract (list[str]):
    """

    attract: list[str]

    def to_dict(self) -> dict[str, Any]:
        attract = self.attract

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "attract": attract,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        attract = cast(list[str], d.pop("attract"))

        arrangement = cls(
            attract=attract,
        )

        return arrangement
