from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="MerchantJobs")


@_attrs_define
class MerchantJobs:
    """The deletions at a merchant in the last 30 days.

    Attributes:
        agreements_ended (int):
    """

    agreements_ended: int

    def to_dict(self) -> dict[str, Any]:
        agreements_ended = self.agreements_ended

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "agreements_ended": agreements_ended,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        agreements_ended = d.pop("agreements_ended")

        merchant_jobs = cls(
            agreements_ended=agreements_ended,
        )

        return merchant_jobs
