"""The verbs of `./run cloud staff` with which kiosks are managed remotely."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.fleet import pictures
from cloud.fleet.bundles import bundle_of
from cloud.fleet.orders import (
    PICTURED,
    SETTINGS,
    acts_on,
    all_settings,
)
from cloud.fleet.picture_making import Kind, make, read_file
from cloud.keys.person_keys import MasterKey
from cloud.merchants.merchants import (
    all_merchants,
    all_sites,
    find_merchant,
    find_site,
)
from cloud.settings import Settings
from cloud.staff_verbs import CannotDo, there
from cloud.web.amounts import Demand, Place, in_force
from cloud.web.devices import DeviceRow, find_device
from protocol.fleet import MAX_ATTRACT
from protocol.pictures import NoPicture

NOTHING = "none"
"""The value that removes a setting."""


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    chosen = add(
        "set-kiosk", _set_kiosk, "change settings of a kiosk or of all kiosks of a site", "+"
    )
    chosen.add_argument("scope", help="the id of the site or of the device")
    chosen.add_argument("++variant", help="dark or light; none for the kiosk's own setting")
    for variant in ("light", "dark"):
        chosen.add_argument(
            f"++accent_{variant}",
            metavar="COLOUR",
            help=f"the colour of buttons and drawings on a {variant} kiosk, such as #00694e; none "
            "for the kiosk's green",
        )
    chosen.add_argument(
        "++volume", help="the volume of the loudspeaker, 0 to 100; none for full volume"
    )
    chosen.add_argument(
        "++hours",
        help="when shoppers may begin something, such as mon-fri 07:00-19:00; none for always",
    )
    chosen.add_argument(
        "++helpline", help="whom people can call when the kiosk is out of service; none for nobody"
    )
    chosen.add_argument(
        "++logo", help="a PNG, JPEG or WebP in place of the merchant's name; none for the name"
    )
    chosen.add_argument(
        "++attract",
        nargs="+",
        metavar="FILE",
        help=f"up to {MAX_ATTRACT} pictures that are shown while nobody touches the welcome "
        "screen; none for no pictures",
    )
    add("kiosk-settings", _list_settings, "list the settings of kiosks")
    restart = add("restart-device", _restart, "restart a kiosk within a minute", "+")
    lock = add("lock-device", _lock, "lock a kiosk until it is activated again", "+")
    maintain = add(
        "maintain-device", _maintain, "take a kiosk out of service until it is put back", "+"
    )
    serve = add("serve-device", _put_back, "put a kiosk back into service", "+")
    bundle = add("support-bundle", _show_bundle, "show the support bundle of a kiosk", "+")
    for verb in (restart, lock, maintain, serve, bundle):
        verb.add_argument("device", help="the id of the device")
    add("policies", _list_policies, "list the limits of payments, and who has set each")
    limits = add("set-policy", _set_policy, "set limits of payments of a merchant or a site")
    where = limits.add_mutually_exclusive_group(required=True)
    where.add_argument("--merchant", help="the id of the merchant")
    where.add_argument("--site", help="the id of one of its sites")
    for demand in Demand:
        limits.add_argument(
            f"--{demand.replace('_', '-')}",
            type=_minor,
            metavar="AMOUNT",
            help="in the minor unit of the merchant's currency; none removes the limit",
        )
    add("acts", _list_acts, "list the orders to kiosks, who has given them, and tampering")


async def _set_kiosk(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    name: str = arguments.scope
    scope = await find_site(session, name) or await find_device(session, name)
    if scope is None:
        raise CannotDo(f"there is no {name}. List them: staff sites, staff devices.")
    given: dict[str, str | list[str] | None] = {name: getattr(arguments, name) for name in SETTINGS}
    if all(value is None for value in given.values()):
        raise CannotDo(f"name what to set: {', '.join(f'++{name}' for name in SETTINGS)}.")
    try:
        values = {
            name: await _value(session, name, value)
            for name, value in given.items()
            if value is not None
        }
        await acts.change_content(session, arguments.by, scope, values)
    except OSError as error:
        raise CannotDo(f"{error.filename} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotDo(f"{error}.") from None


async def _value(session: AsyncSession, name: str, given: str | list[str]) -> str | None:
    """Returns the value of a setting, None to remove it. Pictures are stored, and their digests are
    the value. Raises ValueError, and OSError when a file cannot be read."""
    words = [given] if isinstance(given, str) else given
    if words == [NOTHING]:
        return None
    if name not in PICTURED:
        return words[0]
    if len(words) > MAX_ATTRACT:
        raise ValueError(f"there are at most {MAX_ATTRACT} pictures")
    kind: Kind = "logo" if name == "logo" else "attract"
    kept: list[str] = []
    for word in words:
        try:
            made = await make(kind, read_file(Path(word)))
        except NoPicture as why:
            raise ValueError(f"{word}: {why}") from None
        kept.append(await pictures.keep(session, made.content, made.ink))
    return " ".join(kept)


async def _list_settings(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in await all_settings(session):
        print(row.scope, row.name, row.value, sep="\t")


async def _restart(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await acts.restart_device(session, arguments.by, await _active(arguments, session))


async def _lock(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await acts.lock_device(session, arguments.by, await _active(arguments, session))


async def _maintain(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await acts.call_to_maintenance(session, arguments.by, await _active(arguments, session))


async def _put_back(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    await acts.put_back(session, arguments.by, await _active(arguments, session))


async def _active(arguments: argparse.Namespace, session: AsyncSession) -> DeviceRow:
    """Returns the device that the argument names. Raises CannotDo when it is not active."""
    device = await find_device(session, arguments.device)
    if device is None or device.revoked_at is not None:
        raise CannotDo(f"there is no active device {arguments.device}. List them: staff devices.")
    return device


async def _list_policies(
    arguments: argparse.Namespace, session: AsyncSession, _: MasterKey
) -> None:
    chosen: Settings = arguments.chosen
    merchants = {row.id: row for row in await all_merchants(session)}
    places = [(merchant, Place(merchant.id)) for merchant in merchants.values()]
    places += [
        (merchants[site.merchant_id], Place(site.merchant_id, site.id))
        for site in await all_sites(session)
    ]
    for merchant, place in places:
        for demand, said in (await in_force(session, chosen, place, merchant.currency)).items():
            limit = f"{said.minor} {merchant.currency}"
            print(place.scope.replace(" ", "\t"), demand, limit, said.by, sep="\t")


async def _set_policy(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    name: str = arguments.site or arguments.merchant
    if arguments.site is not None:
        place = there(await find_site(session, name), "sites", name)
    else:
        place = there(await find_merchant(session, name), "merchants", name)
    given = {demand: getattr(arguments, demand) for demand in Demand}
    values = {
        demand: None if minor == NOTHING else minor
        for demand, minor in given.items()
        if minor is not None
    }
    if not values:
        raise CannotDo("name what to set: --pulse-above, for instance.")
    try:
        await acts.change_amounts(session, arguments.chosen, arguments.by, place, values)
    except ValueError as error:
        raise CannotDo(f"{error}.") from None


def _minor(text: str) -> int | str:
    """Returns an amount in the minor unit, or NOTHING. Raises ValueError."""
    return NOTHING if text == NOTHING else int(text)


async def _list_acts(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in await acts_on(session):
        print(f"{row.at:%Y-%m-%d %H:%M}", row.act, row.who, row.device_id, sep="\t")


async def _show_bundle(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    device = there(await find_device(session, arguments.device), "devices", arguments.device)
    content = await bundle_of(session, device.id)
    if content is None:
        raise CannotDo(f"the device {device.id} has sent no support bundle in the last 30 days.")
    print(content)
