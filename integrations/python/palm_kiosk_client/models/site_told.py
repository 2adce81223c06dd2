from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="SiteTold")


@_attrs_define
class SiteTold:
    """A place where a merchant sells.

    Attributes:
        site_id (str):
        name (str):
        law (str):
    """

    site_id: str
    name: str
    law: str

    def to_dict(self) -> dict[str, Any]:
        site_id = self.site_id

        name = self.name

        law = self.law

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "site_id": site_id,
                "name": name,
                "law": law,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        site_id = d.pop("site_id")

        name = d.pop("name")

        law = d.pop("law")

        site_told = cls(
            site_id=site_id,
            name=name,
            law=law,
        )

        return site_told
