from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Kiosk")


@_attrs_define
class Kiosk:
    """
    Attributes:
        device_id (str):
        name (str):
        site_id (str):
        site (str):
    """

    device_id: str
    name: str
    site_id: str
    site: str

    def to_dict(self) -> dict[str, Any]:
        device_id = self.device_id

        name = self.name

        site_id = self.site_id

        site = self.site

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "device_id": device_id,
                "name": name,
                "site_id": site_id,
                "site": site,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        device_id = d.pop("device_id")

        name = d.pop("name")

        site_id = d.pop("site_id")

        site = d.pop("site")

        kiosk = cls(
            device_id=device_id,
            name=name,
            site_id=site_id,
            site=site,
        )

        return kiosk
