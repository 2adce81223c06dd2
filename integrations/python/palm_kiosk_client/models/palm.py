from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Palm")


@_attrs_define
class Palm:
    """That a reference is linked to a person's palm.

    Attributes:
        reference (str):
        linked_at (datetime.datetime):
    """

    reference: str
    linked_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        reference = self.reference

        linked_at = self.linked_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "reference": reference,
                "linked_at": linked_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        reference = d.pop("reference")

        linked_at = datetime.datetime.fromisoformat(d.pop("linked_at"))

        palm = cls(
            reference=reference,
            linked_at=linked_at,
        )

        return palm
