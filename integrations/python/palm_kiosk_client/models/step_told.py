from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.reason import Reason
from ..models.stage import Stage

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="StepTold")


@_attrs_define
class StepTold:
    """A step on the way of a purchase.

    Attributes:
        stage (Stage): A step on the way of a sale.
        at (datetime.datetime | None):
        told (None | str):
        by (None | str):
        reason (None | Reason):
        amount (Money | None):
        entry (int | None):
    """

    stage: Stage
    at: datetime.datetime | None
    told: str | None
    by: str | None
    reason: Reason | None
    amount: Money | None
    entry: int | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money  # noqa: PLC0415

        stage = self.stage.value

        at: str | None
        if isinstance(self.at, datetime.datetime):
            at = self.at.isoformat()
        else:
            at = self.at

        told: str | None
        told = self.told

        by: str | None
        by = self.by

        reason: str | None
        if isinstance(self.reason, Reason):
            reason = self.reason.value
        else:
            reason = self.reason

        amount: dict[str, Any] | None
        if isinstance(self.amount, Money):
            amount = self.amount.to_dict()
        else:
            amount = self.amount

        entry: int | None
        entry = self.entry

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stage": stage,
                "at": at,
                "told": told,
                "by": by,
                "reason": reason,
                "amount": amount,
                "entry": entry,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        stage = Stage(d.pop("stage"))

        def _parse_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                at_type_0 = datetime.datetime.fromisoformat(data)

                return at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        at = _parse_at(d.pop("at"))

        def _parse_told(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        told = _parse_told(d.pop("told"))

        def _parse_by(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        by = _parse_by(d.pop("by"))

        def _parse_reason(data: object) -> Reason | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = Reason(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Reason, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_amount(data: object) -> Money | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                amount_type_0 = Money.from_dict(data)

                return amount_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None, data)

        amount = _parse_amount(d.pop("amount"))

        def _parse_entry(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        entry = _parse_entry(d.pop("entry"))

        step_told = cls(
            stage=stage,
            at=at,
            told=told,
            by=by,
            reason=reason,
            amount=amount,
            entry=entry,
        )

        return step_told
