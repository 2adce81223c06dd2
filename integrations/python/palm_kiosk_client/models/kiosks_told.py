from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.kiosk_told import KioskTold


T = TypeVar("T", bound="KiosksTold")


@_attrs_define
class KiosksTold:
    """
    Attributes:
        kiosks (list[KioskTold]):
        next_ (None | str):
    """

    kiosks: list[KioskTold]
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        kiosks = []
        for kiosks_item_data in self.kiosks:
            kiosks_item = kiosks_item_data.to_dict()
            kiosks.append(kiosks_item)

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kiosks": kiosks,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.kiosk_told import KioskTold  # noqa: PLC0415

        d = dict(src_dict)
        kiosks = []
        _kiosks = d.pop("kiosks")
        for kiosks_item_data in _kiosks:
            kiosks_item = KioskTold.from_dict(kiosks_item_data)

            kiosks.append(kiosks_item)

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        kiosks_told = cls(
            kiosks=kiosks,
            next_=next_,
        )

        return kiosks_told
