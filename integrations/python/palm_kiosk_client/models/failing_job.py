from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="FailingJob")


@_attrs_define
class FailingJob:
    """A job whose latest run has failed. It is tried again every few seconds.

    Attributes:
        name (str):
        fault (str):
        failures (int):
        failed_at (datetime.datetime | None):
    """

    name: str
    fault: str
    failures: int
    failed_at: datetime.datetime | None

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        fault = self.fault

        failures = self.failures

        failed_at: str | None
        if isinstance(self.failed_at, datetime.datetime):
            failed_at = self.failed_at.isoformat()
        else:
            failed_at = self.failed_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "fault": fault,
                "failures": failures,
                "failed_at": failed_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        fault = d.pop("fault")

        failures = d.pop("failures")

        def _parse_failed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                failed_at_type_0 = datetime.datetime.fromisoformat(data)

                return failed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        failed_at = _parse_failed_at(d.pop("failed_at"))

        failing_job = cls(
            name=name,
            fault=fault,
            failures=failures,
            failed_at=failed_at,
        )

        return failing_job
