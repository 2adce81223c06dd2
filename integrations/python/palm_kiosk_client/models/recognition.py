from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.recognised import Recognised


T = TypeVar("T", bound="Recognition")


@_attrs_define
class Recognition:
    """
    Attributes:
        recognition (list[Recognised]):
        next_ (None | str):
    """

    recognition: list[Recognised]
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        recognition = []
        for recognition_item_data in self.recognition:
            recognition_item = recognition_item_data.to_dict()
            recognition.append(recognition_item)

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "recognition": recognition,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recognised import Recognised  # noqa: PLC0415

        d = dict(src_dict)
        recognition = []
        _recognition = d.pop("recognition")
        for recognition_item_data in _recognition:
            recognition_item = Recognised.from_dict(recognition_item_data)

            recognition.append(recognition_item)

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        recognition = cls(
            recognition=recognition,
            next_=next_,
        )

        return recognition
