"""Makes the search codes of enrolled palms anew after the gallery's secret was replaced."""

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Database
from cloud.keys.person_keys import MasterKey
from cloud.recognition import palms
from cloud.state import StateDamaged
from cloud.vault.client import VaultClient

BATCH = 256
"""The number of palms that one transaction renews: so many are repeated after a crash."""


async def renew_search_codes(
    store: Database,
    master: MasterKey,
    vault: VaultClient,
    transform: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Makes a new search code for every palm whose code has another transform, and returns how many
    there were.

    Codes are made from the sealed templates. Nobody else may use the database meanwhile. After a
    crash, the next call continues. `progress` is called after each batch with the number of palms
    done and their total. Raises StateDamaged when the vault cannot open a template, and
    VaultUnavailable.
    """
    done = 0
    async with store.session() as session:
        of = await palms.count_stale(session, transform)
        while done < of:
            await _renew_batch(session, master, vault, transform)
            done = of - await palms.count_stale(session, transform)
            await session.commit()
            progress(done, of)
    if done:
        # Between the rows lie copies of codes under the old secret.
        await store.rewrite()
        await store.forget_erased()
    return done


async def _renew_batch(
    session: AsyncSession, master: MasterKey, vault: VaultClient, transform: str
) -> None:
    stale = await palms.stale_palms(session, master, transform, BATCH)
    await session.commit()
    for person, row in stale:
        if row.transform == palms.UNPROTECTED:
            protected = await vault.protect(palms.open_unprotected(person, row))
            palms.keep_template(person, row, protected)
    rest = [
        (person, row, palms.entry(person, row).template)
        for person, row in stale
        if row.transform != transform
    ]
    for version, group in groupby(rest, key=lambda each: each[2].version):
        same_version = list(group)
        sealed = [template.sealed for _, _, template in same_version]
        search_codes = await vault.search_codes(version, sealed)
        for (person, row, template), search_code in zip(same_version, search_codes, strict=True):
            if search_code is None:
                raise StateDamaged(
                    "the vault cannot open the palms that are enrolled: its templates.secret is "
                    "not the one they were sealed with. Restore it from the backup of the keys."
                )
            renewed = replace(template, transform=transform, search_code=search_code)
            palms.keep_template(person, row, renewed)
