"""The present names of merchants, sites, kiosks and staff, as far as somebody may see them."""

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
        """Returns all names by id. The first merchant and its first site have the same id, which
        stands for the site here."""
        return {**self.merchants, **self.sites, **self.kiosks}


async def names_in(session: AsyncSession, reach: Reach) -> Names:
    """Returns the names of what is in reach. Whoever sees one site also sees the name of its
    merchant."""
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
    """Returns the names of the staff in reach by their ids. A merchant does not learn who works for
    the operator."""
    everybody = await members.all_members(session)
    return {row.id: row.name for row in everybody if reach.covers(row.merchant_id, row.site_id)}


def called(staff: Mapping[str, str], door: str, who: str) -> str:
    """Returns the words for whoever did something. `staff` are the names of the staff in reach, and
    `door` and `who` are as in AuditRow."""
    match door:
        case Door.COMMAND:
            return f"{who}, by command"
        case Door.API:
            return f"A system with the key {who}"
        case _:
            return staff.get(who, unseen(who))


def unseen(staff_id: str) -> str:
    """Returns the words for somebody whose account is not in reach, or has ended."""
    return f"The account {staff_id}"
