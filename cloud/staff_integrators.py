"""The verbs of `./run cloud staff` about integrators: their keys and their webhooks."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cloud import bootstrap
from cloud.integrations.asking import SCOPES, Scope
from cloud.integrations.receivers import all_receivers
from cloud.keys.person_keys import MasterKey
from cloud.merchants.merchants import find_merchant
from cloud.staff_verbs import days, there
from cloud.web.merchant_keys import KeyUse, make_key


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    key = add("api-key", _make_key, "show a new key of the API for integrators")
    whose = key.add_mutually_exclusive_group(required=True)
    whose.add_argument("merchant", nargs="?", help="the id of the merchant")
    whose.add_argument(
        "--operator",
        action="store_true",
        help="a key of the operator's, for all merchants and for the service itself",
    )
    key.add_argument(
        "--scopes",
        nargs="+",
        choices=list(Scope),
        default=list(Scope),
        metavar="SCOPE",
        help=f"what it may do; default: everything: {', '.join(SCOPES)}",
    )
    key.add_argument(
        "--days", type=days, default=365, help="after how many days it expires; default: 365"
    )
    add("webhooks", _list_receivers, "list the receivers of webhooks, and what was not delivered")


async def _make_key(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    name: str | None = arguments.merchant
    if name is not None:
        there(await find_merchant(session, name), "merchants", name)
    life, scopes = timedelta(days=arguments.days), set(arguments.scopes)
    now = bootstrap.now()
    print(await make_key(session, master, KeyUse.API, name, now, life=life, scopes=scopes))


async def _list_receivers(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row, waiting, given_up in await all_receivers(session):
        counts = f"waiting {waiting}", f"given up {given_up}"
        print(row.id, row.merchant_id, *counts, row.events, row.url, sep="\t")
