from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.role import Role

if TYPE_CHECKING:
    from ..models.passkey_link import PasskeyLink


T = TypeVar("T", bound="AddedMember")


@_attrs_define
class AddedMember:
    """
    Attributes:
        staff_id (str):
        name (str):
        role (Role):
        merchant_id (None | str):
        site_id (None | str):
        since (datetime.datetime):
        link (PasskeyLink): A link with which somebody makes a passkey in the console, once. Only the same request,
            repeated with its `Idempotency-Key`, returns it again.
    """

    staff_id: str
    name: str
    role: Role
    merchant_id: str | None
    site_id: str | None
    since: datetime.datetime
    link: PasskeyLink

    def to_dict(self) -> dict[str, Any]:
        staff_id = self.staff_id

        name = self.name

        role = self.role.value

        merchant_id: str | None
        merchant_id = self.merchant_id

        site_id: str | None
        site_id = self.site_id

        since = self.since.isoformat()

        link = self.link.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "staff_id": staff_id,
                "name": name,
                "role": role,
                "merchant_id": merchant_id,
                "site_id": site_id,
                "since": since,
                "link": link,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.passkey_link import PasskeyLink  # noqa: PLC0415

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

        link = PasskeyLink.from_dict(d.pop("link"))

        added_member = cls(
            staff_id=staff_id,
            name=name,
            role=role,
            merchant_id=merchant_id,
            site_id=site_id,
            since=since,
            link=link,
        )

        return added_member
