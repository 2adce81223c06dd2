from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.kiosk import Kiosk


T = TypeVar("T", bound="Kiosks")


@_attrs_define
class Kiosks:
    """
    Attributes:
        kiosks (list[Kiosk]):
    """

    kiosks: list[Kiosk]

    def to_dict(self) -> dict[str, Any]:
        kiosks = []
        for kiosks_item_data in self.kiosks:
            kiosks_item = kiosks_item_data.to_dict()
            kiosks.append(kiosks_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kiosks": kiosks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.kiosk import Kiosk  # noqa: PLC0415

        d = dict(src_dict)
        kiosks = []
        _kiosks = d.pop("kiosks")
        for kiosks_item_data in _kiosks:
            kiosks_item = Kiosk.from_dict(kiosks_item_data)

            kiosks.append(kiosks_item)

        kiosks = cls(
            kiosks=kiosks,
        )

        return kiosks
