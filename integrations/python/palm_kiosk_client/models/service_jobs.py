from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.daily_run import DailyRun
    from ..models.failing_job import FailingJob
    from ..models.kept_rows import KeptRows
    from ..models.waiting_errands import WaitingErrands


T = TypeVar("T", bound="ServiceJobs")


@_attrs_define
class ServiceJobs:
    """What the service does by itself, for all merchants.

    Attributes:
        accounts_deleted (int):
        agreements_ended (int):
        deletions_left (WaitingErrands):
        warned_once (int):
        warned_twice (int):
        daily_run (DailyRun | None):
        stalled (bool):
        done_at (datetime.datetime | None):
        failing (list[FailingJob]):
        errands_failed (WaitingErrands):
        kept (list[KeptRows]):
    """

    accounts_deleted: int
    agreements_ended: int
    deletions_left: WaitingErrands
    warned_once: int
    warned_twice: int
    daily_run: DailyRun | None
    stalled: bool
    done_at: datetime.datetime | None
    failing: list[FailingJob]
    errands_failed: WaitingErrands
    kept: list[KeptRows]

    def to_dict(self) -> dict[str, Any]:
        from ..models.daily_run import DailyRun  # noqa: PLC0415

        accounts_deleted = self.accounts_deleted

        agreements_ended = self.agreements_ended

        deletions_left = self.deletions_left.to_dict()

        warned_once = self.warned_once

        warned_twice = self.warned_twice

        daily_run: dict[str, Any] | None
        if isinstance(self.daily_run, DailyRun):
            daily_run = self.daily_run.to_dict()
        else:
            daily_run = self.daily_run

        stalled = self.stalled

        done_at: str | None
        if isinstance(self.done_at, datetime.datetime):
            done_at = self.done_at.isoformat()
        else:
            done_at = self.done_at

        failing = []
        for failing_item_data in self.failing:
            failing_item = failing_item_data.to_dict()
            failing.append(failing_item)

        errands_failed = self.errands_failed.to_dict()

        kept = []
        for kept_item_data in self.kept:
            kept_item = kept_item_data.to_dict()
            kept.append(kept_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "accounts_deleted": accounts_deleted,
                "agreements_ended": agreements_ended,
                "deletions_left": deletions_left,
                "warned_once": warned_once,
                "warned_twice": warned_twice,
                "daily_run": daily_run,
                "stalled": stalled,
                "done_at": done_at,
                "failing": failing,
                "errands_failed": errands_failed,
                "kept": kept,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.daily_run import DailyRun  # noqa: PLC0415
        from ..models.failing_job import FailingJob  # noqa: PLC0415
        from ..models.kept_rows import KeptRows  # noqa: PLC0415
        from ..models.waiting_errands import WaitingErrands  # noqa: PLC0415

        d = dict(src_dict)
        accounts_deleted = d.pop("accounts_deleted")

        agreements_ended = d.pop("agreements_ended")

        deletions_left = WaitingErrands.from_dict(d.pop("deletions_left"))

        warned_once = d.pop("warned_once")

        warned_twice = d.pop("warned_twice")

        def _parse_daily_run(data: object) -> DailyRun | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                daily_run_type_0 = DailyRun.from_dict(data)

                return daily_run_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DailyRun | None, data)

        daily_run = _parse_daily_run(d.pop("daily_run"))

        stalled = d.pop("stalled")

        def _parse_done_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                done_at_type_0 = datetime.datetime.fromisoformat(data)

                return done_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        done_at = _parse_done_at(d.pop("done_at"))

        failing = []
        _failing = d.pop("failing")
        for failing_item_data in _failing:
            failing_item = FailingJob.from_dict(failing_item_data)

            failing.append(failing_item)

        errands_failed = WaitingErrands.from_dict(d.pop("errands_failed"))

        kept = []
        _kept = d.pop("kept")
        for kept_item_data in _kept:
            kept_item = KeptRows.from_dict(kept_item_data)

            kept.append(kept_item)

        service_jobs = cls(
            accounts_deleted=accounts_deleted,
            agreements_ended=agreements_ended,
            deletions_left=deletions_left,
            warned_once=warned_once,
            warned_twice=warned_twice,
            daily_run=daily_run,
            stalled=stalled,
            done_at=done_at,
            failing=failing,
            errands_failed=errands_failed,
            kept=kept,
        )

        return service_jobs
