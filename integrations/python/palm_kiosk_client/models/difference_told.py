from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.difference_told_kind import DifferenceToldKind
from ..models.why import Why

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="DifferenceTold")


@_attrs_define
class DifferenceTold:
    """A purchase or refund about which the ledger, the payment provider and the till differ.

    Attributes:
        at (datetime.datetime):
        kind (DifferenceToldKind):
        why (Why): On what the sides differ; what should be looked at first is first.
        merchant_id (None | str):
        reference (None | str):
        purchase_reference (None | str):
        ledger (Money | None):
        provider (Money | None):
        told (None | str):
    """

    at: datetime.datetime
    kind: DifferenceToldKind
    why: Why
    merchant_id: str | None
    reference: str | None
    purchase_reference: str | None
    ledger: Money | None
    provider: Money | None
    told: str | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money  # noqa: PLC0415

        at = self.at.isoformat()

        kind = self.kind.value

        why = self.why.value

        merchant_id: str | None
        merchant_id = self.merchant_id

        reference: str | None
        reference = self.reference

        purchase_reference: str | None
        purchase_reference = self.purchase_reference

        ledger: dict[str, Any] | None
        if isinstance(self.ledger, Money):
            ledger = self.ledger.to_dict()
        else:
            ledger = self.ledger

        provider: dict[str, Any] | None
        if isinstance(self.provider, Money):
            provider = self.provider.to_dict()
        else:
            provider = self.provider

        told: str | None
        told = self.told

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "at": at,
                "kind": kind,
                "why": why,
                "merchant_id": merchant_id,
                "reference": reference,
                "purchase_reference": purchase_reference,
                "ledger": ledger,
                "provider": provider,
                "told": told,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        kind = DifferenceToldKind(d.pop("kind"))

        why = Why(d.pop("why"))

        def _parse_merchant_id(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        merchant_id = _parse_merchant_id(d.pop("merchant_id"))

        def _parse_reference(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        reference = _parse_reference(d.pop("reference"))

        def _parse_purchase_reference(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        purchase_reference = _parse_purchase_reference(d.pop("purchase_reference"))

        def _parse_ledger(data: object) -> Money | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                ledger_type_0 = Money.from_dict(data)

                return ledger_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None, data)

        ledger = _parse_ledger(d.pop("ledger"))

        def _parse_provider(data: object) -> Money | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                provider_type_0 = Money.from_dict(data)

                return provider_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None, data)

        provider = _parse_provider(d.pop("provider"))

        def _parse_told(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        told = _parse_told(d.pop("told"))

        difference_told = cls(
            at=at,
            kind=kind,
            why=why,
            merchant_id=merchant_id,
            reference=reference,
            purchase_reference=purchase_reference,
            ledger=ledger,
            provider=provider,
            told=told,
        )

        return difference_told
