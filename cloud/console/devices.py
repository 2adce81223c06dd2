"""Pages of one kiosk: its state, and what staff can do to it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts, four_eyes
from cloud.console.asking import APPROVALS, HOME, Asked, Asker, router
from cloud.console.audit import By
from cloud.console.kiosks import kiosk
from cloud.console.places import code_page, one_line, sites_in_reach
from cloud.console.roles import Reach, Right
from cloud.fleet import orders
from cloud.merchants.merchants import SiteRow, place_of
from cloud.web.browsers import redirect
from cloud.web.devices import DeviceRow
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

NAME_LENGTH = 64
"""The largest number of characters of a kiosk's name (`protocol.messages.Activation`)."""
REQUESTS = 5
"""How many of the latest orders to a kiosk are shown."""

routes: APIRouter = router(Right.SEE)
restarting: APIRouter = router(Right.RESTART)
naming: APIRouter = router(Right.NAME)
locking: APIRouter = router(Right.LOCK)
replacing: APIRouter = router(Right.ACTIVATE)
moving: APIRouter = router(Right.MOVE)
revoking: APIRouter = router(Right.REVOKE)


@routes.get("/devices/{device_id}")
async def show_kiosk(asked: Asker) -> Response:
    return await _page(asked)


@restarting.post("/devices/{device_id}/restart")
async def restart(asked: Asker) -> Response:
    device = _active(asked)
    await acts.restart_device(asked.session, asked.by, device)
    return redirect(f"{HOME}/devices/{device.id}")


@naming.post("/devices/{device_id}/name")
async def rename(asked: Asker, name: Annotated[str, Form(max_length=400)] = "") -> Response:
    device, name = _active(asked), one_line(name)
    if not 0 < len(name) <= NAME_LENGTH:
        return await _page(asked, 422, problem="name")
    await acts.rename_device(asked.session, asked.by, device, name)
    return redirect(f"{HOME}/devices/{device.id}")


@locking.get("/devices/{device_id}/lock")
async def ask_about_lock(asked: Asker) -> Response:
    return asked.page("lock.html", device=_active(asked))


@locking.post("/devices/{device_id}/lock")
async def lock(asked: Asker) -> Response:
    device = _active(asked)
    await acts.lock_device(asked.session, asked.by, device)
    return redirect(f"{HOME}/devices/{device.id}")


@locking.post("/devices/{device_id}/maintain")
async def call_to_maintenance(asked: Asker) -> Response:
    device = _active(asked)
    await acts.call_to_maintenance(asked.session, asked.by, device)
    return redirect(f"{HOME}/devices/{device.id}")


@locking.post("/devices/{device_id}/serve")
async def put_back(asked: Asker) -> Response:
    device = _active(asked)
    await acts.put_back(asked.session, asked.by, device)
    return redirect(f"{HOME}/devices/{device.id}")


@replacing.post("/devices/{device_id}/replace")
async def replace(asked: Asker) -> Response:
    """Shows a code that activates another kiosk in place of this one, or this one again."""
    device = _device(asked)
    site, _ = await place_of(asked.session, device.site_id)
    code = await acts.replace_device(asked.session, asked.context.master, asked.by, device)
    return code_page(asked, code, site, replaced=device.name)


@moving.get("/devices/{device_id}/move")
async def ask_where(asked: Asker) -> Response:
    device = _active(asked)
    sites = await _elsewhere(asked.session, asked.reach, device)
    return asked.page("move.html", device=device, sites=sites)


@moving.post("/devices/{device_id}/move")
async def move(asked: Asker, site: Annotated[str, Form(max_length=64)] = "") -> Response:
    device = _active(asked)
    await move_within(asked.session, asked.reach, asked.by, device, site)
    return redirect(f"{HOME}/devices/{device.id}")


@revoking.get("/devices/{device_id}/revoke")
async def ask_about_end(asked: Asker) -> Response:
    alone = await four_eyes.revokes_alone(asked.session, asked.by)
    return asked.page("revoke.html", device=_active(asked), alone=alone, most=four_eyes.ALONE)


@revoking.post("/devices/{device_id}/revoke")
async def revoke(asked: Asker) -> Response:
    device = _active(asked)
    waits = await acts.revoke_or_ask(asked.session, asked.by, device)
    return redirect(f"{HOME}/devices/{device.id}" if waits is None else APPROVALS)


async def move_within(
    session: AsyncSession, reach: Reach, by: By, device: DeviceRow, site_id: str
) -> None:
    """Moves a kiosk to another site of its merchant; a kiosk that stands there already stays as it
    is. Raises Refusal for a site that is not in reach or belongs to another merchant."""
    if site_id == device.site_id:
        return
    for site in await _elsewhere(session, reach, device):
        if site.id == site_id:
            await acts.move_device(session, by, device, site)
            return
    raise Refusal(ProblemType.NOT_FOUND)


async def _page(asked: Asked, status: int = 200, *, problem: str | None = None) -> Response:
    device = _device(asked)
    site, merchant = await place_of(asked.session, device.site_id)
    return asked.page(
        "device.html",
        status,
        kiosk=await kiosk(asked.session, device, asked.now),
        site=site,
        merchant=merchant,
        elsewhere=bool(await _elsewhere(asked.session, asked.reach, device)),
        name_length=NAME_LENGTH,
        requests=await latest_requests(asked.session, device),
        problem=problem,
    )


async def _elsewhere(session: AsyncSession, reach: Reach, device: DeviceRow) -> list[SiteRow]:
    """Returns the other sites of a kiosk's merchant that are in reach."""
    sites = await sites_in_reach(session, reach)
    theirs = [site for site in sites if site.merchant_id == device.merchant_id]
    return [site for site in theirs if site.id != device.site_id]


async def latest_requests(session: AsyncSession, device: DeviceRow) -> Sequence[orders.ActRow]:
    """Returns the latest REQUESTS orders to a kiosk, the latest first."""
    return (await orders.acts_on(session, device.id))[: -REQUESTS - 1 : -1]


def _device(asked: Asked) -> DeviceRow:
    assert asked.found.device is not None
    return asked.found.device


def _active(asked: Asked) -> DeviceRow:
    """Returns the kiosk that the page is about. Raises Refusal when it is revoked."""
    device = _device(asked)
    if device.revoked_at is not None:
        raise Refusal(ProblemType.CONFLICT)
    return device
