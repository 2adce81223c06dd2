"""What the operator tells a kiosk: the settings of its site and of itself, to start again, and that
it is locked.

It is one document, signed and numbered. The number is the time in seconds at which the document
changed, and always larger than the one before: a kiosk that has seen one takes none with a smaller
number. A database that was restored may hold an older document: it gets a new number as soon as the
kiosk tells that it has a later one.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held
from cloud.entry.doors import clock_of
from cloud.fleet.colours import read_accent
from cloud.fleet.tables import ActRow, KioskSettingRow, OrdersRow, PictureRow
from cloud.merchants.merchants import merchant_of
from cloud.web.amounts import Demand, Place, SaidBy, in_force
from cloud.web.devices import DeviceRow, find_device
from cloud.web.signed_request import Call
from protocol import documents
from protocol.fleet import MAX_ATTRACT, Logo, Orders, Picture
from protocol.hours import Hours

log = logging.getLogger(__name__)

RESTART_WITHIN = timedelta(hours=1)
"""How long a demand to start again is told to a kiosk that was away."""
_LAST = 2**53 - 1
"""The largest number that orders can have."""

LONGEST_HELPLINE = 80
"""Characters of `protocol.fleet.Orders.helpline`."""
LONGEST = 400
"""Characters of any setting."""


class Unfit(ValueError):
    """A setting cannot have a value: the message tells why, in words for staff."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(why)
        self.setting = setting


class Act(StrEnum):
    """What somebody of the operator's asks of a device, or somebody else does to it."""

    RESTART = "restart"
    LOCK = "lock"
    MAINTAIN = "maintain"
    """It is out of service until it is put back, from afar as well."""
    SERVE = "serve"
    """It is put back into service."""
    TAMPERING = "tampering"
    """Nobody has asked for it: somebody has tampered with the device, which is revoked."""


def _variant(text: str) -> str:
    if text not in ("dark", "light"):
        raise ValueError("the variant is dark or light")
    return text


def _accent_light(text: str) -> str:
    return read_accent(text, "light")


def _accent_dark(text: str) -> str:
    return read_accent(text, "dark")


def _volume(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 100):
        raise ValueError("the volume is from 0 to 100")
    return int(text)


def _hours(text: str) -> str:
    Hours.parse(text)
    return text


def _helpline(text: str) -> str:
    if not (text.isprintable() and len(text) <= LONGEST_HELPLINE):
        raise ValueError(f"the helpline has at most {LONGEST_HELPLINE} characters, in one line")
    return text


def _picture(text: str) -> str:
    (digest,) = _pictures(text)
    return digest


def _pictures(text: str) -> list[str]:
    digests = text.split()
    if len(digests) > MAX_ATTRACT:
        raise ValueError(f"there are at most {MAX_ATTRACT} pictures")
    return digests


SETTINGS: Mapping[str, Callable[[str], Any]] = {
    "variant": _variant,
    "accent_light": _accent_light,
    "accent_dark": _accent_dark,
    "volume": _volume,
    "hours": _hours,
    "helpline": _helpline,
    "logo": _picture,
    "attract": _pictures,
}
"""The settings that an operator has for kiosks, and how each is read. Each raises ValueError."""
PICTURED = ("logo", "attract")
"""The settings that name pictures, by their digests."""


async def orders_for(call: Call, seen: int = 0) -> Orders:
    """Returns what the calling device is told, which has a new number when it has changed. `seen`
    is the number of the orders that the device has, 0 for none."""
    session = call.session
    device = await call.device()
    given = await _settings_of(session, device.site_id, device.id)
    hours = given.get("hours", "")
    clock = await clock_of(session, device.site_id)
    acts = await acts_on(session, device.id)
    recent = call.now - RESTART_WITHIN
    ordered: dict[str, Any] = {
        "merchant": (await merchant_of(call)).name,
        "variant": given.get("variant"),
        "volume": given.get("volume"),
        "hours": hours,
        "zone": clock.zone.key,
        # Without hours it is open on holidays, too.
        "holidays": sorted(day.isoformat() for day in clock.holidays) if hours else [],
        "helpline": given.get("helpline", ""),
        "locked": is_locked(device, acts) or is_in_maintenance(device, acts),
        "restart": max(
            (act.id for act in acts if act.act == Act.RESTART and act.at > recent), default=0
        ),
    }
    accents = {
        variant: given[name]
        for variant, name in (("light", "accent_light"), ("dark", "accent_dark"))
        if name in given
    }
    if accents:
        ordered["accents"] = accents
    ordered |= await _pictures_of(session, given)
    ordered |= await _amounts_for(call)
    content = json.dumps(ordered, sort_keys=True)
    row = await held(session, OrdersRow, device.id)
    if row is None:
        row = OrdersRow(device_id=device.id, serial=0, content="")
        session.add(row)
    if row.content != content or row.serial < seen:
        following = max(row.serial, seen) + 1
        row.serial = min(max(following, int(call.now.timestamp())), _LAST)
        before = json.loads(row.content or "{}")
        row.content = content
        for these, name in (((Act.LOCK, Act.MAINTAIN), "locked"), ((Act.RESTART,), "restart")):
            if ordered[name] and ordered[name] != before.get(name):
                asked = [each for each in acts if each.act in these][-1]
                told = f"{asked.act} as {asked.who} asked at {asked.at:%Y-%m-%d %H:%M}"
                log.warning("the device %s is told to %s", device.id, told)
    return documents.sign(
        call.context.receipt_key, Orders, device_id=device.id, number=row.serial, **ordered
    )


async def _pictures_of(session: AsyncSession, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the pictures that the settings name, as members of orders; nothing for none."""
    logo: str | None = given.get("logo")
    attract: list[str] = given.get("attract", [])
    chosen = select(PictureRow.sha256, func.length(PictureRow.content), PictureRow.ink).where(
        PictureRow.sha256.in_([*attract, *([logo] if logo else [])])
    )
    known = {digest: (size, ink) for digest, size, ink in await session.execute(chosen)}
    pictured: dict[str, Any] = {}
    if logo in known:
        size, ink = known[logo]
        pictured["logo"] = Logo.model_validate(
            {"sha256": logo, "size": size, "ink": ink}
        ).model_dump()
    shown = [Picture(sha256=name, size=known[name][0]) for name in attract if name in known]
    if shown:
        pictured["attract"] = [picture.model_dump() for picture in shown]
    return pictured


async def _amounts_for(call: Call) -> dict[str, Any]:
    """Returns what the merchant and the site of the calling device demand of payments, as a member
    of orders; nothing where they demand nothing."""
    device, currency = await call.device(), (await merchant_of(call)).currency
    place = Place(device.merchant_id, device.site_id)
    holding = await in_force(call.session, call.context.settings, place, currency)
    told = {
        str(demand): said.minor
        for demand, said in holding.items()
        # The service decides about digits itself, and tells everybody what it demands.
        if demand is not Demand.DIGITS and said.by is not SaidBy.SERVICE
    }
    return {"amounts": {"currency": currency} | told} if told else {}


async def settings_naming_pictures(session: AsyncSession) -> Sequence[KioskSettingRow]:
    """Returns all settings that name pictures, whose values are digests with spaces between."""
    chosen = select(KioskSettingRow).where(KioskSettingRow.name.in_(PICTURED))
    return (await session.scalars(chosen)).all()


async def change_settings(
    session: AsyncSession, scope: str, values: Mapping[str, str | None]
) -> None:
    """Sets the settings of a site or of a device; None takes one away. Raises Unfit, and then
    changes none of them."""
    for name, value in values.items():
        if value is not None:
            _must_fit(name, value)
    for name, value in values.items():
        if value is None:
            key = KioskSettingRow.scope == scope, KioskSettingRow.name == name
            await session.execute(delete(KioskSettingRow).where(*key))
        else:
            await session.merge(KioskSettingRow(scope=scope, name=name, value=value))


def _must_fit(name: str, value: str) -> None:
    """Raises Unfit."""
    try:
        SETTINGS[name](value)
    except ValueError as error:
        raise Unfit(name, str(error)) from None
    if len(value) > LONGEST:
        raise Unfit(name, f"it has at most {LONGEST} characters")


async def values_of(session: AsyncSession, scope: str) -> dict[str, str]:
    """Returns what was set for a site or for a device itself."""
    rows = await session.scalars(select(KioskSettingRow).where(KioskSettingRow.scope == scope))
    return {row.name: row.value for row in rows}


async def all_settings(session: AsyncSession) -> Sequence[KioskSettingRow]:
    """Returns every setting, by site or device."""
    order = KioskSettingRow.scope, KioskSettingRow.name
    return (await session.scalars(select(KioskSettingRow).order_by(*order))).all()


async def ask(session: AsyncSession, device_id: str, act: Act, who: str, now: datetime) -> None:
    """Notes what somebody asks of a device. It is told with its next report."""
    device = await find_device(session, device_id)
    # By a clock that was set back it would be of the device's time before it was activated.
    at = now if device is None else max(now, device.activated_at)
    session.add(ActRow(device_id=device_id, act=act, who=who, at=at))


async def acts_on(session: AsyncSession, device_id: str | None = None) -> Sequence[ActRow]:
    """Returns what was asked of a device, or of all of them, the latest last."""
    chosen = select(ActRow).order_by(ActRow.id)
    if device_id is not None:
        chosen = chosen.where(ActRow.device_id == device_id)
    return (await session.scalars(chosen)).all()


def is_locked(device: DeviceRow, acts: Sequence[ActRow]) -> bool:
    """Returns whether somebody has had a device locked since it was activated last. `acts` are
    those on it."""
    return any(each.act == Act.LOCK and each.at >= device.activated_at for each in acts)


def is_in_maintenance(device: DeviceRow, acts: Sequence[ActRow]) -> bool:
    """Returns whether somebody has called a device to maintenance since it was activated last, and
    nobody has put it back. `acts` are those on it, the latest last."""
    last = [each for each in acts if each.act in (Act.MAINTAIN, Act.SERVE)][-1:]
    return any(each.act == Act.MAINTAIN and each.at >= device.activated_at for each in last)


async def _settings_of(session: AsyncSession, *scopes: str) -> dict[str, Any]:
    """Returns the settings of a device: those of a later scope before those of an earlier one."""
    found: dict[str, Any] = {}
    for scope in scopes:
        chosen = select(KioskSettingRow).where(KioskSettingRow.scope == scope)
        found |= {
            row.name: SETTINGS[row.name](row.value)
            for row in await session.scalars(chosen)
            if row.name in SETTINGS
        }
    return found
