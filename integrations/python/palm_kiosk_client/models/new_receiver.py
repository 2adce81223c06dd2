from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.event import Event

T = TypeVar("T", bound="NewReceiver")


@_attrs_define
class NewReceiver:
    """
    Attributes:
        receiver_id (str):
        url (str):
        events (list[Event]):
        made_at (datetime.datetime):
        secret_before_until (datetime.datetime | None):
        secret (str):
    """

    receiver_id: str
    url: str
    events: list[Event]
    made_at: datetime.datetime
    secret_before_until: datetime.datetime | None
    secret: str

    def to_dict(self) -> dict[str, Any]:
        receiver_id = self.receiver_id

        url = self.url

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.value
            events.append(events_item)

        made_at = self.made_at.isoformat()

        secret_before_until: str | None
        if isinstance(self.secret_before_until, datetime.datetime):
            secret_before_until = self.secret_before_until.isoformat()
        else:
            secret_before_until = self.secret_before_until

        secret = self.secret

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "receiver_id": receiver_id,
                "url": url,
                "events": events,
                "made_at": made_at,
                "secret_before_until": secret_before_until,
                "secret": secret,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        receiver_id = d.pop("receiver_id")

        url = d.pop("url")

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = Event(events_item_data)

            events.append(events_item)

        made_at = datetime.datetime.fromisoformat(d.pop("made_at"))

        def _parse_secret_before_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                secret_before_until_type_0 = datetime.datetime.fromisoformat(data)

                return secret_before_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        secret_before_until = _parse_secret_before_until(d.pop("secret_before_until"))

        secret = d.pop("secret")

        new_receiver = cls(
            receiver_id=receiver_id,
            url=url,
            events=events,
            made_at=made_at,
            secret_before_until=secret_before_until,
            secret=secret,
        )

        return new_receiver
