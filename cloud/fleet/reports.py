"""Reports: what kiosks tell of themselves every minute, and what they are told in answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.fleet.orders import orders_for
from cloud.fleet.tables import ReportRow
from cloud.web import signed_request
from cloud.web.signed_request import Caller
from protocol.fleet import Orders, Report

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
    return await orders_for(call)


async def latest(session: AsyncSession) -> Mapping[str, Told]:
    """Returns what each device has told last, by its id."""
    rows = await session.scalars(select(ReportRow))
    return {row.device_id: Told(Report.model_validate_json(row.content), row.at) for row in rows}
