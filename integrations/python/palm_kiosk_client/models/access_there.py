from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.in_area import InArea
    from ..models.kiosk_at_door import KioskAtDoor


T = TypeVar("T", bound="AccessThere")


@_attrs_define
class AccessThere:
    """The doors of a site, and how many people have access.

    Attributes:
        given (int):
        accepted (int):
        recognised (int):
        areas (list[InArea]):
        doors (list[KioskAtDoor]):
    """

    given: int
    accepted: int
    recognised: int
    areas: list[InArea]
    doors: list[KioskAtDoor]

    def to_dict(self) -> dict[str, Any]:
        given = self.given

        accepted = self.accepted

        recognised = self.recognised

        areas = []
        for areas_item_data in self.areas:
            areas_item = areas_item_data.to_dict()
            areas.append(areas_item)

        doors = []
        for doors_item_data in self.doors:
            doors_item = doors_item_data.to_dict()
            doors.append(doors_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "given": given,
                "accepted": accepted,
                "recognised": recognised,
                "areas": areas,
                "doors": doors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.in_area import InArea  # noqa: PLC0415
        from ..models.kiosk_at_door import KioskAtDoor  # noqa: PLC0415

        d = dict(src_dict)
        given = d.pop("given")

        accepted = d.pop("accepted")

        recognised = d.pop("recognised")

        areas = []
        _areas = d.pop("areas")
        for areas_item_data in _areas:
            areas_item = InArea.from_dict(areas_item_data)

            areas.append(areas_item)

        doors = []
        _doors = d.pop("doors")
        for doors_item_data in _doors:
            doors_item = KioskAtDoor.from_dict(doors_item_data)

            doors.append(doors_item)

        access_there = cls(
            given=given,
            accepted=accepted,
            recognised=recognised,
            areas=areas,
            doors=doors,
        )

        return access_there
