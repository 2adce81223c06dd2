from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.often import Often


T = TypeVar("T", bound="ServicePolicy")


@_attrs_define
class ServicePolicy:
    """The policy of the whole service, because all merchants share one gallery of palms.

    Attributes:
        light_challenge (bool):
        stranger_accepted (float):
        stranger_asked_for_digits (float):
        comparison_wrong (float):
        number_proven_wrongly (float):
        palms_in_a_visit (int):
        failed_proofs (Often): How often something may happen within a time.
        payments (Often): How often something may happen within a time.
    """

    light_challenge: bool
    stranger_accepted: float
    stranger_asked_for_digits: float
    comparison_wrong: float
    number_proven_wrongly: float
    palms_in_a_visit: int
    failed_proofs: Often
    payments: Often

    def to_dict(self) -> dict[str, Any]:
        light_challenge = self.light_challenge

        stranger_accepted = self.stranger_accepted

        stranger_asked_for_digits = self.stranger_asked_for_digits

        comparison_wrong = self.comparison_wrong

        number_proven_wrongly = self.number_proven_wrongly

        palms_in_a_visit = self.palms_in_a_visit

        failed_proofs = self.failed_proofs.to_dict()

        payments = self.payments.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "light_challenge": light_challenge,
                "stranger_accepted": stranger_accepted,
                "stranger_asked_for_digits": stranger_asked_for_digits,
                "comparison_wrong": comparison_wrong,
                "number_proven_wrongly": number_proven_wrongly,
                "palms_in_a_visit": palms_in_a_visit,
                "failed_proofs": failed_proofs,
                "payments": payments,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.often import Often  # noqa: PLC0415

        d = dict(src_dict)
        light_challenge = d.pop("light_challenge")

        stranger_accepted = d.pop("stranger_accepted")

        stranger_asked_for_digits = d.pop("stranger_asked_for_digits")

        comparison_wrong = d.pop("comparison_wrong")

        number_proven_wrongly = d.pop("number_proven_wrongly")

        palms_in_a_visit = d.pop("palms_in_a_visit")

        failed_proofs = Often.from_dict(d.pop("failed_proofs"))

        payments = Often.from_dict(d.pop("payments"))

        service_policy = cls(
            light_challenge=light_challenge,
            stranger_accepted=stranger_accepted,
            stranger_asked_for_digits=stranger_asked_for_digits,
            comparison_wrong=comparison_wrong,
            number_proven_wrongly=number_proven_wrongly,
            palms_in_a_visit=palms_in_a_visit,
            failed_proofs=failed_proofs,
            payments=payments,
        )

        return service_policy
