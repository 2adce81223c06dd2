from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="FileReady")


@_attrs_define
class FileReady:
    """
    Attributes:
        file_id (str):
        expires_at (datetime.datetime):
    """

    file_id: str
    expires_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        file_id = self.file_id

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "file_id": file_id,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        file_id = d.pop("file_id")

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        file_ready = cls(
            file_id=file_id,
            expires_at=expires_at,
        )

        return file_ready
