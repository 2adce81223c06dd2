from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.problem_type import ProblemType
from ..models.reader_fault import ReaderFault
from ..models.storage_fault import StorageFault
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fault import Fault


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """Problem details of RFC 9457. `detail` never quotes the request.

    Attributes:
        type_ (ProblemType): The `type` of a problem, as a URN.
        title (str):
        status (int):
        detail (str):
        attempts_left (int | None | Unset):
        retry_after (int | None | Unset):
        time (datetime.datetime | None | Unset):
        storage (None | StorageFault | Unset):
        reader (None | ReaderFault | Unset):
        confirm_url (None | str | Unset):
        errors (list[Fault] | None | Unset):
        service (None | str | Unset):
    """

    type_: ProblemType
    title: str
    status: int
    detail: str
    attempts_left: int | Unset | None = UNSET
    retry_after: int | Unset | None = UNSET
    time: datetime.datetime | Unset | None = UNSET
    storage: StorageFault | Unset | None = UNSET
    reader: ReaderFault | Unset | None = UNSET
    confirm_url: str | Unset | None = UNSET
    errors: list[Fault] | Unset | None = UNSET
    service: str | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_.value

        title = self.title

        status = self.status

        detail = self.detail

        attempts_left: int | Unset | None
        if isinstance(self.attempts_left, Unset):
            attempts_left = UNSET
        else:
            attempts_left = self.attempts_left

        retry_after: int | Unset | None
        if isinstance(self.retry_after, Unset):
            retry_after = UNSET
        else:
            retry_after = self.retry_after

        time: str | Unset | None
        if isinstance(self.time, Unset):
            time = UNSET
        elif isinstance(self.time, datetime.datetime):
            time = self.time.isoformat()
        else:
            time = self.time

        storage: str | Unset | None
        if isinstance(self.storage, Unset):
            storage = UNSET
        elif isinstance(self.storage, StorageFault):
            storage = self.storage.value
        else:
            storage = self.storage

        reader: str | Unset | None
        if isinstance(self.reader, Unset):
            reader = UNSET
        elif isinstance(self.reader, ReaderFault):
            reader = self.reader.value
        else:
            reader = self.reader

        confirm_url: str | Unset | None
        if isinstance(self.confirm_url, Unset):
            confirm_url = UNSET
        else:
            confirm_url = self.confirm_url

        errors: list[dict[str, Any]] | Unset | None
        if isinstance(self.errors, Unset):
            errors = UNSET
        elif isinstance(self.errors, list):
            errors = []
            for errors_type_0_item_data in self.errors:
                errors_type_0_item = errors_type_0_item_data.to_dict()
                errors.append(errors_type_0_item)

        else:
            errors = self.errors

        service: str | Unset | None
        if isinstance(self.service, Unset):
            service = UNSET
        else:
            service = self.service

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
            }
        )
        if attempts_left is not UNSET:
            field_dict["attempts_left"] = attempts_left
        if retry_after is not UNSET:
            field_dict["retry_after"] = retry_after
        if time is not UNSET:
            field_dict["time"] = time
        if storage is not UNSET:
            field_dict["storage"] = storage
        if reader is not UNSET:
            field_dict["reader"] = reader
        if confirm_url is not UNSET:
            field_dict["confirm_url"] = confirm_url
        if errors is not UNSET:
            field_dict["errors"] = errors
        if service is not UNSET:
            field_dict["service"] = service

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fault import Fault  # noqa: PLC0415

        d = dict(src_dict)
        type_ = ProblemType(d.pop("type"))

        title = d.pop("title")

        status = d.pop("status")

        detail = d.pop("detail")

        def _parse_attempts_left(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        attempts_left = _parse_attempts_left(d.pop("attempts_left", UNSET))

        def _parse_retry_after(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        retry_after = _parse_retry_after(d.pop("retry_after", UNSET))

        def _parse_time(data: object) -> datetime.datetime | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                time_type_0 = datetime.datetime.fromisoformat(data)

                return time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        time = _parse_time(d.pop("time", UNSET))

        def _parse_storage(data: object) -> StorageFault | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                storage_type_0 = StorageFault(data)

                return storage_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StorageFault | Unset, data)

        storage = _parse_storage(d.pop("storage", UNSET))

        def _parse_reader(data: object) -> ReaderFault | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reader_type_0 = ReaderFault(data)

                return reader_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReaderFault | Unset, data)

        reader = _parse_reader(d.pop("reader", UNSET))

        def _parse_confirm_url(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        confirm_url = _parse_confirm_url(d.pop("confirm_url", UNSET))

        def _parse_errors(data: object) -> list[Fault] | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                errors_type_0 = []
                _errors_type_0 = data
                for errors_type_0_item_data in _errors_type_0:
                    errors_type_0_item = Fault.from_dict(errors_type_0_item_data)

                    errors_type_0.append(errors_type_0_item)

                return errors_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Fault] | None | Unset, data)

        errors = _parse_errors(d.pop("errors", UNSET))

        def _parse_service(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        service = _parse_service(d.pop("service", UNSET))

        problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            attempts_left=attempts_left,
            retry_after=retry_after,
            time=time,
            storage=storage,
            reader=reader,
            confirm_url=confirm_url,
            errors=errors,
            service=service,
        )

        problem.additional_properties = d
        return problem

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
