from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="KioskFault")


@_attrs_define
class KioskFault:
    """A fault of a kiosk, in its own words.

    Attributes:
        part (str):
        health (str):
        finding (str):
    """

    part: str
    health: str
    finding: str

    def to_dict(self) -> dict[str, Any]:
        part = self.part

        health = self.health

        finding = self.finding

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "part": part,
                "health": health,
                "finding": finding,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        part = d.pop("part")

        health = d.pop("health")

        finding = d.pop("finding")

        kiosk_fault = cls(
            part=part,
            health=health,
            finding=finding,
        )

        return kiosk_fault
