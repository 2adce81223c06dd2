"""Keeping what is enrolled up to date: codes when the gallery's secret was replaced, templates when
a better signer has come."""

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.database import Database
from cloud.keys.person_keys import MasterKey
from cloud.people.accounts import OpenPerson, find_person
from cloud.recognition.gallery import Match
from cloud.state import StateDamaged
from cloud.tables import PalmRow, Person
from cloud.vault.client import ExaminedPalm, VaultClient
from cloud.web.signed_request import Call

BATCH = 256
"""Palms that are written at once: what a kill undoes."""

UNPROTECTED = ""
"""The transform of what was enrolled before templates were protected."""


async def renew_template(call: Call, seen: ExaminedPalm, met: Match) -> None:
    """Enrols the palm of somebody who was met in an old version anew, as they have just shown it.

    Call it in the transaction in which they are accepted.
    """
    row = await call.session.get(PalmRow, met.palm_id)
    if met.version == seen.current.version or row is None:
        return
    known = await find_person(call.session, call.context.master, met.person_id)
    known.keep_template(row, seen.current)
    entry = known.entry(row)

    async def let_be_found_anew() -> None:
        call.context.gallery.enrol([entry])

    call.afterwards += [let_be_found_anew, call.context.database.forget_erased]


async def renew_search_codes(
    store: Database,
    master: MasterKey,
    vault: VaultClient,
    transform: str,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Makes a new code of every palm whose code is not of that transform, from its sealed template,
    and says of how many. Nobody else may be at the database meanwhile. Killed, it goes on where it
    was when it is called again.

    Raises StateDamaged where the vault cannot open a template, and VaultUnavailable.
    """
    done = 0
    async with store.session() as session:
        stale = select(func.count()).where(PalmRow.transform != transform)
        of = await session.scalar(stale) or 0
        while done < of:
            await _renew_batch(session, master, vault, transform)
            done = of - (await session.scalar(stale) or 0)
            await session.commit()
            tell(done, of)
    if done:
        # The codes of before are in no file any more.
        await store.forget_erased()
    return done


async def _renew_batch(
    session: AsyncSession, master: MasterKey, vault: VaultClient, transform: str
) -> None:
    stale = (
        select(PalmRow, Person.wrapped_key)
        .join(Person, Person.id == PalmRow.person_id)
        .where(PalmRow.transform != transform)
        .order_by(PalmRow.version)
        .limit(BATCH)
    )
    found = [
        (OpenPerson(row.person_id, master.unwrap(wrapped, row.person_id)), row)
        for row, wrapped in await session.execute(stale)
    ]
    await session.commit()
    for known, row in found:
        if row.transform == UNPROTECTED:
            known.keep_template(row, await vault.protect(known.open_unprotected(row)))
    rest = [
        (known, row, known.entry(row).template)
        for known, row in found
        if row.transform != transform
    ]
    for version, alike in groupby(rest, key=lambda each: each[2].version):
        palms = list(alike)
        search_codes = await vault.search_codes(
            version, [template.sealed for _, _, template in palms]
        )
        for (known, row, template), search_code in zip(palms, search_codes, strict=True):
            if search_code is None:
                raise StateDamaged(
                    "the vault cannot open the palms that are enrolled: its templates.secret is "
                    "not the one they were sealed with. Restore it from the backup of the keys."
                )
            known.keep_template(
                row, replace(template, transform=transform, search_code=search_code)
            )
