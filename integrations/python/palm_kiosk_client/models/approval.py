from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.approval_state import ApprovalState
from ..models.door import Door

if TYPE_CHECKING:
    from ..models.sales_chosen import SalesChosen


T = TypeVar("T", bound="Approval")


@_attrs_define
class Approval:
    """A request for an act that needs two people: whoever makes it, and somebody else who decides
    it.

        Attributes:
            approval_id (str):
            act (str):
            merchant_id (None | str):
            state (ApprovalState):
            door (Door): The way by which an act came in.
            who (str):
            is_own (bool):
            at (datetime.datetime):
            expires_at (datetime.datetime):
            decided_by (None | str):
            decided_at (datetime.datetime | None):
            device_ids (list[str]):
            chosen (None | SalesChosen):
    """

    approval_id: str
    act: str
    merchant_id: str | None
    state: ApprovalState
    door: Door
    who: str
    is_own: bool
    at: datetime.datetime
    expires_at: datetime.datetime
    decided_by: str | None
    decided_at: datetime.datetime | None
    device_ids: list[str]
    chosen: SalesChosen | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.sales_chosen import SalesChosen  # noqa: PLC0415

        approval_id = self.approval_id

        act = self.act

        merchant_id: str | None
        merchant_id = self.merchant_id

        state = self.state.value

        door = self.door.value

        who = self.who

        is_own = self.is_own

        at = self.at.isoformat()

        expires_at = self.expires_at.isoformat()

        decided_by: str | None
        decided_by = self.decided_by

        decided_at: str | None
        if isinstance(self.decided_at, datetime.datetime):
            decided_at = self.decided_at.isoformat()
        else:
            decided_at = self.decided_at

        device_ids = self.device_ids

        chosen: dict[str, Any] | None
        if isinstance(self.chosen, SalesChosen):
            chosen = self.chosen.to_dict()
        else:
            chosen = self.chosen

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "approval_id": approval_id,
                "act": act,
                "merchant_id": merchant_id,
                "state": state,
                "door": door,
                "who": who,
                "is_own": is_own,
                "at": at,
                "expires_at": expires_at,
                "decided_by": decided_by,
                "decided_at": decided_at,
                "device_ids": device_ids,
                "chosen": chosen,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sales_chosen import SalesChosen  # noqa: PLC0415

        d = dict(src_dict)
        approval_id = d.pop("approval_id")

        act = d.pop("act")

        def _parse_merchant_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        merchant_id = _parse_merchant_id(d.pop("merchant_id"))

        state = ApprovalState(d.pop("state"))

        door = Door(d.pop("door"))

        who = d.pop("who")

        is_own = d.pop("is_own")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        def _parse_decided_by(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        decided_by = _parse_decided_by(d.pop("decided_by"))

        def _parse_decided_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                decided_at_type_0 = datetime.datetime.fromisoformat(data)

                return decided_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        decided_at = _parse_decided_at(d.pop("decided_at"))

        device_ids = cast(list[str], d.pop("device_ids"))

        def _parse_chosen(data: object) -> SalesChosen | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                chosen_type_0 = SalesChosen.from_dict(data)

                return chosen_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SalesChosen, data)

        chosen = _parse_chosen(d.pop("chosen"))

        approval = cls(
            approval_id=approval_id,
            act=act,
            merchant_id=merchant_id,
            state=state,
            door=door,
            who=who,
            is_own=is_own,
            at=at,
            expires_at=expires_at,
            decided_by=decided_by,
            decided_at=decided_at,
            device_ids=device_ids,
            chosen=chosen,
        )

        return approval
