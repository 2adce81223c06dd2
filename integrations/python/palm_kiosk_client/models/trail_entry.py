from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.door import Door

if TYPE_CHECKING:
    from ..models.trail_entry_details import TrailEntryDetails


T = TypeVar("T", bound="TrailEntry")


@_attrs_define
class TrailEntry:
    """An act of staff or of a system with a key. Everything in it is named by ids.

    Attributes:
        place (int):
        at (datetime.datetime):
        door (Door): The way by which an act came in.
        who (str):
        act (str):
        subject (None | str):
        merchant_id (None | str):
        details (TrailEntryDetails):
        hash_ (str):
    """

    place: int
    at: datetime.datetime
    door: Door
    who: str
    act: str
    subject: str | None
    merchant_id: str | None
    details: TrailEntryDetails
    hash_: str

    def to_dict(self) -> dict[str, Any]:
        place = self.place

        at = self.at.isoformat()

        door = self.door.value

        who = self.who

        act = self.act

        subject: str | None
        subject = self.subject

        merchant_id: str | None
        merchant_id = self.merchant_id

        details = self.details.to_dict()

        hash_ = self.hash_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "place": place,
                "at": at,
                "door": door,
                "who": who,
                "act": act,
                "subject": subject,
                "merchant_id": merchant_id,
                "details": details,
                "hash": hash_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.trail_entry_details import TrailEntryDetails  # noqa: PLC0415

        d = dict(src_dict)
        place = d.pop("place")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        door = Door(d.pop("door"))

        who = d.pop("who")

        act = d.pop("act")

        def _parse_subject(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        subject = _parse_subject(d.pop("subject"))

        def _parse_merchant_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        merchant_id = _parse_merchant_id(d.pop("merchant_id"))

        details = TrailEntryDetails.from_dict(d.pop("details"))

        hash_ = d.pop("hash")

        trail_entry = cls(
            place=place,
            at=at,
            door=door,
            who=who,
            act=act,
            subject=subject,
            merchant_id=merchant_id,
            details=details,
            hash_=hash_,
        )

        return trail_entry
