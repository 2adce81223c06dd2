from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.kiosk_logo_ink_type_0 import KioskLogoInkType0

T = TypeVar("T", bound="KioskLogo")


@_attrs_define
class KioskLogo:
    """
    Attributes:
        digest (str):
        ink (KioskLogoInkType0 | None):
    """

    digest: str
    ink: KioskLogoInkType0 | None

    def to_dict(self) -> dict[str, Any]:
        digest = self.digest

        ink: str | None
        if isinstance(self.ink, KioskLogoInkType0):
            ink = self.ink.value
        else:
            ink = self.ink

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "digest": digest,
                "ink": ink,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        digest = d.pop("digest")

        def _parse_ink(data: object) -> KioskLogoInkType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ink_type_0 = KioskLogoInkType0(data)

                return ink_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KioskLogoInkType0 | None, data)

        ink = _parse_ink(d.pop("ink"))

        kiosk_logo = cls(
            digest=digest,
            ink=ink,
        )

        return kiosk_logo
