from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.site_told import SiteTold


T = TypeVar("T", bound="Sites")


@_attrs_define
class Sites:
    """
    Attributes:
        sites (list[SiteTold]):
    """

    sites: list[SiteTold]

    def to_dict(self) -> dict[str, Any]:
        sites = []
        for sites_item_data in self.sites:
            sites_item = sites_item_data.to_dict()
            sites.append(sites_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "sites": sites,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.site_told import SiteTold  # noqa: PLC0415

        d = dict(src_dict)
        sites = []
        _sites = d.pop("sites")
        for sites_item_data in _sites:
            sites_item = SiteTold.from_dict(sites_item_data)

            sites.append(sites_item)

        sites = cls(
            sites=sites,
        )

        return sites
