from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.agreed_text import AgreedText
    from ..models.site_law import SiteLaw


T = TypeVar("T", bound="AgreedTexts")


@_attrs_define
class AgreedTexts:
    """The texts that people are asked to agree to at a site before their palm is used, and the
    values that stand in them. When one of these values changes, the texts that contain it change
    too, and everybody is asked again.

        Attributes:
            texts (list[AgreedText]):
            people (int):
            law (SiteLaw): The law that applies to the consents of people at a site.
            merchant (str):
            operator (str):
            contact (None | str):
            inactive_months (int):
            is_reviewed (bool):
            reviewed_on (datetime.date | None):
    """

    texts: list[AgreedText]
    people: int
    law: SiteLaw
    merchant: str
    operator: str
    contact: str | None
    inactive_months: int
    is_reviewed: bool
    reviewed_on: datetime.date | None

    def to_dict(self) -> dict[str, Any]:
        texts = []
        for texts_item_data in self.texts:
            texts_item = texts_item_data.to_dict()
            texts.append(texts_item)

        people = self.people

        law = self.law.to_dict()

        merchant = self.merchant

        operator = self.operator

        contact: str | None
        contact = self.contact

        inactive_months = self.inactive_months

        is_reviewed = self.is_reviewed

        reviewed_on: str | None
        if isinstance(self.reviewed_on, datetime.date):
            reviewed_on = self.reviewed_on.isoformat()
        else:
            reviewed_on = self.reviewed_on

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "texts": texts,
                "people": people,
                "law": law,
                "merchant": merchant,
                "operator": operator,
                "contact": contact,
                "inactive_months": inactive_months,
                "is_reviewed": is_reviewed,
                "reviewed_on": reviewed_on,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agreed_text import AgreedText  # noqa: PLC0415
        from ..models.site_law import SiteLaw  # noqa: PLC0415

        d = dict(src_dict)
        texts = []
        _texts = d.pop("texts")
        for texts_item_data in _texts:
            texts_item = AgreedText.from_dict(texts_item_data)

            texts.append(texts_item)

        people = d.pop("people")

        law = SiteLaw.from_dict(d.pop("law"))

        merchant = d.pop("merchant")

        operator = d.pop("operator")

        def _parse_contact(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        contact = _parse_contact(d.pop("contact"))

        inactive_months = d.pop("inactive_months")

        is_reviewed = d.pop("is_reviewed")

        def _parse_reviewed_on(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reviewed_on_type_0 = datetime.date.fromisoformat(data)

                return reviewed_on_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        reviewed_on = _parse_reviewed_on(d.pop("reviewed_on"))

        agreed_texts = cls(
            texts=texts,
            people=people,
            law=law,
            merchant=merchant,
            operator=operator,
            contact=contact,
            inactive_months=inactive_months,
            is_reviewed=is_reviewed,
            reviewed_on=reviewed_on,
        )

        return agreed_texts
