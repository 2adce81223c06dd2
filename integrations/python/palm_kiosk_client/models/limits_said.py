from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.limit_said import LimitSaid


T = TypeVar("T", bound="LimitsSaid")


@_attrs_define
class LimitsSaid:
    """Limits as in `PaymentLimits`; null where nobody has set one. Where `unconfirmed_below` is
    null, the setting of each kiosk applies.

        Attributes:
            pulse_above (LimitSaid | None):
            digits_above (LimitSaid | None):
            staff_above (LimitSaid | None):
            unconfirmed_below (LimitSaid | None):
    """

    pulse_above: LimitSaid | None
    digits_above: LimitSaid | None
    staff_above: LimitSaid | None
    unconfirmed_below: LimitSaid | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.limit_said import LimitSaid  # noqa: PLC0415

        pulse_above: dict[str, Any] | None
        if isinstance(self.pulse_above, LimitSaid):
            pulse_above = self.pulse_above.to_dict()
        else:
            pulse_above = self.pulse_above

        digits_above: dict[str, Any] | None
        if isinstance(self.digits_above, LimitSaid):
            digits_above = self.digits_above.to_dict()
        else:
            digits_above = self.digits_above

        staff_above: dict[str, Any] | None
        if isinstance(self.staff_above, LimitSaid):
            staff_above = self.staff_above.to_dict()
        else:
            staff_above = self.staff_above

        unconfirmed_below: dict[str, Any] | None
        if isinstance(self.unconfirmed_below, LimitSaid):
            unconfirmed_below = self.unconfirmed_below.to_dict()
        else:
            unconfirmed_below = self.unconfirmed_below

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "pulse_above": pulse_above,
                "digits_above": digits_above,
                "staff_above": staff_above,
                "unconfirmed_below": unconfirmed_below,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.limit_said import LimitSaid  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_pulse_above(data: object) -> LimitSaid | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                pulse_above_type_0 = LimitSaid.from_dict(data)

                return pulse_above_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LimitSaid | None, data)

        pulse_above = _parse_pulse_above(d.pop("pulse_above"))

        def _parse_digits_above(data: object) -> LimitSaid | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                digits_above_type_0 = LimitSaid.from_dict(data)

                return digits_above_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LimitSaid | None, data)

        digits_above = _parse_digits_above(d.pop("digits_above"))

        def _parse_staff_above(data: object) -> LimitSaid | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                staff_above_type_0 = LimitSaid.from_dict(data)

                return staff_above_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LimitSaid | None, data)

        staff_above = _parse_staff_above(d.pop("staff_above"))

        def _parse_unconfirmed_below(data: object) -> LimitSaid | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                unconfirmed_below_type_0 = LimitSaid.from_dict(data)

                return unconfirmed_below_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LimitSaid | None, data)

        unconfirmed_below = _parse_unconfirmed_below(d.pop("unconfirmed_below"))

        limits_said = cls(
            pulse_above=pulse_above,
            digits_above=digits_above,
            staff_above=staff_above,
            unconfirmed_below=unconfirmed_below,
        )

        return limits_said
