"""Makes the search codes of enrolled palms anew after the gallery's secret was replaced."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Database
from cloud.keys.person_keys import MasterKey
from cloud.recognition import palms
from cloud.state import StateDamaged
from cloud.vault.client import VaultClient
from cloud.vault.transforms import renewed_at

BATCH = 256
"""The number of palms that one transaction renews: so many are repeated after a crash."""


async def renew_search_codes(
    store: Database,
    master: MasterKey,
    vault: VaultClient,
    transform: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
    *,
    is_new: bool = False,
) -> int:
    """Makes a new search code for every palm whose code has another transform, and returns how many
    there were.

    Codes are made from the sealed templates. Nobody else may use the database meanwhile. After a
    crash, the next call continues. `progress` is called after each batch with the number of palms
    done and their total. The transform is of a secret that `is_new`, or else was there when the
    vault was started: then no palm comes back to it from a newer one, since an older copy of the
    secret was put back. Raises StateDamaged, also when the vault cannot open a template, and
    VaultUnavailable.
    """
    done = 0
    async with store.session() as session:
        of = await palms.count_stale(session, transform)
        if of and not is_new:
            _must_be_newer(transform, await palms.transforms(session) - {transform})
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


def _must_be_newer(transform: str, others: Collection[str]) -> None:
    """Raises StateDamaged unless a transform has taken the place of all others. Of those whose
    names do not say when they were made it is not known."""
    newest = max(map(renewed_at, others), default=0)
    if newest and newest >= renewed_at(transform):
        made = datetime.fromtimestamp(newest / 1000, UTC)
        raise StateDamaged(
            "the vault has another templates.secret than the one under which codes of palms were "
            f"made since the re-keying of {made:%Y-%m-%d %H:%M} UTC, and not a newer one: an older "
            "copy was put back, or the vault's folder was not copied to this machine after that "
            "re-keying. Nothing was changed. Put back the newest; where that is lost, run rekey, "
            "which makes another secret."
        )


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
