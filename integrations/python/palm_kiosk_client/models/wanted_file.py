from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.sale_state import SaleState
from ..types import UNSET, Unset

T = TypeVar("T", bound="WantedFile")


@_attrs_define
class WantedFile:
    """The filter for the purchases of a file. A field that is null does not filter.

    Attributes:
        site_id (None | str | Unset):
        device_id (None | str | Unset):
        when (None | str | Unset):
        state (None | SaleState | Unset):
        reference (None | str | Unset):
    """

    site_id: str | Unset | None = UNSET
    device_id: str | Unset | None = UNSET
    when: str | Unset | None = UNSET
    state: SaleState | Unset | None = UNSET
    reference: str | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        site_id: str | Unset | None
        if isinstance(self.site_id, Unset):
            site_id = UNSET
        else:
            site_id = self.site_id

        device_id: str | Unset | None
        if isinstance(self.device_id, Unset):
            device_id = UNSET
        else:
            device_id = self.device_id

        when: str | Unset | None
        if isinstance(self.when, Unset):
            when = UNSET
        else:
            when = self.when

        state: str | Unset | None
        if isinstance(self.state, Unset):
            state = UNSET
        elif isinstance(self.state, SaleState):
            state = self.state.value
        else:
            state = self.state

        reference: str | Unset | None
        if isinstance(self.reference, Unset):
            reference = UNSET
        else:
            reference = self.reference

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if site_id is not UNSET:
            field_dict["site_id"] = site_id
        if device_id is not UNSET:
            field_dict["device_id"] = device_id
        if when is not UNSET:
            field_dict["when"] = when
        if state is not UNSET:
            field_dict["state"] = state
        if reference is not UNSET:
            field_dict["reference"] = reference

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_site_id(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        site_id = _parse_site_id(d.pop("site_id", UNSET))

        def _parse_device_id(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        device_id = _parse_device_id(d.pop("device_id", UNSET))

        def _parse_when(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        when = _parse_when(d.pop("when", UNSET))

        def _parse_state(data: object) -> SaleState | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = SaleState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SaleState | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

        def _parse_reference(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reference = _parse_reference(d.pop("reference", UNSET))

        wanted_file = cls(
            site_id=site_id,
            device_id=device_id,
            when=when,
            state=state,
            reference=reference,
        )

        return wanted_file
