"""Reports: what kiosks tell of themselves every minute, and what they are told in answer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.fleet.orders import Act, ask, orders_for
from cloud.fleet.tables import ReportRow
from cloud.seen import Kind
from cloud.web import signed_request
from cloud.web.devices import revoke_device
from cloud.web.signed_request import Call, Caller
from protocol.fleet import Orders, Report

log = logging.getLogger(__name__)

SILENT_AFTER = timedelta(minutes=5)
"""After so long without a report, somebody should look: kiosks tell of themselves every minute."""

router: APIRouter = signed_request.router()


@dataclass(frozen=True, slots=True)
class Told:
    """What a device has told last, and when."""

    report: Report
    at: datetime


@router.put("/device/report")
async def take(call: Caller, report: Report) -> Orders:
    """Keeps a report in place of the device's last one, and returns what the operator has told the
    device."""
    content = report.model_dump_json()
    await call.session.merge(ReportRow(device_id=call.device_id, content=content, at=call.now))
    orders = await orders_for(call, report.orders)
    if report.tampering is not None:
        await _shut_out(call, report.tampering)
    return orders


async def _shut_out(call: Call, sign: str) -> None:
    """Revokes a device that somebody has tampered with, and notes it among the acts."""
    call.context.seen.happened(Kind.TAMPERING, call.device_id)
    await ask(call.session, call.device_id, Act.TAMPERING, f"seen: {sign}", call.now)
    await revoke_device(call.session, call.device_id, call.now)
    log.error("somebody has tampered with the device %s, and it is revoked", call.device_id)


async def latest(session: AsyncSession, device_id: str | None = None) -> Mapping[str, Told]:
    """Returns what each device has told last, or one of them, by its id."""
    chosen = select(ReportRow)
    if device_id is not None:
        chosen = chosen.where(ReportRow.device_id == device_id)
    rows = await session.scalars(chosen)
    return {row.device_id: Told(Report.model_validate_json(row.content), row.at) for row in rows}
