from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.role import Role

T = TypeVar("T", bound="NewMember")


@_attrs_define
class NewMember:
    """
    Attributes:
        name (str):
        role (Role):
        site_id (str):
    """

    name: str
    role: Role
    site_id: str

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        role = self.role.value

        site_id = self.site_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "role": role,
                "site_id": site_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        role = Role(d.pop("role"))

        site_id = d.pop("site_id")

        new_member = cls(
            name=name,
            role=role,
            site_id=site_id,
        )

        return new_member
