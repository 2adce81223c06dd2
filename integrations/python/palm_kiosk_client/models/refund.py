from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.refund_outcome import RefundOutcome
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.money import Money


T = TypeVar("T", bound="Refund")


@_attrs_define
class Refund:
    """
    Attributes:
        refund_id (str):
        reference (str):
        purchase_reference (str):
        amount (Money): An amount in the currency's minor unit (ISO 4217), above zero. Which amounts can be charged
            depends on the currency, see `Chargeable`.
        outcome (RefundOutcome):
        card (Card): The part of a card that may be shown; never its number.
        at (datetime.datetime):
        failure_reason (None | str | Unset):
    """

    refund_id: str
    reference: str
    purchase_reference: str
    amount: Money
    outcome: RefundOutcome
    card: Card
    at: datetime.datetime
    failure_reason: str | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        refund_id = self.refund_id

        reference = self.reference

        purchase_reference = self.purchase_reference

        amount = self.amount.to_dict()

        outcome = self.outcome.value

        card = self.card.to_dict()

        at = self.at.isoformat()

        failure_reason: str | Unset | None
        if isinstance(self.failure_reason, Unset):
            failure_reason = UNSET
        else:
            failure_reason = self.failure_reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "refund_id": refund_id,
                "reference": reference,
                "purchase_reference": purchase_reference,
                "amount": amount,
                "outcome": outcome,
                "card": card,
                "at": at,
            }
        )
        if failure_reason is not UNSET:
            field_dict["failure_reason"] = failure_reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.card import Card  # noqa: PLC0415
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        refund_id = d.pop("refund_id")

        reference = d.pop("reference")

        purchase_reference = d.pop("purchase_reference")

        amount = Money.from_dict(d.pop("amount"))

        outcome = RefundOutcome(d.pop("outcome"))

        card = Card.from_dict(d.pop("card"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_failure_reason(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        failure_reason = _parse_failure_reason(d.pop("failure_reason", UNSET))

        refund = cls(
            refund_id=refund_id,
            reference=reference,
            purchase_reference=purchase_reference,
            amount=amount,
            outcome=outcome,
            card=card,
            at=at,
            failure_reason=failure_reason,
        )

        return refund
