"""Kiosks: the state of each, and what can be done to it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from cloud.console import acts
from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    one_line,
    operators_router,
    router,
)
from cloud.console.api.sites import ActivationCodeTold, told_once
from cloud.console.devices import NAME_LENGTH, latest_requests, move_within
from cloud.console.kiosks import Kiosk, active_at, kiosk, kiosks
from cloud.console.roles import Right
from cloud.console.tables import AskedRow
from cloud.fleet.orders import Act
from cloud.fleet.reports import Told
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.web.devices import DeviceRow
from protocol.messages import Message

listing: APIRouter = operators_router(Right.SEE, Scope.SITES_READ)
reading: APIRouter = router(Right.SEE, Scope.SITES_READ)
restarting: APIRouter = router(Right.RESTART, Scope.KIOSKS_WRITE)
naming: APIRouter = router(Right.NAME, Scope.KIOSKS_WRITE)
locking: APIRouter = router(Right.LOCK, Scope.KIOSKS_WRITE)
replacing: APIRouter = router(Right.ACTIVATE, Scope.KIOSKS_WRITE)
moving: APIRouter = router(Right.MOVE, Scope.KIOSKS_WRITE)
revoking: APIRouter = router(Right.REVOKE, Scope.KIOSKS_WRITE)

NeedsSomebody = Annotated[bool, Query(description="Only kiosks that somebody should look at.")]


class KioskFault(Message):
    """A fault of a kiosk, in its own words."""

    part: str
    health: str
    finding: str


class KioskReport(Message):
    """The latest report of a kiosk, which reports every minute."""

    at: AwareDatetime
    version: str
    running_s: int
    """Seconds since its program started."""
    visits: int
    """How many visits there were since then."""
    troubles: int
    """How many of them ended because of trouble."""
    disk_free_mb: int
    memory_mb: int
    """The memory that its program uses."""
    faults: list[KioskFault]
    tampering: str | None
    """The sign of tampering because of which it has locked itself and destroyed its keys; null when
    there was none."""


class KioskTold(Message):
    """A kiosk as staff see it."""

    device_id: str
    name: str
    merchant_id: str
    site_id: str
    state: Literal["revoked", "silent", "faulty", "locked", "maintenance", "new", "well"]
    """The first of these states that applies. `silent`: it has not reported for five minutes;
    `faulty`: it reports a fault or tampering; `new`: it has not reported yet."""
    needs_somebody: bool
    """Whether somebody should look at it: it is silent, faulty, locked or in maintenance."""
    is_locked: bool
    """Whether nothing can be done at it until it is activated again."""
    is_in_maintenance: bool
    """Whether it was called to maintenance, and not put back into service since."""
    reader: str | None
    """The payment provider's id of its card reader; null when it has none."""
    activated_at: AwareDatetime
    revoked_at: AwareDatetime | None
    report: KioskReport | None
    """Null when it has not reported yet."""


class KiosksTold(Message):
    kiosks: list[KioskTold]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class KioskRequest(Message):
    """An order to a kiosk, which gets it within a minute."""

    act: Literal["restart", "lock", "maintain", "serve", "tampering"]
    """`tampering` is no order: the kiosk has found that somebody has tampered with it."""
    at: AwareDatetime


class KioskInFull(KioskTold):
    requests: list[KioskRequest]
    """The latest five orders, the newest first."""


class KioskName(Message):
    name: Annotated[str, one_line(NAME_LENGTH)]


class KioskPlace(Message):
    site_id: Annotated[str, Field(min_length=1, max_length=64)]
    """Another site of the same merchant."""


class Revocation(Message):
    """The outcome of a request to revoke kiosks."""

    approval_id: str | None
    """The request that a person has to approve within a day; null when the kiosk is revoked."""


AWAITED: dict[int | str, dict[str, Any]] = {
    202: {"model": Revocation, "description": "A person has to approve it."}
}


@listing.get("/devices")
async def show_everywhere(
    asked: OperatorAsker,
    needs_somebody: NeedsSomebody = False,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> KiosksTold:
    """Lists the kiosks of every merchant, the latest activated first. It needs a key of the
    operator's."""
    return await _page(asked, None, needs_somebody, cursor, limit)


@reading.get("/devices")
async def show_all(
    asked: Asker,
    site_id: Annotated[
        str | None, Query(max_length=64, description="Only kiosks at this site.")
    ] = None,
    needs_somebody: NeedsSomebody = False,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> KiosksTold:
    """Lists the merchant's kiosks, with those that are revoked, the latest activated first."""
    site = None if site_id is None else await asked.site(site_id)
    return await _page(asked, site and site.id, needs_somebody, cursor, limit)


@reading.get("/devices/{device_id}")
async def show(asked: Asker, device_id: str) -> KioskInFull:
    return await _in_full(asked, await asked.device(device_id))


@naming.put("/devices/{device_id}/name")
async def rename(asked: Asker, device_id: str, given: KioskName) -> KioskInFull:
    device = await asked.active_device(device_id)
    await acts.rename_device(asked.session, asked.by, device, given.name)
    return await _in_full(asked, device)


@restarting.post("/devices/{device_id}/restart")
async def restart(asked: AskerOnce, device_id: str) -> KioskInFull:
    """Restarts a kiosk as soon as nobody is in front of it."""
    device = await asked.active_device(device_id)
    await acts.restart_device(asked.session, asked.by, device)
    return await _in_full(asked, device)


@locking.post("/devices/{device_id}/lock")
async def lock(asked: AskerOnce, device_id: str) -> KioskInFull:
    """Locks a kiosk until it is activated again."""
    device = await asked.active_device(device_id)
    await acts.lock_device(asked.session, asked.by, device)
    return await _in_full(asked, device)


@locking.post("/devices/{device_id}/maintain")
async def call_to_maintenance(asked: AskerOnce, device_id: str) -> KioskInFull:
    """Takes a kiosk out of service until it is put back."""
    device = await asked.active_device(device_id)
    await acts.call_to_maintenance(asked.session, asked.by, device)
    return await _in_full(asked, device)


@locking.post("/devices/{device_id}/serve")
async def put_back(asked: AskerOnce, device_id: str) -> KioskInFull:
    """Puts a kiosk that was taken out of service back."""
    device = await asked.active_device(device_id)
    await acts.put_back(asked.session, asked.by, device)
    return await _in_full(asked, device)


@replacing.post("/devices/{device_id}/replacement-codes")
async def replace(asked: AskerOnce, device_id: str) -> ActivationCodeTold:
    """Makes a code that activates another kiosk in place of this one, or this one again."""
    device = await asked.device(device_id)
    code = await acts.replace_device(asked.session, asked.context.master, asked.by, device)
    return told_once(asked, code)


@moving.put("/devices/{device_id}/site")
async def move(asked: Asker, device_id: str, to: KioskPlace) -> KioskInFull:
    """Moves a kiosk to another site of its merchant. It loses its door and its card reader, which
    stay at the old site."""
    device = await asked.active_device(device_id)
    await move_within(asked.session, asked.reach, asked.by, device, to.site_id)
    return await _in_full(asked, device)


@revoking.post("/devices/{device_id}/revoke", responses=AWAITED)
async def revoke(asked: AskerOnce, device_id: str, response: Response) -> Revocation:
    """Revokes a kiosk, which the service does not know from then on. A key may revoke three kiosks
    within a day; for more, a person has to approve the request."""
    device = await asked.active_device(device_id)
    return _told_of(await acts.revoke_or_ask(asked.session, asked.by, device), response)


@revoking.post("/sites/{site_id}/revoke", status_code=202)
async def revoke_at_site(asked: AskerOnce, site_id: str, response: Response) -> Revocation:
    """Asks for approval to revoke all active kiosks of a site."""
    devices = await active_at(asked.session, await asked.site(site_id))
    return _told_of(await acts.ask_to_revoke(asked.session, asked.by, devices), response)


def _told_of(waits: AskedRow | None, response: Response) -> Revocation:
    if waits is None:
        return Revocation(approval_id=None)
    response.status_code = 202
    return Revocation(approval_id=waits.id)


async def _page(
    asked: Asked, site_id: str | None, needs_somebody: bool, cursor: str | None, limit: int
) -> KiosksTold:
    after = paging.place_of(cursor)
    found = sorted(
        (
            each
            for each in await kiosks(asked.session, asked.reach, asked.now, site_id)
            if each.needs_somebody or not needs_somebody
            if after is None or _place(each.device) < after
        ),
        key=lambda each: _place(each.device),
        reverse=True,
    )
    page, following = paging.page_of(found, limit, lambda each: _place(each.device))
    return KiosksTold(
        kiosks=[_told(each) for each in page],
        next=following,
    )


def _place(device: DeviceRow) -> paging.Place:
    return device.activated_at, device.id


async def _in_full(asked: Asked, device: DeviceRow) -> KioskInFull:
    told = _told(await kiosk(asked.session, device, asked.now))
    requests = [
        KioskRequest(act=Act(each.act).value, at=each.at)
        for each in await latest_requests(asked.session, device)
    ]
    return KioskInFull(**dict(told), requests=requests)


def _told(each: Kiosk) -> KioskTold:
    device = each.device
    return KioskTold(
        device_id=device.id,
        name=device.name,
        merchant_id=device.merchant_id,
        site_id=device.site_id,
        state=each.state.value,
        needs_somebody=each.needs_somebody,
        is_locked=each.is_locked,
        is_in_maintenance=each.is_in_maintenance,
        reader=device.reader,
        activated_at=device.activated_at,
        revoked_at=device.revoked_at,
        report=None if each.told is None else _reported(each.told),
    )


def _reported(told: Told) -> KioskReport:
    report = told.report
    return KioskReport(
        at=told.at,
        version=report.version,
        running_s=report.running_s,
        visits=report.visits,
        troubles=report.troubles,
        disk_free_mb=report.disk_free_mb,
        memory_mb=report.memory_mb,
        faults=[
            KioskFault(part=fault.part, health=fault.health, finding=fault.finding)
            for fault in report.faults
        ],
        tampering=report.tampering,
    )


ROUTERS = (listing, reading, naming, restarting, locking, replacing, moving, revoking)
