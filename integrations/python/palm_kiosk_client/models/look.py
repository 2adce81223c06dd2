from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.look_variant_type_0 import LookVariantType0

T = TypeVar("T", bound="Look")


@_attrs_define
class Look:
    """The settings of all kiosks of a site. For a field that is null, each kiosk uses its own
    setting. All fields are required, so that no setting is removed by mistake.

        Attributes:
            variant (LookVariantType0 | None):
            accent_light (None | str):
            accent_dark (None | str):
            volume (int | None):
            hours (None | str):
            helpline (None | str):
    """

    variant: LookVariantType0 | None
    accent_light: str | None
    accent_dark: str | None
    volume: int | None
    hours: str | None
    helpline: str | None

    def to_dict(self) -> dict[str, Any]:
        variant: str | None
        if isinstance(self.variant, LookVariantType0):
            variant = self.variant.value
        else:
            variant = self.variant

        accent_light: str | None
        accent_light = self.accent_light

        accent_dark: str | None
        accent_dark = self.accent_dark

        volume: int | None
        volume = self.volume

        hours: str | None
        hours = self.hours

        helpline: str | None
        helpline = self.helpline

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "variant": variant,
                "accent_light": accent_light,
                "accent_dark": accent_dark,
                "volume": volume,
                "hours": hours,
                "helpline": helpline,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_variant(data: object) -> LookVariantType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                variant_type_0 = LookVariantType0(data)

                return variant_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LookVariantType0 | None, data)

        variant = _parse_variant(d.pop("variant"))

        def _parse_accent_light(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        accent_light = _parse_accent_light(d.pop("accent_light"))

        def _parse_accent_dark(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        accent_dark = _parse_accent_dark(d.pop("accent_dark"))

        def _parse_volume(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        volume = _parse_volume(d.pop("volume"))

        def _parse_hours(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        hours = _parse_hours(d.pop("hours"))

        def _parse_helpline(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        helpline = _parse_helpline(d.pop("helpline"))

        look = cls(
            variant=variant,
            accent_light=accent_light,
            accent_dark=accent_dark,
            volume=volume,
            hours=hours,
            helpline=helpline,
        )

        return look
