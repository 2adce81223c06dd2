from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.attack import Attack


T = TypeVar("T", bound="Attacks")


@_attrs_define
class Attacks:
    """
    Attributes:
        attacks (list[Attack]):
        next_ (None | str):
    """

    attacks: list[Attack]
    next_: str | None

    def to_dict(self) -> dict[str, Any]:
        attacks = []
        for attacks_item_data in self.attacks:
            attacks_item = attacks_item_data.to_dict()
            attacks.append(attacks_item)

        next_: str | None
        next_ = self.next_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "attacks": attacks,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attack import Attack  # noqa: PLC0415

        d = dict(src_dict)
        attacks = []
        _attacks = d.pop("attacks")
        for attacks_item_data in _attacks:
            attacks_item = Attack.from_dict(attacks_item_data)

            attacks.append(attacks_item)

        def _parse_next_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        attacks = cls(
            attacks=attacks,
            next_=next_,
        )

        return attacks
