from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="PurchaseFile")


@_attrs_define
class PurchaseFile:
    """The outcome of a request for a file: it is ready, or a person has to approve it.

    Attributes:
        file_id (None | str):
        approval_id (None | str):
        expires_at (datetime.datetime):
    """

    file_id: str | None
    approval_id: str | None
    expires_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        file_id: str | None
        file_id = self.file_id

        approval_id: str | None
        approval_id = self.approval_id

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "file_id": file_id,
                "approval_id": approval_id,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_file_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        file_id = _parse_file_id(d.pop("file_id"))

        def _parse_approval_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        approval_id = _parse_approval_id(d.pop("approval_id"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        purchase_file = cls(
            file_id=file_id,
            approval_id=approval_id,
            expires_at=expires_at,
        )

        return purchase_file
