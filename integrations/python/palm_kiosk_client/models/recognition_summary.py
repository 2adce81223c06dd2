from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.day_counted import DayCounted
    from ..models.kiosk_counted import KioskCounted
    from ..models.light_counted import LightCounted


T = TypeVar("T", bound="RecognitionSummary")


@_attrs_define
class RecognitionSummary:
    """How well recognition worked at a merchant's kiosks in the last 30 days.

    Attributes:
        days (list[DayCounted]):
        lights (list[LightCounted]):
        kiosks (list[KioskCounted]):
    """

    days: list[DayCounted]
    lights: list[LightCounted]
    kiosks: list[KioskCounted]

    def to_dict(self) -> dict[str, Any]:
        days = []
        for days_item_data in self.days:
            days_item = days_item_data.to_dict()
            days.append(days_item)

        lights = []
        for lights_item_data in self.lights:
            lights_item = lights_item_data.to_dict()
            lights.append(lights_item)

        kiosks = []
        for kiosks_item_data in self.kiosks:
            kiosks_item = kiosks_item_data.to_dict()
            kiosks.append(kiosks_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "days": days,
                "lights": lights,
                "kiosks": kiosks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.day_counted import DayCounted  # noqa: PLC0415
        from ..models.kiosk_counted import KioskCounted  # noqa: PLC0415
        from ..models.light_counted import LightCounted  # noqa: PLC0415

        d = dict(src_dict)
        days = []
        _days = d.pop("days")
        for days_item_data in _days:
            days_item = DayCounted.from_dict(days_item_data)

            days.append(days_item)

        lights = []
        _lights = d.pop("lights")
        for lights_item_data in _lights:
            lights_item = LightCounted.from_dict(lights_item_data)

            lights.append(lights_item)

        kiosks = []
        _kiosks = d.pop("kiosks")
        for kiosks_item_data in _kiosks:
            kiosks_item = KioskCounted.from_dict(kiosks_item_data)

            kiosks.append(kiosks_item)

        recognition_summary = cls(
            days=days,
            lights=lights,
            kiosks=kiosks,
        )

        return recognition_summary
