"""The verbs of `./run cloud staff` about accounts of the console, about acts that need two people,
and about the audit trail."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts, audit, four_eyes, members
from cloud.console.asking import link_at
from cloud.console.audit import By
from cloud.console.four_eyes import Nothing
from cloud.console.members import StaffRow
from cloud.console.roles import BadAccount, Reach, Role
from cloud.keys.person_keys import MasterKey
from cloud.merchants.merchants import find_merchant, find_site
from cloud.settings import Settings
from cloud.staff_verbs import CannotDo, there


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    new = add("add-user", _add_user, "add somebody who may use the console, and show their link")
    new.add_argument("name", help="the name by which colleagues know them")
    new.add_argument(
        "--role", choices=list(Role), default=Role.OPERATOR, help="their role; default: operator"
    )
    new.add_argument("--merchant", help="the id of the only merchant that they see")
    new.add_argument("--site", help="the id of the only site that they see")
    add("users", _list_users, "list who may use the console")
    link = add("user-link", _show_link, "show a new link with which somebody makes a passkey")
    end = add("end-user", _end_user, "end an account, which can no longer use the console")
    for verb in (link, end):
        verb.add_argument("user", help="the id of the account")
    add("asked", _list_asked, "list the requests for acts that need two people, and their states")
    approve = add("approve", _approve, "approve a request of somebody else")
    decline = add("decline", _decline, "decline a request, or take back your own")
    for verb in (approve, decline):
        verb.add_argument("request", help="the id of the request")
    add("ask-rekey", _ask_rekey, "ask for approval to replace the gallery's secret (rekey)")
    add("audit", _export, "print the audit trail, as lines of JSON")
    check = add("verify-audit", _verify, "check that no row of the audit trail was changed or lost")
    check.add_argument(
        "export", type=Path, nargs="?", help="an earlier export, whose rows must all be there"
    )


async def _add_user(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    name = " ".join(arguments.name.split())
    if not 0 < len(name) <= members.NAME_LENGTH:
        raise CannotDo(f"a name has 1 to {members.NAME_LENGTH} characters.")
    merchant_id: str | None = arguments.merchant
    if merchant_id is not None:
        there(await find_merchant(session, merchant_id), "merchants", merchant_id)
    if arguments.site is not None:
        site = there(await find_site(session, arguments.site), "sites", arguments.site)
        if merchant_id not in (None, site.merchant_id):
            raise CannotDo(f"the site {site.id} is not one of merchant {merchant_id}.")
        merchant_id = site.merchant_id
    reach = Reach(Role(arguments.role), merchant_id, arguments.site)
    try:
        member, token = await acts.add_member(session, master, arguments.by, name, reach)
    except BadAccount as error:
        raise CannotDo(f"{error}.") from None
    print(f"user {member.id}")
    _print_link(arguments, token)


async def _list_users(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in await members.all_members(session):
        print(row.id, row.role, row.merchant_id or "-", row.site_id or "-", row.name, sep="\t")


async def _show_link(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    member = await _user(arguments, session)
    _print_link(arguments, await acts.make_link(session, master, arguments.by, member))


async def _end_user(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await acts.end_member(session, arguments.by, await _user(arguments, session))


async def _list_asked(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    by: By = arguments.by
    for row in await four_eyes.all_asked(session):
        at, state = f"{row.at:%Y-%m-%d %H:%M}", four_eyes.state(row, by.at)
        print(row.id, at, row.who, row.merchant_id or "-", state, row.act, row.arguments, sep="\t")


async def _approve(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await _decide(arguments, session, approves=True)


async def _decline(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await _decide(arguments, session, approves=False)


async def _decide(arguments: argparse.Namespace, session: AsyncSession, *, approves: bool) -> None:
    try:
        await four_eyes.decide(session, arguments.by, arguments.request, approves=approves)
    except four_eyes.CannotDecide as no:
        if no.why is four_eyes.Why.OWN:
            raise CannotDo(
                "you have made this request yourself, so somebody else has to approve it."
            ) from None
        if no.why is four_eyes.Why.KEY:
            raise CannotDo(
                "the key with which this request was made was removed or has expired: decline it."
            ) from None
        if no.why is four_eyes.Why.ACCOUNT:
            raise CannotDo(
                "the account with which this request was made has ended: decline it."
            ) from None
        raise CannotDo(
            f"no request {arguments.request} waits. List the requests: staff asked."
        ) from None


async def _ask_rekey(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    row = await four_eyes.ask(session, arguments.by, four_eyes.REKEY, Nothing(), None)
    print(f"request {row.id}")


async def _export(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    by: By = arguments.by
    await acts.export_trail(session, by, None)
    async for line in audit.exported(session):
        print(line, end="")


async def _verify(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    path: Path | None = arguments.export
    lines = [] if path is None else _lines(path)
    count, faults = await audit.faults(session, lines)
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise CannotDo(f"the audit trail is NOT whole:{listed}")
    beside = "" if path is None else f", among them all {len(lines)} of {path}"
    print(f"The audit trail is whole: {count} rows{beside}.")


def _lines(path: Path) -> list[str]:
    """Returns the lines of an export. Raises CannotDo."""
    try:
        return path.read_text("utf-8").splitlines()
    except OSError as error:
        raise CannotDo(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CannotDo(f"{path} is no export: it is not text.") from None


async def _user(arguments: argparse.Namespace, session: AsyncSession) -> StaffRow:
    return there(await members.find_member(session, arguments.user), "users", arguments.user)


def _print_link(arguments: argparse.Namespace, token: str) -> None:
    chosen: Settings = arguments.chosen
    url = chosen.console.url
    if url is None:
        print(
            "cloud: console.url is not set in settings.toml, so there is a console only in the "
            "sandbox.",
            file=sys.stderr,
        )
    origin = f"https://localhost:{chosen.serving.port}" if url is None else str(url).rstrip("/")
    print(link_at(origin, token))
