"""What merchants, sites, kiosks and staff are called today, as far as somebody sees them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import members
from cloud.console.audit import Door
from cloud.console.roles import Reach
from cloud.merchants.merchants import all_merchants, all_sites
from cloud.web.devices import all_devices


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id."""

    merchants: Mapping[str, str]
    sites: Mapping[str, str]
    kiosks: Mapping[str, str]

    @property
    def all(self) -> Mapping[str, str]:
        """The first merchant and its first site have one id: that is the site's here."""
        return {**self.merchants, **self.sites, **self.kiosks}


async def names_in(session: AsyncSession, reach: Reach) -> Names:
    """Returns what is in reach. Who sees one site sees the name of its merchant."""
    merchants = await all_merchants(session)
    sites = [row for row in await all_sites(session) if reach.covers(row.merchant_id, row.id)]
    kiosks = [
        row for row in await all_devices(session) if reach.covers(row.merchant_id, row.site_id)
    ]
    return Names(
        {row.id: row.name for row in merchants if reach.merchant_id in (None, row.id)},
        {row.id: row.name for row in sites},
        {row.id: row.name for row in kiosks},
    )


async def staff_in(session: AsyncSession, reach: Reach) -> Mapping[str, str]:
    """Returns who is in reach, by their ids: a merchant is not told who works for the operator."""
    everybody = await members.all_members(session)
    return {row.id: row.name for row in everybody if reach.covers(row.merchant_id, row.site_id)}


def called(staff: Mapping[str, str], door: str, who: str) -> str:
    """Returns what whoever did something is called, with the names of the staff in reach."""
    match door:
        case Door.COMMAND:
            return f"{who}, by command"
        case Door.API:
            return f"A system with the key {who}"
        case _:
            return staff.get(who, unseen(who))


def unseen(staff_id: str) -> str:
    """Returns what somebody is called whose account is not in reach, or has ended."""
    return f"The account {staff_id}"
