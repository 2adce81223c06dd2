from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="SiteLaw")


@_attrs_define
class SiteLaw:
    """The law that applies to the consents of people at a site.

    Attributes:
        code (str):
        place (str):
        cited (str):
        own (bool):
    """

    code: str
    place: str
    cited: str
    own: bool

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        place = self.place

        cited = self.cited

        own = self.own

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "place": place,
                "cited": cited,
                "own": own,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        place = d.pop("place")

        cited = d.pop("cited")

        own = d.pop("own")

        site_law = cls(
            code=code,
            place=place,
            cited=cited,
            own=own,
        )

        return site_law
