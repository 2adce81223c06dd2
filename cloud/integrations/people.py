"""People by an integrator's own reference: the membership that they have linked to their palm.

A person links it themselves, by showing its code to a kiosk of the merchant, and ends that there or
in leaving. Nothing else of them is told.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from cloud.integrations import asking
from cloud.integrations.asking import Asker, Scope, needs
from cloud.loyalty.memberships import linked_to
from protocol.messages import MembershipCode, Message

router: APIRouter = asking.router()


class Palm(Message):
    """That a reference is linked to a person's palm."""

    reference: str
    linked_at: AwareDatetime


class People(Message):
    people: list[Palm]
    """One for each person: a family may share a card. None when the reference is linked to
    nobody."""


@router.get("/people", dependencies=needs(Scope.PEOPLE_READ))
async def find(
    asked: Asker,
    reference: Annotated[MembershipCode, Query(description="What your member's card says.")],
) -> People:
    """Tells whose palms are linked to a reference of yours."""
    linked = await linked_to(asked.session, asked.context.master, asked.merchant_id, reference)
    return People(people=[Palm(reference=reference, linked_at=at) for at in linked])
