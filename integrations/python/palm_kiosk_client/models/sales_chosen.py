from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="SalesChosen")


@_attrs_define
class SalesChosen:
    """The filter for the purchases of a requested file. A field that is null does not filter.

    Attributes:
        where (None | str):
        when (None | str):
        state (None | str):
        reference (None | str):
    """

    where: str | None
    when: str | None
    state: str | None
    reference: str | None

    def to_dict(self) -> dict[str, Any]:
        where: str | None
        where = self.where

        when: str | None
        when = self.when

        state: str | None
        state = self.state

        reference: str | None
        reference = self.reference

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "where": where,
                "when": when,
                "state": state,
                "reference": reference,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_where(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        where = _parse_where(d.pop("where"))

        def _parse_when(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        when = _parse_when(d.pop("when"))

        def _parse_state(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        state = _parse_state(d.pop("state"))

        def _parse_reference(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        reference = _parse_reference(d.pop("reference"))

        sales_chosen = cls(
            where=where,
            when=when,
            state=state,
            reference=reference,
        )

        return sales_chosen
