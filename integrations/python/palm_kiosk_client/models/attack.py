from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.kind import Kind
from ..models.remedy import Remedy

T = TypeVar("T", bound="Attack")


@_attrs_define
class Attack:
    """An incident that a person should look at. Incidents of one kind at one kiosk within a day are
    counted as one.

        Attributes:
            attack_id (str):
            kind (Kind): The kinds of incident that a person should look at; the worst comes first.
            serious (bool):
            site_id (str):
            device_id (None | str):
            times (int):
            first_at (datetime.datetime):
            last_at (datetime.datetime):
            remedies (list[Remedy]):
            looked_at (datetime.datetime | None):
            looked_by (None | str):
            note (str):
    """

    attack_id: str
    kind: Kind
    serious: bool
    site_id: str
    device_id: str | None
    times: int
    first_at: datetime.datetime
    last_at: datetime.datetime
    remedies: list[Remedy]
    looked_at: datetime.datetime | None
    looked_by: str | None
    note: str

    def to_dict(self) -> dict[str, Any]:
        attack_id = self.attack_id

        kind = self.kind.value

        serious = self.serious

        site_id = self.site_id

        device_id: str | None
        device_id = self.device_id

        times = self.times

        first_at = self.first_at.isoformat()

        last_at = self.last_at.isoformat()

        remedies = []
        for remedies_item_data in self.remedies:
            remedies_item = remedies_item_data.value
            remedies.append(remedies_item)

        looked_at: str | None
        if isinstance(self.looked_at, datetime.datetime):
            looked_at = self.looked_at.isoformat()
        else:
            looked_at = self.looked_at

        looked_by: str | None
        looked_by = self.looked_by

        note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "attack_id": attack_id,
                "kind": kind,
                "serious": serious,
                "site_id": site_id,
                "device_id": device_id,
                "times": times,
                "first_at": first_at,
                "last_at": last_at,
                "remedies": remedies,
                "looked_at": looked_at,
                "looked_by": looked_by,
                "note": note,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        attack_id = d.pop("attack_id")

        kind = Kind(d.pop("kind"))

        serious = d.pop("serious")

        site_id = d.pop("site_id")

        def _parse_device_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        device_id = _parse_device_id(d.pop("device_id"))

        times = d.pop("times")

        first_at = datetime.datetime.fromisoformat(d.pop("first_at"))

        last_at = datetime.datetime.fromisoformat(d.pop("last_at"))

        remedies = []
        _remedies = d.pop("remedies")
        for remedies_item_data in _remedies:
            remedies_item = Remedy(remedies_item_data)

            remedies.append(remedies_item)

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

        def _parse_looked_by(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        looked_by = _parse_looked_by(d.pop("looked_by"))

        note = d.pop("note")

        attack = cls(
            attack_id=attack_id,
            kind=kind,
            serious=serious,
            site_id=site_id,
            device_id=device_id,
            times=times,
            first_at=first_at,
            last_at=last_at,
            remedies=remedies,
            looked_at=looked_at,
            looked_by=looked_by,
            note=note,
        )

        return attack
