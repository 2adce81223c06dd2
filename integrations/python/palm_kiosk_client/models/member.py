from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.role import Role

T = TypeVar("T", bound="Member")


@_attrs_define
class Member:
    """An account of a member of staff.

    Attributes:
        staff_id (str):
        name (str):
        role (Role):
        merchant_id (None | str):
        site_id (None | str):
        since (datetime.datetime):
    """

    staff_id: str
    name: str
    role: Role
    merchant_id: str | None
    site_id: str | None
    since: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        staff_id = self.staff_id

        name = self.name

        role = self.role.value

        merchant_id: str | None
        merchant_id = self.merchant_id

        site_id: str | None
        site_id = self.site_id

        since = self.since.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "staff_id": staff_id,
                "name": name,
                "role": role,
                "merchant_id": merchant_id,
                "site_id": site_id,
                "since": since,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        staff_id = d.pop("staff_id")

        name = d.pop("name")

        role = Role(d.pop("role"))

        def _parse_merchant_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        merchant_id = _parse_merchant_id(d.pop("merchant_id"))

        def _parse_site_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        site_id = _parse_site_id(d.pop("site_id"))

        since = datetime.datetime.fromisoformat(d.pop("since"))

        member = cls(
            staff_id=staff_id,
            name=name,
            role=role,
            merchant_id=merchant_id,
            site_id=site_id,
            since=since,
        )

        return member
