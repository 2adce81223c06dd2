"""Activates devices with a code that staff were shown, and describes the service to them."""

import secrets
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey
from cloud.merchants.tables import ActivationCode
from cloud.policy import ACTIVATION_LIFE, Limits
from cloud.web import limits, signed_request
from cloud.web.devices import register_device
from cloud.web.problems import Refusal
from cloud.web.signed_request import ActivationRoute, Caller
from protocol.encoding import from_base64
from protocol.messages import Activation, Device, ProblemType, ServiceInfo

info_router: APIRouter = signed_request.router(APIRoute)
router: APIRouter = signed_request.router(ActivationRoute)


@info_router.get("/service")
async def tell_about_service(request: Request) -> ServiceInfo:
    context = request.app.state.context
    return ServiceInfo(
        version=context.version,
        time=context.clock(),
        vault_keys=context.vault.introduction.keys,
        consent_version=context.settings.consent_version,
        sandbox=context.sandbox,
        light_required=context.settings.liveness == "required",
        pulse_above=context.settings.pulse_above,
    )


@router.post("/devices")
async def activate(call: Caller, activation: Activation) -> Device:
    # Somebody who guesses presents a new key each time, so all guesses are counted together.
    await limits.check(call.session, Limits.WRONG_ACTIVATIONS, "anybody", call.now)
    lookup = call.context.master.lookup("activation", activation.activation_code)
    code = await call.session.get(ActivationCode, lookup)
    if code is None or code.expires_at <= call.now:
        limits.tally(call.session, Limits.WRONG_ACTIVATIONS, "anybody", call.now)
        raise Refusal(ProblemType.WRONG_ACTIVATION_CODE)
    await call.session.delete(code)
    merchant = call.context.settings.merchant
    await register_device(
        call.session,
        device_id=call.device_id,
        public_key=from_base64(activation.public_key),
        name=activation.name,
        merchant=merchant.name,
        country=merchant.country,
        currency=merchant.currency,
        infrared=activation.infrared,
        now=call.now,
    )
    return Device(
        device_id=call.device_id,
        merchant=merchant.name,
        country=merchant.country,
        currency=merchant.currency,
    )


async def make_activation_code(session: AsyncSession, master: MasterKey, now: datetime) -> str:
    """Stores and returns a new code: eight digits that activate one device within a day."""
    code = f"{secrets.randbelow(10**8):08d}"
    lookup = master.lookup("activation", code)
    await session.merge(ActivationCode(lookup=lookup, expires_at=now + ACTIVATION_LIFE))
    await session.commit()
    return code


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ActivationCode).where(ActivationCode.expires_at <= now))
