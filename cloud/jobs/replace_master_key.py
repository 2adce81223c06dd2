"""Replaces the master key: everybody's key is wrapped anew, and the keyed hashes are made again.

Everything is written in one transaction, which also notes the new key. So a replacement that is
killed has been done or not, and `cloud.bootstrap.finish_replacing` knows which.
"""

from cloud.console import sign_ins as console_sign_ins
from cloud.context import Database
from cloud.entry import check_ins
from cloud.integrations import events, palm_requests, receivers
from cloud.keys import persons
from cloud.keys.person_keys import MasterKey
from cloud.loyalty import memberships
from cloud.merchants import devices
from cloud.outbox import queue
from cloud.payments import cards
from cloud.people import (
    accounts,
    begun,
    claims,
    enrolments,
    one_time_codes,
    passkeys,
    sign_ins,
)
from cloud.web import merchant_keys, signed_request

RENEWED = (accounts, enrolments, begun, passkeys, memberships)
"""The modules whose keyed hashes are of what is sealed beside them; each makes its own anew."""
FORGOTTEN = (one_time_codes, claims, devices, signed_request, console_sign_ins)
"""The modules whose keyed hashes live for a day at most, of what only somebody else has."""


async def replace_master_key(store: Database, old: MasterKey, new: MasterKey) -> tuple[int, int]:
    """Writes with the new key what was written with the old one. Returns how many people there are,
    and how many keys of tills and systems are gone, of which only hashes were stored.

    Nobody else may use the database meanwhile. Everybody is signed out of the portal and the
    console; links of staff, codes and activation codes that were sent are void. Raises
    cryptography's InvalidTag when `old` is not the key in force.
    """
    async with store.session() as session:
        for module in RENEWED:
            await module.renew_lookups(session, old, new)
        for module in FORGOTTEN:
            await module.forget_all(session)
        await cards.renew_lookups(session)
        for resealed in (queue, check_ins, receivers, events, palm_requests):
            await resealed.reseal(session, old.outbox, new.outbox)
        await sign_ins.end_all(session)
        keys = await merchant_keys.remove_all(session)
        people = await persons.rewrap(session, old, new)
        await session.commit()
    return people, keys
