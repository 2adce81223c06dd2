"""Attacks as staff see them: where each was, and what can be done about it."""

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
"""What locking the kiosk may be an answer to (`incidents.html`)."""


class Remedy(StrEnum):
    """What can be done about an attack, beside looking at it."""

    LOCK = "lock_kiosk"
    FREEZE = "freeze_account"


@dataclass(frozen=True, slots=True)
class Attack:
    """An incident with what is known of where it was."""

    row: IncidentRow
    kiosk: Kiosk | None
    """None when its kiosk is elsewhere by now, and out of reach."""
    remedies: frozenset[Remedy]
    """What whoever sees it may do."""

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def is_serious(self) -> bool:
        return is_serious(self.row)

    @property
    def key(self) -> str | None:
        """Returns the name of the key with which a system has looked at it; None where nobody has,
        or somebody of the staff."""
        who = self.row.looked_by
        return who if who is not None and who.startswith(f"{KeyUse.API}_") else None


async def seen(
    session: AsyncSession, reach: Reach, rows: Sequence[IncidentRow], now: datetime
) -> list[Attack]:
    """Returns incidents as somebody sees them who has them in reach."""
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
    # Who may not freeze it is not told that it is about somebody.
    if row.person_id is not None and reach.may(Right.FREEZE):
        found.add(Remedy.FREEZE)
    return frozenset(found)
