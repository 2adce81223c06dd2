from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="ActivationCodeTold")


@_attrs_define
class ActivationCodeTold:
    """A code that activates one kiosk, once. Only the same request, repeated with its
    `Idempotency-Key`, returns it again.

        Attributes:
            code (str):
            expires_at (datetime.datetime):
    """

    code: str
    expires_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        activation_code_told = cls(
            code=code,
            expires_at=expires_at,
        )

        return activation_code_told
