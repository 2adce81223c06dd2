"""The verbs of `./run cloud staff` about doors, and about who may pass them."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import bootstrap
from cloud.console import acts
from cloud.entry import access, check_ins, tickets
from cloud.entry.access_lists import COLUMNS, BadList, read_list, take_list
from cloud.entry.doors import (
    Door,
    DoorKind,
    NoClock,
    all_doors,
    make_clock,
    remove_door,
    set_door,
)
from cloud.entry.kept_palms import MOST_HOURS
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson
from cloud.merchants import merchants
from cloud.merchants.merchants import MerchantRow, SiteRow, place_of
from cloud.people.accounts import member_with
from cloud.staff_verbs import CannotDo, there
from protocol.hours import Hours
from protocol.messages import Direction

HOOK = re.compile(r"https://[^\s/]\S*|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/\S*)?")
"""The addresses to which check-ins may be sent: by HTTPS, or on this machine."""


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    add("doors", _list_doors, "list the doors")
    ticket = add(
        "take-ticket", _take_ticket, "take a ticket away from the person who has linked it"
    )
    membership = add(
        "unlink-membership",
        _unlink_membership,
        "take a membership away from everybody who has linked it",
    )
    for verb in (ticket, membership):
        verb.add_argument("merchant", help="the id of the merchant")
        verb.add_argument("code", help="the content of its QR code, or the code printed on it")
    door = add("set-door", _set_door, "set the door at which a device stands", "+")
    door.add_argument("device", help="the id of the device")
    door.add_argument("kind", choices=list(DoorKind), help="who decides there, and what opens")
    door.add_argument("name", help="the name of the door, as in access lists")
    door.add_argument("++exit", action="store_true", help="people leave through this door")
    door.add_argument("++everyone", action="store_true", help="nobody has to be on an access list")
    door.add_argument("++hours", default="", help="when it is open, such as mon-fri 07:00-19:00")
    door.add_argument("++area", help="the area that it leads into, which nobody enters twice")
    door.add_argument(
        "++offline",
        type=int,
        default=0,
        metavar="HOURS",
        help="how long the kiosk lets listed people who have agreed pass without a network",
    )
    gone = add("remove-door", _remove_door, "remove the door from a device", "+")
    gone.add_argument("device", help="the id of the device")
    clock = add("site-clock", _set_clock, "set the time zone and the holidays of a site")
    clock.add_argument("zone", help="a name of the IANA database, such as Europe/Berlin")
    clock.add_argument("holidays", nargs="*", help="the days on which its doors are closed")
    hook = add("site-hook", _set_hook, "set the address to which check-ins at a site are sent")
    hook.add_argument("url", help="an https address; none sends nothing")
    listed = add("access-list", _take_list, f"read who may pass: CSV with {', '.join(COLUMNS)}")
    listed.add_argument("file", type=Path)
    listed.add_argument("--whole", action="store_true", help="take access away from everybody else")
    taken = add("take-access", _take_access, "take a person's access at a site away")
    taken.add_argument("person", help="the id of the person in the site's own list")
    for verb in (clock, hook, listed, taken):
        verb.add_argument("--site", default=merchants.FIRST, help="the id of the site")


async def _list_doors(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row, door in await all_doors(session):
        who = "everyone" if door.everyone else "listed"
        hours, area = row.hours or "always", door.area or "-"
        offline = f"{door.list_hours} h" if door.list_hours else "-"
        print(
            *(row.device_id, door.kind, door.direction, who, hours, area, offline, door.name),
            sep="\t",
        )


async def _set_door(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    kind = DoorKind(arguments.kind)
    if arguments.everyone and kind in (DoorKind.CONTROLLER, DoorKind.DESK):
        raise CannotDo(
            "at such a door, the site's own system identifies people by the access list: leave "
            "++everyone out."
        )
    if arguments.offline and (arguments.everyone or kind in (DoorKind.VENUE, DoorKind.DESK)):
        raise CannotDo(
            "++offline is for doors that a relay or a controller opens for people on the list."
        )
    if not 0 <= arguments.offline <= MOST_HOURS:
        raise CannotDo(f"++offline is from 1 to {MOST_HOURS} hours.")
    try:
        hours = Hours.parse(arguments.hours)
    except ValueError as error:
        raise CannotDo(f"{error}.") from None
    door = Door(
        name=arguments.name,
        kind=kind,
        direction=Direction.EXIT if arguments.exit else Direction.ENTRY,
        everyone=arguments.everyone,
        hours=hours,
        area=arguments.area,
        list_hours=arguments.offline,
    )
    if not await set_door(session, arguments.device, door, arguments.hours):
        raise CannotDo(f"there is no active device {arguments.device}. List them: staff devices.")


async def _remove_door(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    if not await remove_door(session, arguments.device):
        raise CannotDo(f"the device {arguments.device} stands at no door. List them: staff doors.")


async def _set_clock(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    site = await _site(arguments, session)
    try:
        holidays = {date.fromisoformat(day) for day in arguments.holidays}
    except ValueError:
        raise CannotDo("holidays are written as 2027-12-25.") from None
    try:
        clock = make_clock(arguments.zone, holidays)
    except NoClock as why:
        raise CannotDo(f"{why}.") from None
    await acts.set_clock(session, arguments.by, site, clock.zone, clock.holidays)
    now = bootstrap.now().astimezone(clock.zone)
    print(f"It is {now:%Y-%m-%d %H:%M} there.")


async def _set_hook(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    site = await _site(arguments, session)
    if arguments.url == "none":
        if not await check_ins.remove_hook(session, site.id):
            raise CannotDo(f"no address is set for the site {site.id}.")
        return
    if not HOOK.fullmatch(arguments.url):
        raise CannotDo("check-ins are sent to an address that begins with https://.")
    print(await check_ins.set_hook(session, master, site.id, arguments.url))


async def _take_list(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    site = await _site(arguments, session)
    _, merchant = await place_of(session, site.id)
    try:
        listed = read_list(arguments.file.read_text(encoding="utf-8"), merchant.country)
    except BadList as bad:
        faults = "\n  ".join(f"{line}: {what}" for line, what in bad.faults)
        raise CannotDo(f"nothing was changed:\n  {faults}") from None
    except UnicodeDecodeError:
        raise CannotDo("nothing was changed: the file is not in UTF-8.") from None
    except OSError as error:
        raise CannotDo(f"the file cannot be read: {error.strerror}.") from None

    async def find_member(phone: str) -> OpenPerson | None:
        return await member_with(session, master, phone, merchant.id)

    now, whole = bootstrap.now(), bool(arguments.whole)
    came = await take_list(session, site, listed, find_member, now, whole=whole)
    print(
        f"Given {came.given}, unchanged {came.unchanged}, taken {came.taken}. Waiting for "
        f"{came.waiting}, who have not signed up or have not agreed here: read the list again."
    )


async def _take_access(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    site, name = await _site(arguments, session), arguments.person
    people = await access.called_at(session, master, site.id, name)
    if not people:
        raise CannotDo("nobody who has signed up has access at the site under this id.")
    await acts.take_access(session, arguments.by, site, people)


async def _take_ticket(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    merchant = await _merchant(arguments, session)
    found = await tickets.with_code(session, master, merchant.id, arguments.code)
    if not found:
        raise CannotDo("nobody at the merchant has linked this ticket.")
    await acts.take_tickets(session, arguments.by, merchant, found)


async def _unlink_membership(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    merchant = await _merchant(arguments, session)
    try:
        traces = await acts.unlink_membership(
            session, master, arguments.by, merchant, arguments.code
        )
    except ValidationError:
        raise CannotDo("this is no code of a membership card.") from None
    if not traces:
        raise CannotDo("nobody at the merchant has linked this membership.")


async def _merchant(arguments: argparse.Namespace, session: AsyncSession) -> MerchantRow:
    found = await merchants.find_merchant(session, arguments.merchant)
    return there(found, "merchants", arguments.merchant)


async def _site(arguments: argparse.Namespace, session: AsyncSession) -> SiteRow:
    return there(await merchants.find_site(session, arguments.site), "sites", arguments.site)
