from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="DailyRun")


@_attrs_define
class DailyRun:
    """A daily run about accounts that nobody uses.

    Attributes:
        began_at (datetime.datetime):
        ended_at (datetime.datetime | None):
        warned (int):
        deleted (int):
        failed (int):
        fault (None | str):
        next_at (datetime.datetime):
    """

    began_at: datetime.datetime
    ended_at: datetime.datetime | None
    warned: int
    deleted: int
    failed: int
    fault: str | None
    next_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        began_at = self.began_at.isoformat()

        ended_at: str | None
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        warned = self.warned

        deleted = self.deleted

        failed = self.failed

        fault: str | None
        fault = self.fault

        next_at = self.next_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "began_at": began_at,
                "ended_at": ended_at,
                "warned": warned,
                "deleted": deleted,
                "failed": failed,
                "fault": fault,
                "next_at": next_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        began_at = datetime.datetime.fromisoformat(d.pop("began_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        warned = d.pop("warned")

        deleted = d.pop("deleted")

        failed = d.pop("failed")

        def _parse_fault(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        fault = _parse_fault(d.pop("fault"))

        next_at = datetime.datetime.fromisoformat(d.pop("next_at"))

        daily_run = cls(
            began_at=began_at,
            ended_at=ended_at,
            warned=warned,
            deleted=deleted,
            failed=failed,
            fault=fault,
            next_at=next_at,
        )

        return daily_run
