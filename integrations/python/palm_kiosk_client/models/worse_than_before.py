from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.measure import Measure

T = TypeVar("T", bound="WorseThanBefore")


@_attrs_define
class WorseThanBefore:
    """Something that happens much more often at a kiosk than in the week before, and more often
    than chance explains, or that takes much longer.

        Attributes:
            measure (Measure): What is compared between two weeks; the worst comes first.
            times (float):
            now (float):
            before (float):
    """

    measure: Measure
    times: float
    now: float
    before: float

    def to_dict(self) -> dict[str, Any]:
        measure = self.measure.value

        times = self.times

        now = self.now

        before = self.before

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "measure": measure,
                "times": times,
                "now": now,
                "before": before,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        measure = Measure(d.pop("measure"))

        times = d.pop("times")

        now = d.pop("now")

        before = d.pop("before")

        worse_than_before = cls(
            measure=measure,
            times=times,
            now=now,
            before=before,
        )

        return worse_than_before
