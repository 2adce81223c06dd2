from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.asks import Asks
from ..models.palm_request_reason_type_0 import PalmRequestReasonType0
from ..models.request_state import RequestState

T = TypeVar("T", bound="PalmRequest")


@_attrs_define
class PalmRequest:
    """
    Attributes:
        request_id (str):
        kind (Asks): What a palm is asked for.
        question (str):
        site_id (str):
        device_id (None | str):
        expected (None | str):
        state (RequestState): How far a request for a palm is. All but the first three are final.
        reason (None | PalmRequestReasonType0):
        person (None | str):
        made_at (datetime.datetime):
        expires_at (datetime.datetime):
        ended_at (datetime.datetime | None):
        statement (None | str):
    """

    request_id: str
    kind: Asks
    question: str
    site_id: str
    device_id: str | None
    expected: str | None
    state: RequestState
    reason: PalmRequestReasonType0 | None
    person: str | None
    made_at: datetime.datetime
    expires_at: datetime.datetime
    ended_at: datetime.datetime | None
    statement: str | None

    def to_dict(self) -> dict[str, Any]:
        request_id = self.request_id

        kind = self.kind.value

        question = self.question

        site_id = self.site_id

        device_id: str | None
        device_id = self.device_id

        expected: str | None
        expected = self.expected

        state = self.state.value

        reason: str | None
        if isinstance(self.reason, PalmRequestReasonType0):
            reason = self.reason.value
        else:
            reason = self.reason

        person: str | None
        person = self.person

        made_at = self.made_at.isoformat()

        expires_at = self.expires_at.isoformat()

        ended_at: str | None
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        statement: str | None
        statement = self.statement

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "request_id": request_id,
                "kind": kind,
                "question": question,
                "site_id": site_id,
                "device_id": device_id,
                "expected": expected,
                "state": state,
                "reason": reason,
                "person": person,
                "made_at": made_at,
                "expires_at": expires_at,
                "ended_at": ended_at,
                "statement": statement,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        request_id = d.pop("request_id")

        kind = Asks(d.pop("kind"))

        question = d.pop("question")

        site_id = d.pop("site_id")

        def _parse_device_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        device_id = _parse_device_id(d.pop("device_id"))

        def _parse_expected(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        expected = _parse_expected(d.pop("expected"))

        state = RequestState(d.pop("state"))

        def _parse_reason(data: object) -> PalmRequestReasonType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = PalmRequestReasonType0(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PalmRequestReasonType0, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_person(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        person = _parse_person(d.pop("person"))

        made_at = datetime.datetime.fromisoformat(d.pop("made_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        def _parse_statement(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        statement = _parse_statement(d.pop("statement"))

        palm_request = cls(
            request_id=request_id,
            kind=kind,
            question=question,
            site_id=site_id,
            device_id=device_id,
            expected=expected,
            state=state,
            reason=reason,
            person=person,
            made_at=made_at,
            expires_at=expires_at,
            ended_at=ended_at,
            statement=statement,
        )

        return palm_request
