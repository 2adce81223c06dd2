from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.kiosk_told_state import KioskToldState

if TYPE_CHECKING:
    from ..models.kiosk_report import KioskReport


T = TypeVar("T", bound="KioskTold")


@_attrs_define
class KioskTold:
    """A kiosk as staff see it.

    Attributes:
        device_id (str):
        name (str):
        merchant_id (str):
        site_id (str):
        state (KioskToldState):
        needs_somebody (bool):
        is_locked (bool):
        is_in_maintenance (bool):
        reader (None | str):
        activated_at (datetime.datetime):
        revoked_at (datetime.datetime | None):
        report (KioskReport | None):
    """

    device_id: str
    name: str
    merchant_id: str
    site_id: str
    state: KioskToldState
    needs_somebody: bool
    is_locked: bool
    is_in_maintenance: bool
    reader: str | None
    activated_at: datetime.datetime
    revoked_at: datetime.datetime | None
    report: KioskReport | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.kiosk_report import KioskReport  # noqa: PLC0415

        device_id = self.device_id

        name = self.name

        merchant_id = self.merchant_id

        site_id = self.site_id

        state = self.state.value

        needs_somebody = self.needs_somebody

        is_locked = self.is_locked

        is_in_maintenance = self.is_in_maintenance

        reader: str | None
        reader = self.reader

        activated_at = self.activated_at.isoformat()

        revoked_at: str | None
        if isinstance(self.revoked_at, datetime.datetime):
            revoked_at = self.revoked_at.isoformat()
        else:
            revoked_at = self.revoked_at

        report: dict[str, Any] | None
        if isinstance(self.report, KioskReport):
            report = self.report.to_dict()
        else:
            report = self.report

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "device_id": device_id,
                "name": name,
                "merchant_id": merchant_id,
                "site_id": site_id,
                "state": state,
                "needs_somebody": needs_somebody,
                "is_locked": is_locked,
                "is_in_maintenance": is_in_maintenance,
                "reader": reader,
                "activated_at": activated_at,
                "revoked_at": revoked_at,
                "report": report,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.kiosk_report import KioskReport  # noqa: PLC0415

        d = dict(src_dict)
        device_id = d.pop("device_id")

        name = d.pop("name")

        merchant_id = d.pop("merchant_id")

        site_id = d.pop("site_id")

        state = KioskToldState(d.pop("state"))

        needs_somebody = d.pop("needs_somebody")

        is_locked = d.pop("is_locked")

        is_in_maintenance = d.pop("is_in_maintenance")

        def _parse_reader(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        reader = _parse_reader(d.pop("reader"))

        activated_at = datetime.datetime.fromisoformat(d.pop("activated_at"))

        def _parse_revoked_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                revoked_at_type_0 = datetime.datetime.fromisoformat(data)

                return revoked_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        revoked_at = _parse_revoked_at(d.pop("revoked_at"))

        def _parse_report(data: object) -> KioskReport | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                report_type_0 = KioskReport.from_dict(data)

                return report_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KioskReport | None, data)

        report = _parse_report(d.pop("report"))

        kiosk_told = cls(
            device_id=device_id,
            name=name,
            merchant_id=merchant_id,
            site_id=site_id,
            state=state,
            needs_somebody=needs_somebody,
            is_locked=is_locked,
            is_in_maintenance=is_in_maintenance,
            reader=reader,
            activated_at=activated_at,
            revoked_at=revoked_at,
            report=report,
        )

        return kiosk_told
