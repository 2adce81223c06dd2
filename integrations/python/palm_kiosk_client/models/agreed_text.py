from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.consent_text import ConsentText


T = TypeVar("T", bound="AgreedText")


@_attrs_define
class AgreedText:
    """A text that people are asked to agree to now.

    Attributes:
        digest (str):
        text (ConsentText): What somebody is asked to agree to, word by word. It is known by its digest
            (`protocol.documents.digest_of`), so what was agreed to is what was shown.
        people (int):
        since (datetime.datetime | None):
    """

    digest: str
    text: ConsentText
    people: int
    since: datetime.datetime | None

    def to_dict(self) -> dict[str, Any]:
        digest = self.digest

        text = self.text.to_dict()

        people = self.people

        since: str | None
        if isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "digest": digest,
                "text": text,
                "people": people,
                "since": since,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent_text import ConsentText  # noqa: PLC0415

        d = dict(src_dict)
        digest = d.pop("digest")

        text = ConsentText.from_dict(d.pop("text"))

        people = d.pop("people")

        def _parse_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        since = _parse_since(d.pop("since"))

        agreed_text = cls(
            digest=digest,
            text=text,
            people=people,
            since=since,
        )

        return agreed_text
