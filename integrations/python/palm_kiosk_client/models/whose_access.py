from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="WhoseAccess")


@_attrs_define
class WhoseAccess:
    """A person, by the id of the site's own system.

    Attributes:
        person (str):
    """

    person: str

    def to_dict(self) -> dict[str, Any]:
        person = self.person

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "person": person,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        person = d.pop("person")

        whose_access = cls(
            person=person,
        )

        return whose_access
