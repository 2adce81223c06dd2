from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="ConsentSection")


@_attrs_define
class ConsentSection:
    """
    Attributes:
        heading (str):
        text (str):
    """

    heading: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        heading = self.heading

        text = self.text

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "heading": heading,
                "text": text,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        heading = d.pop("heading")

        text = d.pop("text")

        consent_section = cls(
            heading=heading,
            text=text,
        )

        return consent_section
