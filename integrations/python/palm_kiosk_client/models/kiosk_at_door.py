from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.direction import Direction
from ..models.door_kind import DoorKind

T = TypeVar("T", bound="KioskAtDoor")


@_attrs_define
class KioskAtDoor:
    """A kiosk of a site that stands at a door.

    Attributes:
        device_id (str):
        name (str):
        direction (Direction): Which way people go through a gate.
        area (None | str):
        kind (DoorKind): Who decides, and what opens.
        everyone (bool):
        hours (str):
        list_hours (int):
    """

    device_id: str
    name: str
    direction: Direction
    area: str | None
    kind: DoorKind
    everyone: bool
    hours: str
    list_hours: int

    def to_dict(self) -> dict[str, Any]:
        device_id = self.device_id

        name = self.name

        direction = self.direction.value

        area: str | None
        area = self.area

        kind = self.kind.value

        everyone = self.everyone

        hours = self.hours

        list_hours = self.list_hours

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "device_id": device_id,
                "name": name,
                "direction": direction,
                "area": area,
                "kind": kind,
                "everyone": everyone,
                "hours": hours,
                "list_hours": list_hours,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        device_id = d.pop("device_id")

        name = d.pop("name")

        direction = Direction(d.pop("direction"))

        def _parse_area(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        area = _parse_area(d.pop("area"))

        kind = DoorKind(d.pop("kind"))

        everyone = d.pop("everyone")

        hours = d.pop("hours")

        list_hours = d.pop("list_hours")

        kiosk_at_door = cls(
            device_id=device_id,
            name=name,
            direction=direction,
            area=area,
            kind=kind,
            everyone=everyone,
            hours=hours,
            list_hours=list_hours,
        )

        return kiosk_at_door
