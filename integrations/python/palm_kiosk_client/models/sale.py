from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.sale_outcome import SaleOutcome

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.money import Money


T = TypeVar("T", bound="Sale")


@_attrs_define
class Sale:
    """A purchase at a kiosk of the merchant.

    Attributes:
        purchase_id (str):
        reference (str):
        device_id (str):
        amount (Money): An amount in the currency's minor unit (ISO 4217), above zero. Which amounts can be charged
            depends on the currency, see `Chargeable`.
        refunded_minor (int):
        outcome (SaleOutcome):
        decline_reason (None | str):
        card (Card | None):
        person (None | str):
        at (datetime.datetime):
    """

    purchase_id: str
    reference: str
    device_id: str
    amount: Money
    refunded_minor: int
    outcome: SaleOutcome
    decline_reason: str | None
    card: Card | None
    person: str | None
    at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        from ..models.card import Card  # noqa: PLC0415

        purchase_id = self.purchase_id

        reference = self.reference

        device_id = self.device_id

        amount = self.amount.to_dict()

        refunded_minor = self.refunded_minor

        outcome = self.outcome.value

        decline_reason: str | None
        decline_reason = self.decline_reason

        card: dict[str, Any] | None
        if isinstance(self.card, Card):
            card = self.card.to_dict()
        else:
            card = self.card

        person: str | None
        person = self.person

        at = self.at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "purchase_id": purchase_id,
                "reference": reference,
                "device_id": device_id,
                "amount": amount,
                "refunded_minor": refunded_minor,
                "outcome": outcome,
                "decline_reason": decline_reason,
                "card": card,
                "person": person,
                "at": at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.card import Card  # noqa: PLC0415
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        purchase_id = d.pop("purchase_id")

        reference = d.pop("reference")

        device_id = d.pop("device_id")

        amount = Money.from_dict(d.pop("amount"))

        refunded_minor = d.pop("refunded_minor")

        outcome = SaleOutcome(d.pop("outcome"))

        def _parse_decline_reason(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        decline_reason = _parse_decline_reason(d.pop("decline_reason"))

        def _parse_card(data: object) -> Card | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                card_type_0 = Card.from_dict(data)

                return card_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Card | None, data)

        card = _parse_card(d.pop("card"))

        def _parse_person(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        person = _parse_person(d.pop("person"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        sale = cls(
            purchase_id=purchase_id,
            reference=reference,
            device_id=device_id,
            amount=amount,
            refunded_minor=refunded_minor,
            outcome=outcome,
            decline_reason=decline_reason,
            card=card,
            person=person,
            at=at,
        )

        return sale
