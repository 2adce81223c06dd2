from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.kiosk_logo import KioskLogo


T = TypeVar("T", bound="KioskPictures")


@_attrs_define
class KioskPictures:
    """The pictures that the kiosks of a site show.

    Attributes:
        logo (KioskLogo | None):
        attract (list[str]):
    """

    logo: KioskLogo | None
    attract: list[str]

    def to_dict(self) -> dict[str, Any]:
        from ..models.kiosk_logo import KioskLogo  # noqa: PLC0415

        logo: dict[str, Any] | None
        if isinstance(self.logo, KioskLogo):
            logo = self.logo.to_dict()
        else:
            logo = self.logo

        attract = self.attract

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "logo": logo,
                "attract": attract,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.kiosk_logo import KioskLogo  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_logo(data: object) -> KioskLogo | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                logo_type_0 = KioskLogo.from_dict(data)

                return logo_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KioskLogo | None, data)

        logo = _parse_logo(d.pop("logo"))

        attract = cast(list[str], d.pop("attract"))

        kiosk_pictures = cls(
            logo=logo,
            attract=attract,
        )

        return kiosk_pictures
