"""Activates devices with a code that staff were shown, and describes the service to them."""

import secrets
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held, lock
from cloud.keys.person_keys import MasterKey
from cloud.merchants.regions import must_be_here
from cloud.merchants.tables import FIRST, ActivationCode, MerchantRow, SiteRow
from cloud.policy import ACTIVATION_LIFE, CODE_ATTEMPTS, Limits
from cloud.web import signed_request
from cloud.web.devices import (
    DeviceRow,
    bind_reader,
    register_device,
    revoke_device,
)
from cloud.web.limits import Strangers
from cloud.web.problems import Refusal
from cloud.web.signed_request import ActivationRoute, Call, Caller
from protocol.encoding import from_base64, to_base64
from protocol.messages import (
    Activation,
    Currency,
    Device,
    ProblemType,
    ServiceInfo,
    VaultKey,
    VaultKeySet,
)
from protocol.storage import StorageFault

info_router: APIRouter = signed_request.router(APIRoute)
router: APIRouter = signed_request.router(ActivationRoute)


@info_router.get("/service")
async def tell_about_service(request: Request, currency: Currency | None = None) -> ServiceInfo:
    """Describes the service, with its limits in a currency: by default in that of the first
    merchant."""
    context: Context = request.app.state.context
    currency = currency or context.settings.merchant.currency
    return ServiceInfo(
        version=context.version,
        time=context.clock(),
        vault_keys=[_undated(key) for key in context.vault.capture_keys],
        sandbox=context.sandbox,
        light_required=context.settings.light_required,
        chargeable=context.payments.chargeable(currency),
        pulse_above=context.settings.pulse_limit(currency),
        staff_above=context.settings.staff_limit(currency),
        storage=StorageFault.FULL if context.database.is_for_deletions_only else None,
    )


def _undated(key: VaultKey) -> VaultKey:
    """Returns a key as kiosks of before understand it."""
    return VaultKey(key_id=key.key_id, suite=key.suite, public_key=key.public_key)


@info_router.get("/vault-keys")
async def tell_vault_keys(request: Request) -> VaultKeySet:
    """Tells the keys that captures are sealed to, as the vault has signed them."""
    context: Context = request.app.state.context
    keys = await context.vault.key_set()
    if keys is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return keys


@router.post("/devices")
async def activate(call: Caller, activation: Activation, request: Request) -> Device:
    # Somebody who guesses presents a new key each time, so guesses are counted by address and code.
    address = request.client.host if request.client else ""
    strangers: Strangers = request.app.state.strangers
    strangers.spend(Limits.WRONG_ACTIVATIONS, address, call.now)
    code = await _use_up(call, activation.activation_code)
    if code is None:
        raise Refusal(ProblemType.WRONG_ACTIVATION_CODE)
    strangers.take_back(Limits.WRONG_ACTIVATIONS, address)
    site = await call.session.get_one(SiteRow, code.site_id)
    merchant = await call.session.get_one(MerchantRow, site.merchant_id)
    await must_be_here(call.context, call.session, merchant.id)
    replaced = await _replaced_by(call, code)
    reader = None if replaced is None else replaced.reader
    if replaced is not None:
        await revoke_device(call.session, replaced.id, call.now)
    await register_device(
        call.session,
        device_id=call.device_id,
        public_key=from_base64(activation.public_key),
        name=activation.name,
        merchant_id=merchant.id,
        site_id=site.id,
        infrared=activation.infrared,
        now=call.now,
    )
    call.context.noted.note("api", "activated a device")
    if reader is not None:
        await bind_reader(call.session, call.device_id, reader)
    if replaced is not None:
        await call.context.doors.hand_on(call.session, replaced.id, call.device_id)
    return Device(
        device_id=call.device_id,
        merchant=merchant.name,
        country=merchant.country,
        currency=merchant.currency,
        orders_key=to_base64(call.context.receipt_key.public_key().public_bytes_raw()),
    )


async def _replaced_by(call: Call, code: ActivationCode) -> DeviceRow | None:
    """Returns the device in whose place the calling one comes, None when there is none."""
    if code.replaces is None or code.replaces == call.device_id:
        return None
    replaced = await held(call.session, DeviceRow, code.replaces)
    # It may have come to another site or merchant since, whom nothing is taken from.
    return replaced if replaced is not None and replaced.site_id == code.site_id else None


async def make_activation_code(
    session: AsyncSession,
    master: MasterKey,
    now: datetime,
    *,
    site_id: str = FIRST,
    replaces: str | None = None,
) -> str:
    """Stores and returns a new code: eight digits that activate one device of a site within a day.
    The device that it `replaces` is revoked then, and works until then.

    The first three digits name the code, and the last five are secret. When every name is in use,
    the code that expires first is replaced.
    """
    await lock(session, "activation codes")
    used = await session.scalars(select(ActivationCode.name).order_by(ActivationCode.expires_at))
    names = used.all()
    free = [name for number in range(1000) if (name := f"{number:03d}") not in names]
    name = secrets.choice(free) if free else names[0]
    code = f"{name}{secrets.randbelow(10**5):05d}"
    await session.merge(
        ActivationCode(
            name=name,
            lookup=master.lookup("activation", code),
            attempts_left=CODE_ATTEMPTS,
            expires_at=now + ACTIVATION_LIFE,
            site_id=site_id,
            replaces=replaces,
        )
    )
    await session.commit()
    return code


async def _use_up(call: Call, entered: str) -> ActivationCode | None:
    """Returns a code that is right, and is used up then. Wrong codes use up the code of the same
    name. Raises Refusal for one that would be right, and has expired."""
    code = await held(call.session, ActivationCode, entered[:3])
    if code is None or code.attempts_left <= 0:
        return None
    code.attempts_left -= 1
    expected = call.context.master.lookup("activation", entered)
    if not secrets.compare_digest(code.lookup, expected):
        return None
    if code.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    await call.session.delete(code)
    return code


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes what has expired a day ago: who comes with it until then is told so."""
    expired = ActivationCode.expires_at <= now - ACTIVATION_LIFE
    await session.execute(delete(ActivationCode).where(expired))


async def forget_all(session: AsyncSession) -> None:
    """Makes every activation code invalid."""
    await session.execute(delete(ActivationCode))
