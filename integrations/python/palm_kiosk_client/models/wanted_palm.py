from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.asks import Asks
from ..types import UNSET, Unset

T = TypeVar("T", bound="WantedPalm")


@_attrs_define
class WantedPalm:
    """What the person before a kiosk is asked.

    Attributes:
        kind (Asks): What a palm is asked for.
        question (str):
        device_id (None | str | Unset):
        site_id (None | str | Unset):
        person (None | str | Unset):
        expires_in_s (int | Unset):  Default: 120.
    """

    kind: Asks
    question: str
    device_id: str | Unset | None = UNSET
    site_id: str | Unset | None = UNSET
    person: str | Unset | None = UNSET
    expires_in_s: int | Unset = 120

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        question = self.question

        device_id: str | Unset | None
        if isinstance(self.device_id, Unset):
            device_id = UNSET
        else:
            device_id = self.device_id

        site_id: str | Unset | None
        if isinstance(self.site_id, Unset):
            site_id = UNSET
        else:
            site_id = self.site_id

        person: str | Unset | None
        if isinstance(self.person, Unset):
            person = UNSET
        else:
            person = self.person

        expires_in_s = self.expires_in_s

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kind": kind,
                "question": question,
            }
        )
        if device_id is not UNSET:
            field_dict["device_id"] = device_id
        if site_id is not UNSET:
            field_dict["site_id"] = site_id
        if person is not UNSET:
            field_dict["person"] = person
        if expires_in_s is not UNSET:
            field_dict["expires_in_s"] = expires_in_s

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = Asks(d.pop("kind"))

        question = d.pop("question")

        def _parse_device_id(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        device_id = _parse_device_id(d.pop("device_id", UNSET))

        def _parse_site_id(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        site_id = _parse_site_id(d.pop("site_id", UNSET))

        def _parse_person(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        person = _parse_person(d.pop("person", UNSET))

        expires_in_s = d.pop("expires_in_s", UNSET)

        wanted_palm = cls(
            kind=kind,
            question=question,
            device_id=device_id,
            site_id=site_id,
            person=person,
            expires_in_s=expires_in_s,
        )

        return wanted_palm
