from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.light import Light

if TYPE_CHECKING:
    from ..models.qualities import Qualities


T = TypeVar("T", bound="LightCounted")


@_attrs_define
class LightCounted:
    """The palms of the last 30 days under one light.

    Attributes:
        palms (int):
        recognised (int):
        digits (int):
        longer (int):
        not_found (int):
        refused (int):
        lifeless (int):
        unreadable (int):
        median_s (float | None): In how many seconds half of the palms were answered, as one of ten steps; null where it
            took longer than the last, 10, and without palms.
        quality (Qualities): How well palms could be seen that were read, by classes of their quality.
        light (Light): The light under which a palm was taken, as far as the service knows.
    """

    palms: int
    recognised: int
    digits: int
    longer: int
    not_found: int
    refused: int
    lifeless: int
    unreadable: int
    median_s: float | None
    quality: Qualities
    light: Light

    def to_dict(self) -> dict[str, Any]:
        palms = self.palms

        recognised = self.recognised

        digits = self.digits

        longer = self.longer

        not_found = self.not_found

        refused = self.refused

        lifeless = self.lifeless

        unreadable = self.unreadable

        median_s: float | None
        median_s = self.median_s

        quality = self.quality.to_dict()

        light = self.light.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "palms": palms,
                "recognised": recognised,
                "digits": digits,
                "longer": longer,
                "not_found": not_found,
                "refused": refused,
                "lifeless": lifeless,
                "unreadable": unreadable,
                "median_s": median_s,
                "quality": quality,
                "light": light,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.qualities import Qualities  # noqa: PLC0415

        d = dict(src_dict)
        palms = d.pop("palms")

        recognised = d.pop("recognised")

        digits = d.pop("digits")

        longer = d.pop("longer")

        not_found = d.pop("not_found")

        refused = d.pop("refused")

        lifeless = d.pop("lifeless")

        unreadable = d.pop("unreadable")

        def _parse_median_s(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        median_s = _parse_median_s(d.pop("median_s"))

        quality = Qualities.from_dict(d.pop("quality"))

        light = Light(d.pop("light"))

        light_counted = cls(
            palms=palms,
            recognised=recognised,
            digits=digits,
            longer=longer,
            not_found=not_found,
            refused=refused,
            lifeless=lifeless,
            unreadable=unreadable,
            median_s=median_s,
            quality=quality,
            light=light,
        )

        return light_counted
