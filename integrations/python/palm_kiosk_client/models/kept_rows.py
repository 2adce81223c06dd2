from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="KeptRows")


@_attrs_define
class KeptRows:
    """A kind of data that is deleted by its age.

    Attributes:
        what (str):
        kept_s (float):
        looked_at (datetime.datetime | None):
        removed (int):
        removed_at (datetime.datetime | None):
        removed_in_all (int):
    """

    what: str
    kept_s: float
    looked_at: datetime.datetime | None
    removed: int
    removed_at: datetime.datetime | None
    removed_in_all: int

    def to_dict(self) -> dict[str, Any]:
        what = self.what

        kept_s = self.kept_s

        looked_at: str | None
        if isinstance(self.looked_at, datetime.datetime):
            looked_at = self.looked_at.isoformat()
        else:
            looked_at = self.looked_at

        removed = self.removed

        removed_at: str | None
        if isinstance(self.removed_at, datetime.datetime):
            removed_at = self.removed_at.isoformat()
        else:
            removed_at = self.removed_at

        removed_in_all = self.removed_in_all

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "what": what,
                "kept_s": kept_s,
                "looked_at": looked_at,
                "removed": removed,
                "removed_at": removed_at,
                "removed_in_all": removed_in_all,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        what = d.pop("what")

        kept_s = d.pop("kept_s")

        def _parse_looked_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                looked_at_type_0 = datetime.datetime.fromisoformat(data)

                return looked_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        looked_at = _parse_looked_at(d.pop("looked_at"))

        removed = d.pop("removed")

        def _parse_removed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                removed_at_type_0 = datetime.datetime.fromisoformat(data)

                return removed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        removed_at = _parse_removed_at(d.pop("removed_at"))

        removed_in_all = d.pop("removed_in_all")

        kept_rows = cls(
            what=what,
            kept_s=kept_s,
            looked_at=looked_at,
            removed=removed,
            removed_at=removed_at,
            removed_in_all=removed_in_all,
        )

        return kept_rows
