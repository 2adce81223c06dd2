from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="WaitingErrand")


@_attrs_define
class WaitingErrand:
    """An errand: something that the service has to do at another system, such as that of a payment
    provider, and has not done yet.

        Attributes:
            kind (str):
            deleted_at (datetime.datetime | None):
            attempts (int):
            due_at (datetime.datetime):
    """

    kind: str
    deleted_at: datetime.datetime | None
    attempts: int
    due_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind

        deleted_at: str | None
        if isinstance(self.deleted_at, datetime.datetime):
            deleted_at = self.deleted_at.isoformat()
        else:
            deleted_at = self.deleted_at

        attempts = self.attempts

        due_at = self.due_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kind": kind,
                "deleted_at": deleted_at,
                "attempts": attempts,
                "due_at": due_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = d.pop("kind")

        def _parse_deleted_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deleted_at_type_0 = datetime.datetime.fromisoformat(data)

                return deleted_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        deleted_at = _parse_deleted_at(d.pop("deleted_at"))

        attempts = d.pop("attempts")

        due_at = datetime.datetime.fromisoformat(d.pop("due_at"))

        waiting_errand = cls(
            kind=kind,
            deleted_at=deleted_at,
            attempts=attempts,
            due_at=due_at,
        )

        return waiting_errand
