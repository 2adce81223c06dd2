"""Attacks as staff see them: at which kiosk each happened, and what can be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.kiosks import Kiosk, State, kiosks
from cloud.console.roles import Reach, Right
from cloud.seen import Kind
from cloud.watch.incidents import IncidentRow, is_serious
from cloud.web.merchant_keys import KeyUse

_LOCKING = {Kind.COPIED, Kind.LIFELESS, Kind.CHALLENGES, Kind.GUESSES_HERE, Kind.CODES}
"""The kinds of attack for which locking the kiosk is offered (`incidents.html`)."""


class Remedy(StrEnum):
    """What staff can do about an attack, besides marking it as looked at."""

    LOCK = "lock_kiosk"
    FREEZE = "freeze_account"


@dataclass(frozen=True, slots=True)
class Attack:
    """An incident, with the kiosk at which it happened."""

    row: IncidentRow
    kiosk: Kiosk | None
    """None when the kiosk has moved out of reach since."""
    remedies: frozenset[Remedy]
    """The remedies that the person who sees the attack may use."""

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def is_serious(self) -> bool:
        return is_serious(self.row)

    @property
    def key(self) -> str | None:
        """Returns the name of the key with which a system has marked it as looked at; None where
        nobody has, or a member of staff has."""
        who = self.row.looked_by
        return who if who is not None and who.startswith(f"{KeyUse.API}_") else None


async def seen(
    session: AsyncSession, reach: Reach, rows: Sequence[IncidentRow], now: datetime
) -> list[Attack]:
    """Returns incidents as somebody with this reach sees them; all of `rows` must be in it."""
    there = {each.device.id: each for each in await kiosks(session, reach, now)}
    return [
        Attack(row, there.get(row.device_id), _remedies(reach, row, there.get(row.device_id)))
        for row in rows
    ]


def _remedies(reach: Reach, row: IncidentRow, kiosk: Kiosk | None) -> frozenset[Remedy]:
    found: set[Remedy] = set()
    can_lock = kiosk is not None and kiosk.state is not State.REVOKED and not kiosk.is_locked
    if can_lock and Kind(row.kind) in _LOCKING and reach.may(Right.LOCK):
        found.add(Remedy.LOCK)
    # Whoever may not freeze an account does not learn that the incident is about one.
    if row.person_id is not None and reach.may(Right.FREEZE):
        found.add(Remedy.FREEZE)
    return frozenset(found)
