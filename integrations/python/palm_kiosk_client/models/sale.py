from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.sale_outcome import SaleOutcome
from ..models.sale_state import SaleState

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
        site_id (None | str):
        amount (Money): An amount in the currency's minor unit (ISO 4217), above zero. Which amounts can be charged
            depends on the currency, see `Chargeable`.
        refunded_minor (int):
        outcome (SaleOutcome):
        state (SaleState): What has become of a sale.
        told (None | str):
        decline_reason (None | str):
        card (Card | None):
        person (None | str):
        at (datetime.datetime):
    """

    purchase_id: str
    reference: str
    device_id: str
    site_id: str | None
    amount: Money
    refunded_minor: int
    outcome: SaleOutcome
    state: SaleState
    told: str | None
    decline_reason: str | None
    card: Card | None
    person: str | None
    at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        from ..models.card import Card  # noqa: PLC0415

        purchase_id = self.purchase_id

        reference = self.reference

        device_id = self.device_id

        site_id: str | None
        site_id = self.site_id

        amount = self.amount.to_dict()

        refunded_minor = self.refunded_minor

        outcome = self.outcome.value

        state = self.state.value

        told: str | None
        told = self.told

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
                "site_id": site_id,
                "amount": amount,
                "refunded_minor": refunded_minor,
                "outcome": outcome,
                "state": state,
                "told": told,
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

        def _parse_site_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        site_id = _parse_site_id(d.pop("site_id"))

        amount = Money.from_dict(d.pop("amount"))

        refunded_minor = d.pop("refunded_minor")

        outcome = SaleOutcome(d.pop("outcome"))

        state = SaleState(d.pop("state"))

        def _parse_told(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        told = _parse_told(d.pop("told"))

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
            site_id=site_id,
            amount=amount,
            refunded_minor=refunded_minor,
            outcome=outcome,
            state=state,
            told=told,
            decline_reason=decline_reason,
            card=card,
            person=person,
            at=at,
        )

        return sale
