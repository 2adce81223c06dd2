from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.counted import Counted
    from ..models.worse_than_before import WorseThanBefore


T = TypeVar("T", bound="KioskCounted")


@_attrs_define
class KioskCounted:
    """The palms at a kiosk in the last seven days.

    Attributes:
        device_id (str):
        week (Counted): What became of palms.
        before (Counted): What became of palms.
        worse (list[WorseThanBefore]):
    """

    device_id: str
    week: Counted
    before: Counted
    worse: list[WorseThanBefore]

    def to_dict(self) -> dict[str, Any]:
        device_id = self.device_id

        week = self.week.to_dict()

        before = self.before.to_dict()

        worse = []
        for worse_item_data in self.worse:
            worse_item = worse_item_data.to_dict()
            worse.append(worse_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "device_id": device_id,
                "week": week,
                "before": before,
                "worse": worse,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.counted import Counted  # noqa: PLC0415
        from ..models.worse_than_before import WorseThanBefore  # noqa: PLC0415

        d = dict(src_dict)
        device_id = d.pop("device_id")

        week = Counted.from_dict(d.pop("week"))

        before = Counted.from_dict(d.pop("before"))

        worse = []
        _worse = d.pop("worse")
        for worse_item_data in _worse:
            worse_item = WorseThanBefore.from_dict(worse_item_data)

            worse.append(worse_item)

        kiosk_counted = cls(
            device_id=device_id,
            week=week,
            before=before,
            worse=worse,
        )

        return kiosk_counted
