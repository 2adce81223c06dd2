from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.kiosk_fault import KioskFault


T = TypeVar("T", bound="KioskReport")


@_attrs_define
class KioskReport:
    """The latest report of a kiosk, which reports every minute.

    Attributes:
        at (datetime.datetime):
        version (str):
        running_s (int):
        visits (int):
        troubles (int):
        disk_free_mb (int):
        memory_mb (int):
        faults (list[KioskFault]):
        tampering (None | str):
    """

    at: datetime.datetime
    version: str
    running_s: int
    visits: int
    troubles: int
    disk_free_mb: int
    memory_mb: int
    faults: list[KioskFault]
    tampering: str | None

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        version = self.version

        running_s = self.running_s

        visits = self.visits

        troubles = self.troubles

        disk_free_mb = self.disk_free_mb

        memory_mb = self.memory_mb

        faults = []
        for faults_item_data in self.faults:
            faults_item = faults_item_data.to_dict()
            faults.append(faults_item)

        tampering: str | None
        tampering = self.tampering

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "at": at,
                "version": version,
                "running_s": running_s,
                "visits": visits,
                "troubles": troubles,
                "disk_free_mb": disk_free_mb,
                "memory_mb": memory_mb,
                "faults": faults,
                "tampering": tampering,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.kiosk_fault import KioskFault  # noqa: PLC0415

        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        version = d.pop("version")

        running_s = d.pop("running_s")

        visits = d.pop("visits")

        troubles = d.pop("troubles")

        disk_free_mb = d.pop("disk_free_mb")

        memory_mb = d.pop("memory_mb")

        faults = []
        _faults = d.pop("faults")
        for faults_item_data in _faults:
            faults_item = KioskFault.from_dict(faults_item_data)

            faults.append(faults_item)

        def _parse_tampering(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        tampering = _parse_tampering(d.pop("tampering"))

        kiosk_report = cls(
            at=at,
            version=version,
            running_s=running_s,
            visits=visits,
            troubles=troubles,
            disk_free_mb=disk_free_mb,
            memory_mb=memory_mb,
            faults=faults,
            tampering=tampering,
        )

        return kiosk_report
