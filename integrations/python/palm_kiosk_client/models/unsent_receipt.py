from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="UnsentReceipt")


@_attrs_define
class UnsentReceipt:
    """The receipt of a purchase for which no message could be sent.

    Attributes:
        purchase_id (str):
        reference (str):
        at (datetime.datetime):
    """

    purchase_id: str
    reference: str
    at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        purchase_id = self.purchase_id

        reference = self.reference

        at = self.at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "purchase_id": purchase_id,
                "reference": reference,
                "at": at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        purchase_id = d.pop("purchase_id")

        reference = d.pop("reference")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        unsent_receipt = cls(
            purchase_id=purchase_id,
            reference=reference,
            at=at,
        )

        return unsent_receipt
