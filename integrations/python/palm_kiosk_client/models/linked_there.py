from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="LinkedThere")


@_attrs_define
class LinkedThere:
    """How many tickets and memberships of a merchant people have linked to their palms.

    Attributes:
        tickets (int): A person has at most 8, and each is kept for 400 days.
        people_with_tickets (int):
        memberships (int):
    """

    tickets: int
    people_with_tickets: int
    memberships: int

    def to_dict(self) -> dict[str, Any]:
        tickets = self.tickets

        people_with_tickets = self.people_with_tickets

        memberships = self.memberships

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "tickets": tickets,
                "people_with_tickets": people_with_tickets,
                "memberships": memberships,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        tickets = d.pop("tickets")

        people_with_tickets = d.pop("people_with_tickets")

        memberships = d.pop("memberships")

        linked_there = cls(
            tickets=tickets,
            people_with_tickets=people_with_tickets,
            memberships=memberships,
        )

        return linked_there
