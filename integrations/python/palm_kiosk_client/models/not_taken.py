from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.not_taken_state import NotTakenState

T = TypeVar("T", bound="NotTaken")


@_attrs_define
class NotTaken:
    """An event that a receiver of webhooks was sent and has not accepted.

    Attributes:
        delivery_id (str):
        event_id (str):
        type_ (str):
        at (datetime.datetime):
        state (NotTakenState):
        attempts (int):
        status (int | None):
        fault (None | str):
        tried_at (datetime.datetime | None):
        due_at (datetime.datetime | None):
        receiver_id (str):
        url (str):
    """

    delivery_id: str
    event_id: str
    type_: str
    at: datetime.datetime
    state: NotTakenState
    attempts: int
    status: int | None
    fault: str | None
    tried_at: datetime.datetime | None
    due_at: datetime.datetime | None
    receiver_id: str
    url: str

    def to_dict(self) -> dict[str, Any]:
        delivery_id = self.delivery_id

        event_id = self.event_id

        type_ = self.type_

        at = self.at.isoformat()

        state = self.state.value

        attempts = self.attempts

        status: int | None
        status = self.status

        fault: str | None
        fault = self.fault

        tried_at: str | None
        if isinstance(self.tried_at, datetime.datetime):
            tried_at = self.tried_at.isoformat()
        else:
            tried_at = self.tried_at

        due_at: str | None
        if isinstance(self.due_at, datetime.datetime):
            due_at = self.due_at.isoformat()
        else:
            due_at = self.due_at

        receiver_id = self.receiver_id

        url = self.url

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "delivery_id": delivery_id,
                "event_id": event_id,
                "type": type_,
                "at": at,
                "state": state,
                "attempts": attempts,
                "status": status,
                "fault": fault,
                "tried_at": tried_at,
                "due_at": due_at,
                "receiver_id": receiver_id,
                "url": url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        delivery_id = d.pop("delivery_id")

        event_id = d.pop("event_id")

        type_ = d.pop("type")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        state = NotTakenState(d.pop("state"))

        attempts = d.pop("attempts")

        def _parse_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        status = _parse_status(d.pop("status"))

        def _parse_fault(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        fault = _parse_fault(d.pop("fault"))

        def _parse_tried_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                tried_at_type_0 = datetime.datetime.fromisoformat(data)

                return tried_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        tried_at = _parse_tried_at(d.pop("tried_at"))

        def _parse_due_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                due_at_type_0 = datetime.datetime.fromisoformat(data)

                return due_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        due_at = _parse_due_at(d.pop("due_at"))

        receiver_id = d.pop("receiver_id")

        url = d.pop("url")

        not_taken = cls(
            delivery_id=delivery_id,
            event_id=event_id,
            type_=type_,
            at=at,
            state=state,
            attempts=attempts,
            status=status,
            fault=fault,
            tried_at=tried_at,
            due_at=due_at,
            receiver_id=receiver_id,
            url=url,
        )

        return not_taken
