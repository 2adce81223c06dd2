from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.limits_said import LimitsSaid
    from ..models.payment_limits import PaymentLimits


T = TypeVar("T", bound="PlaceLimits")


@_attrs_define
class PlaceLimits:
    """The limits of a merchant, or of one of its sites.

    Attributes:
        own (PaymentLimits): Limits of payments, in the minor unit of the currency; null where there is no limit. All
            fields are required, so that no limit is removed by mistake.
        inherited (LimitsSaid): Limits as in `PaymentLimits`; null where nobody has set one. Where `unconfirmed_below`
            is
            null, the setting of each kiosk applies.
        in_force (LimitsSaid): Limits as in `PaymentLimits`; null where nobody has set one. Where `unconfirmed_below` is
            null, the setting of each kiosk applies.
    """

    own: PaymentLimits
    inherited: LimitsSaid
    in_force: LimitsSaid

    def to_dict(self) -> dict[str, Any]:
        own = self.own.to_dict()

        inherited = self.inherited.to_dict()

        in_force = self.in_force.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "own": own,
                "inherited": inherited,
                "in_force": in_force,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.limits_said import LimitsSaid  # noqa: PLC0415
        from ..models.payment_limits import PaymentLimits  # noqa: PLC0415

        d = dict(src_dict)
        own = PaymentLimits.from_dict(d.pop("own"))

        inherited = LimitsSaid.from_dict(d.pop("inherited"))

        in_force = LimitsSaid.from_dict(d.pop("in_force"))

        place_limits = cls(
            own=own,
            inherited=inherited,
            in_force=in_force,
        )

        return place_limits
