from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.consent_section import ConsentSection


T = TypeVar("T", bound="ConsentText")


@_attrs_define
class ConsentText:
    """What somebody is asked to agree to, word by word. It is known by its digest
    (`protocol.documents.digest_of`), so what was agreed to is what was shown.

        Attributes:
            version (str):
            law (str):
            language (str):
            title (str):
            sections (list[ConsentSection]):
            release (bool | Unset):  Default: False.
    """

    version: str
    law: str
    language: str
    title: str
    sections: list[ConsentSection]
    release: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        law = self.law

        language = self.language

        title = self.title

        sections = []
        for sections_item_data in self.sections:
            sections_item = sections_item_data.to_dict()
            sections.append(sections_item)

        release = self.release

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "version": version,
                "law": law,
                "language": language,
                "title": title,
                "sections": sections,
            }
        )
        if release is not UNSET:
            field_dict["release"] = release

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent_section import ConsentSection  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        law = d.pop("law")

        language = d.pop("language")

        title = d.pop("title")

        sections = []
        _sections = d.pop("sections")
        for sections_item_data in _sections:
            sections_item = ConsentSection.from_dict(sections_item_data)

            sections.append(sections_item)

        release = d.pop("release", UNSET)

        consent_text = cls(
            version=version,
            law=law,
            language=language,
            title=title,
            sections=sections,
            release=release,
        )

        return consent_text
