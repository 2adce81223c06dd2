"""Builds the service from its settings: the only module that knows every part."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cloud.context import Clock, Context
from cloud.db import database
from cloud.db.database import Database
from cloud.jobs.housekeeping import run_housekeeping
from cloud.keys.person_keys import MasterKey
from cloud.messages import Messenger, NoMessenger
from cloud.messages.sandbox import SandboxMessenger
from cloud.messages.twilio import TwilioMessenger
from cloud.payments import PaymentProvider
from cloud.payments.sandbox import Sandbox, SandboxProvider
from cloud.payments.stripe import StripeProvider
from cloud.people.accounts import all_palms, sealed_templates
from cloud.recognition.gallery import Gallery
from cloud.recognition.policy import Calibration, Policy
from cloud.recognition.renewals import renew_search_codes
from cloud.settings import BadSettings, Recognition, Settings
from cloud.state import State
from cloud.vault.client import VaultClient
from cloud.web import certificates
from protocol import VERSION


def now() -> datetime:
    """Returns the present time in UTC, the clock of a service that is not under test."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    settings: Settings, state: State, *, sandbox: bool, clock: Clock = now
) -> AsyncGenerator[Context, None]:
    """Everything in its place, the gallery filled, until left.

    Raises StateDamaged, BadSettings, VaultBroken, SandboxMissing, plugins.NoSuchPart and
    sqlalchemy's DatabaseError.
    """
    certificates.ensure(state)
    master = MasterKey(state.master_key())
    receipt_key = state.receipt_key()
    await asyncio.to_thread(database.migrate, state.database)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(state.held())
        store = Database(state.database, settings.max_pages)
        stack.push_async_callback(store.close)
        vault = await stack.enter_async_context(
            VaultClient(settings.vault, settings.recognition, state.vault)
        )
        policy = _policy(settings, vault)
        gallery = await _gallery(store, master, vault, settings.recognition, policy)
        payments = await _payments(settings, state, sandbox, stack)
        context = Context(
            version=VERSION,
            settings=settings,
            state=state,
            sandbox=sandbox,
            clock=clock,
            master=master,
            receipt_key=receipt_key,
            database=store,
            vault=vault,
            gallery=gallery,
            policy=policy,
            payments=payments,
            messenger=_messenger(settings, sandbox),
        )
        housekeeping = asyncio.create_task(run_housekeeping(context))
        try:
            yield context
        finally:
            tasks = [housekeeping, *context.background]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _policy(settings: Settings, vault: VaultClient) -> Policy:
    calibrations = {
        scheme.version: Calibration(scheme.calibration) for scheme in settings.recognition.schemes
    }
    if list(calibrations) != vault.introduction.versions:
        raise BadSettings(
            f"the vault makes templates of versions {vault.introduction.versions}, and the schemes "
            f"under [recognition] are of versions {list(calibrations)}. Make them agree."
        )
    return Policy(calibrations)


async def _gallery(
    store: Database,
    master: MasterKey,
    vault: VaultClient,
    recognition: Recognition,
    policy: Policy,
) -> Gallery:
    """Filled, after what an interrupted re-keying left to do."""

    async def references(version: int, palm_ids: Collection[str]) -> dict[str, bytes]:
        async with store.session() as session:
            return await sealed_templates(session, master, version, palm_ids)

    await renew_search_codes(store, master, vault, vault.introduction.transform)
    shortlists = {scheme.version: scheme.shortlist for scheme in recognition.schemes}
    gallery = Gallery(vault, references, policy.rarity, shortlists)
    async with store.session() as session:
        gallery.enrol(await all_palms(session, master))
    unread = gallery.versions - set(policy.calibrations)
    if unread:
        raise BadSettings(
            f"palms are enrolled in versions {sorted(unread)}, which no scheme under [recognition] "
            "reads any more. Put it back: it can go once everybody has been there again."
        )
    return gallery


async def _payments(
    settings: Settings, state: State, sandbox: bool, stack: contextlib.AsyncExitStack
) -> PaymentProvider:
    key, url = settings.payments.stripe_key, settings.payments.stripe_url
    if key is not None:
        provider: PaymentProvider = StripeProvider(
            key.get_secret_value(), str(url) if url else None
        )
    elif sandbox:
        if url is None:
            simulated = await stack.enter_async_context(Sandbox(state.sandbox))
            provider = SandboxProvider(simulated.url)
        else:
            provider = SandboxProvider(str(url).rstrip("/"))
    else:
        raise BadSettings(
            "no payment provider is set up. Set stripe_key under [payments] in settings.toml, "
            "or start with --sandbox to simulate payments and messages."
        )
    stack.push_async_callback(provider.close)
    return provider


def _messenger(settings: Settings, sandbox: bool) -> Messenger:
    if settings.messages.provider == "twilio":
        return TwilioMessenger(settings.messages)
    return SandboxMessenger() if sandbox else NoMessenger()
