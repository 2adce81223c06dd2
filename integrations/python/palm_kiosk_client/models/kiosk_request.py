from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.kiosk_request_act import KioskRequestAct

T = TypeVar("T", bound="KioskRequest")


@_attrs_define
class KioskRequest:
    """An order to a kiosk, which gets it within a minute.

    Attributes:
        act (KioskRequestAct):
        at (datetime.datetime):
    """

    act: KioskRequestAct
    at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        act = self.act.value

        at = self.at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "act": act,
                "at": at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        act = KioskRequestAct(d.pop("act"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        kiosk_request = cls(
            act=act,
            at=at,
        )

        return kiosk_request
