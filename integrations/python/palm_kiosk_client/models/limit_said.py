from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.said_by import SaidBy

T = TypeVar("T", bound="LimitSaid")


@_attrs_define
class LimitSaid:
    """A limit, and who has set it.

    Attributes:
        minor (int):
        by (SaidBy):
    """

    minor: int
    by: SaidBy

    def to_dict(self) -> dict[str, Any]:
        minor = self.minor

        by = self.by.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "minor": minor,
                "by": by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        minor = d.pop("minor")

        by = SaidBy(d.pop("by"))

        limit_said = cls(
            minor=minor,
            by=by,
        )

        return limit_said
