from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Revocation")


@_attrs_define
class Revocation:
    """The outcome of a request to revoke kiosks.

    Attributes:
        approval_id (None | str):
    """

    approval_id: str | None

    def to_dict(self) -> dict[str, Any]:
        approval_id: str | None
        approval_id = self.approval_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "approval_id": approval_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_approval_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        approval_id = _parse_approval_id(d.pop("approval_id"))

        revocation = cls(
            approval_id=approval_id,
        )

        return revocation
