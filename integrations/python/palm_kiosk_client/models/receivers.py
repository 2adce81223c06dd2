from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.receiver import Receiver


T = TypeVar("T", bound="Receivers")


@_attrs_define
class Receivers:
    """
    Attributes:
        receivers (list[Receiver]):
    """

    receivers: list[Receiver]

    def to_dict(self) -> dict[str, Any]:
        receivers = []
        for receivers_item_data in self.receivers:
            receivers_item = receivers_item_data.to_dict()
            receivers.append(receivers_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "receivers": receivers,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.receiver import Receiver  # noqa: PLC0415

        d = dict(src_dict)
        receivers = []
        _receivers = d.pop("receivers")
        for receivers_item_data in _receivers:
            receivers_item = Receiver.from_dict(receivers_item_data)

            receivers.append(receivers_item)

        receivers = cls(
            receivers=receivers,
        )

        return receivers
