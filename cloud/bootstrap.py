"""The assembly of the service from its settings. Only this module knows every part."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Flag, auto
from functools import partial
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Clock, Context, Database
from cloud.db import database, migration
from cloud.db.database import DatabaseUnusable
from cloud.entry import doors
from cloud.integrations import events
from cloud.jobs.housekeeping import hear_calls, run_housekeeping, run_own_housekeeping
from cloud.jobs.rekey import renew_search_codes
from cloud.keys.masters import open_master, open_next_master
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import must_open
from cloud.law import PLAIN
from cloud.loyalty.memberships import make_lookups
from cloud.merchants import regions
from cloud.merchants.merchants import doubts_of_laws, faults_of_laws, follow_settings, laws
from cloud.messages import Mailer, Messenger, NoMailer, NoMessenger
from cloud.messages.sandbox import SandboxMessenger
from cloud.messages.smtp import SmtpMailer
from cloud.messages.twilio import TwilioMessenger
from cloud.noted import Noted
from cloud.people import alerts
from cloud.people.accounts import Accounts, fill
from cloud.policy import Policy
from cloud.providers import PaymentProvider, stripe_units
from cloud.providers.sandbox import Sandbox, SandboxProvider
from cloud.providers.stripe import StripeProvider
from cloud.recognition import palms, thresholds
from cloud.recognition.feed import follow_others
from cloud.recognition.gallery import Gallery
from cloud.settings import CURRENCIES, BadSettings, Merchant, Recognition, Scheme, Settings
from cloud.state import State, StateDamaged
from cloud.telemetry.exporting import exporting
from cloud.telemetry.measures import SILENT, Telemetry
from cloud.vault.client import VaultClient
from cloud.web import certificates
from palm.calibration import CALIBRATIONS, Calibration
from protocol import RELEASED, VERSION, files

log = logging.getLogger(__name__)

NO_PROVIDER = (
    "no payment provider is set up. Set stripe_key under [payments] in settings.toml, or start "
    "with --sandbox to simulate payments and messages."
)
SHARED_SANDBOX = (
    "services and workers have to share one payment provider, and each process simulates its own. "
    "Start a simulated provider by itself (python -m cloud.providers.localstripe), and set "
    "stripe_url under [payments] in settings.toml to its address."
)


class Does(Flag):
    """What a process does."""

    REQUESTS = auto()
    """It answers requests."""
    JOBS = auto()
    """It does the jobs (`cloud.jobs.housekeeping`)."""
    ALL = REQUESTS | JOBS


class HousekeepingStopped(RuntimeError):
    """Work that must go on beside the requests, such as housekeeping, has ended by itself. The
    message tells the operator the kind of error."""


def obstacles(given: Mapping[str, Any], *, sandbox: bool) -> list[str]:
    """Returns why a service cannot run with these settings, in sentences for the operator.

    `given` are the settings that are set, as they are written. When nothing is set there are no
    obstacles, because somebody tries out the service then.
    """
    if not given:
        return []
    faults: list[str] = []
    payments, messages = _group(given, "payments"), _group(given, "messages")
    mail = _group(given, "mail")
    real_money = "stripe_key" in payments
    real_messages = any(group.get("provider", "none") != "none" for group in (messages, mail))
    if not real_money and not sandbox:
        faults.append(NO_PROVIDER)
    if (real_money or real_messages or not sandbox) and "liveness" not in given:
        faults.append(
            'liveness is not set. Set liveness = "required" above all tables in settings.toml to '
            "accept only palms that have shown signs of life under a light ring, which every kiosk "
            'needs then; or liveness = "when_present" to also accept palms of kiosks without a '
            "ring, where nothing distinguishes a printed palm from a hand."
        )
    currency = _group(given, "merchant").get("currency", Merchant().currency)
    why = uncarried(currency) if currency in CURRENCIES else None
    return [*faults, why] if why else faults


def uncarried(currency: str) -> str | None:
    """Returns a message for the operator when the payment provider does not carry a currency;
    None when it does."""
    if stripe_units.chargeable(currency) is not None:
        return None
    return (
        f"merchant.currency: the payment provider, Stripe, does not carry {currency}. Choose a "
        "currency of https://docs.stripe.com/currencies."
    )


def _group(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = given.get(name)
    return group if isinstance(group, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def now() -> datetime:
    """Returns the present time in UTC. It is the clock of every service that is not under test."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    settings: Settings,
    state: State,
    *,
    sandbox: bool,
    clock: Clock = now,
    does: Does = Does.ALL,
) -> AsyncGenerator[Context, None]:
    """Runs the service while the block lasts, with the gallery filled. In a process that answers no
    requests, the gallery is empty and the vault not started, because no job uses them.

    Raises StateDamaged, StateInUse, KeysUnusable, ClockBehind, DatabaseUnusable, BadSettings,
    VaultBroken, SandboxMissing, SandboxBroken, plugins.NoSuchPart, OSError and sqlalchemy's
    DatabaseError. If housekeeping or the feed of palms ends by itself, the block is cancelled and
    HousekeepingStopped is raised.
    """
    faults = obstacles(settings.model_dump(exclude_unset=True), sandbox=sandbox)
    if faults:
        raise BadSettings(" ".join(faults))
    if does is not Does.ALL and not (settings.payments.stripe_key or settings.payments.stripe_url):
        raise BadSettings(SHARED_SANDBOX)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(state.held(alone=state.server is None))
        endpoint = settings.telemetry.endpoint
        telemetry = await stack.enter_async_context(
            exporting(None if endpoint is None else str(endpoint), VERSION)
        )
        await asyncio.to_thread(database.reserve_room, state.address)
        _check_clock(clock())
        if Does.REQUESTS in does:
            certificates.ensure(state, settings.serving, clock())
        opening = partial(open_store, state, settings.master_key, region=settings.service.region)
        master, receipt_key = await asyncio.to_thread(opening)
        store = database.open_database(state.address, settings.max_pages)
        stack.push_async_callback(store.close)
        if not await store.hold(alone=False):
            raise DatabaseUnusable(
                f"{database.shown(state.address)} is being changed by a command. Wait for its end."
            )
        async with store.session() as session:
            await regions.settle(session, settings.service.region)
            await follow_settings(session, settings.merchant)
            await _check_laws(session, settings, sandbox=sandbox)
        try:
            if Does.REQUESTS in does:
                vault, payments = await _vault_and_payments(
                    settings, state, sandbox, stack, telemetry
                )
                policy = _policy(settings, vault)
                gallery = await _gallery(store, master, vault, settings.recognition, policy)
            else:
                payments = await payment_provider(settings, state, sandbox, stack, telemetry)
                async with store.reading() as session:
                    await must_open(session, master)
                policy = policy_of(settings.recognition)
                vault = _vault(settings, state, telemetry)
                gallery = Gallery(vault, _no_references, policy.rarity, {})
        except InvalidTag:
            raise not_its_master_key(state) from None
        messenger = _messenger(settings, sandbox)
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
            accounts=Accounts(settings),
            regions=regions,
            doors=doors,
            alerts=alerts,
            events=events,
            payments=payments,
            messenger=messenger,
            mailer=_mailer(settings, messenger),
            telemetry=telemetry,
            noted=Noted(telemetry),
            answers=Does.REQUESTS in does,
        )
        try:
            async with with_housekeeping(context, does), _news(context, does):
                yield context
        finally:
            # Not before housekeeping has ended, which begins more.
            background = list(context.background)
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            context.noted.tell(last=True)


async def _check_laws(session: AsyncSession, settings: Settings, *, sandbox: bool) -> None:
    """Raises BadSettings, which names each site whose law cannot apply there, and each setting that
    is missing and that a law in force requires. What is only doubtful is logged."""
    faults = await faults_of_laws(session, settings)
    if settings.portal.url is None and not sandbox and not faults:
        in_force = {law.code for law in (await laws(session, settings)).values() if law != PLAIN}
        if in_force:
            faults.append(
                f"portal.url is not set, and under {', '.join(sorted(in_force))} the policy has to "
                "be public: it is a page of the portal. Set it in settings.toml."
            )
    if faults:
        raise BadSettings("\n".join(faults))
    for doubt in await doubts_of_laws(session, settings):
        log.warning("%s", doubt)


def open_store(
    state: State, wrapped_by: str | None = None, *, alone: bool = True, region: str | None = None
) -> tuple[MasterKey, Ed25519PrivateKey]:
    """Returns the master key and the key that signs receipts, and migrates the database.

    `wrapped_by` is how the master key should be wrapped (`cloud.keys.stored`). `region` is the
    region of the caller; a database of another region is not opened. `alone` is whether the caller
    holds the directory alone; it must, unless the keys and the database are there.

    Missing keys are made first, then a missing database. If a start is killed in between, the next
    one continues, and a key is never made anew for a database that was made with it. If several
    processes start together, one makes everything and the others wait. Raises BadSettings,
    StateDamaged, KeysUnusable, DatabaseUnusable, OSError and sqlalchemy's DatabaseError.
    """
    with files.alone(state.root):
        regions.must_be_of(state.address, region)
        finish_replacing(state, wrapped_by)
        master = open_master(state, wrapped_by, alone=alone)
        receipt_key = state.receipt_key(used=database.has_rows(state.address, "receipts"))
        migration.migrate(state.address, alone=alone)
    return master, receipt_key


def not_its_master_key(state: State) -> StateDamaged:
    """Returns the error for a database that the master key does not open."""
    return StateDamaged(
        f"{state.master_key} is not the key that {database.shown(state.address)} was made with. "
        "Restore both from a backup of the same time."
    )


def finish_replacing(state: State, wrapped_by: str | None = None) -> None:
    """Finishes the replacement of the master key that was interrupted after the database was
    written with the next one: makes the next key the present one. Raises StateDamaged,
    KeysUnusable, OSError, sqlite3.DatabaseError and sqlalchemy's DatabaseError."""
    new = open_next_master(state, wrapped_by)
    if new is None:
        return
    if database.only_value(state.address, "master_keys", "mark") == new.mark:
        # The free space between the rows may still contain copies that the old key opens.
        database.rewrite(state.address)
        state.take_next_master_key()


def _check_clock(now: datetime) -> None:
    if now < RELEASED:
        log.error(
            "this machine's clock says %s, which is wrong: no kiosk with a right clock accepts "
            "this service. Set the clock, and switch the system's time synchronisation on.",
            now.strftime("%Y-%m-%d"),
        )


@asynccontextmanager
async def with_housekeeping(context: Context, does: Does = Does.ALL) -> AsyncGenerator[None, None]:
    """Runs housekeeping while the block lasts, and cancels the block when housekeeping ends."""
    work = run_housekeeping if Does.JOBS in does else run_own_housekeeping
    async with _beside(context, "housekeeping", work):
        yield


@asynccontextmanager
async def _news(context: Context, does: Does) -> AsyncGenerator[None, None]:
    """Receives the news of other processes that this one needs, while the block lasts."""
    async with contextlib.AsyncExitStack() as stack:
        if Does.REQUESTS in does:
            palms = _beside(context, "the feed of palms", follow_others)
            await stack.enter_async_context(palms)
        if Does.JOBS in does:
            await stack.enter_async_context(_beside(context, "the calls for jobs", hear_calls))
        yield


@asynccontextmanager
async def _beside(
    context: Context, name: str, work: Callable[[Context], Awaitable[None]]
) -> AsyncGenerator[None, None]:
    """Runs `work` while the block lasts. If it fails, the block is cancelled and
    HousekeepingStopped is raised."""

    async def run() -> None:
        try:
            await work(context)
        except Exception as error:
            # The message is left out: it may quote what was read.
            cause = type(error).__name__
            log.critical("%s stopped with %s: the service ends", name, cause)
            raise HousekeepingStopped(
                f"{name} stopped with {cause}. Start the service again; if it happens again, "
                "report it."
            ) from None

    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(run())
            try:
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as group:
        failure = group.exceptions[0]
    if failure is not None:
        # Raised here, an error of the block keeps its type and cause.
        raise failure


def _policy(settings: Settings, vault: VaultClient) -> Policy:
    policy = policy_of(settings.recognition)
    calibrations = policy.calibrations
    if list(calibrations) != vault.introduction.versions:
        raise BadSettings(
            f"the vault makes templates of versions {vault.introduction.versions}, and the schemes "
            f"under [recognition] are of versions {list(calibrations)}. Make them agree."
        )
    return policy


def policy_of(recognition: Recognition) -> Policy:
    """Returns the policy of a service with these schemes."""
    return Policy({scheme.version: _calibration(scheme) for scheme in recognition.schemes})


def _calibration(scheme: Scheme) -> Calibration:
    """Returns the calibration of a scheme: the shipped one if the points are the same, because only
    that one knows which points were observed."""
    shipped = CALIBRATIONS.get(scheme.version)
    if shipped is not None and shipped.points == scheme.calibration:
        return shipped
    return Calibration(scheme.calibration)


async def _no_references(version: int, palm_ids: Collection[str]) -> dict[str, bytes]:
    """Stands for the templates in a process that answers no requests, and compares none."""
    return {}


async def _gallery(
    store: Database,
    master: MasterKey,
    vault: VaultClient,
    recognition: Recognition,
    policy: Policy,
) -> Gallery:
    """Returns the gallery with all palms in it, after finishing an interrupted re-keying."""

    async def references(version: int, palm_ids: Collection[str]) -> dict[str, bytes]:
        async with store.reading() as session:
            return await palms.sealed_templates(session, master, version, palm_ids)

    await renew_search_codes(store, master, vault, vault.introduction.transform)
    shortlists = {scheme.version: scheme.shortlist for scheme in recognition.schemes}
    gallery = Gallery(vault, references, policy.rarity, shortlists)
    async with store.session() as session:
        await fill(session, master, gallery)
        await make_lookups(session, master)
        await session.commit()
    unread = gallery.versions - set(policy.calibrations)
    if unread:
        raise BadSettings(
            f"palms are enrolled in versions {sorted(unread)}, which no scheme under [recognition] "
            "reads any more. Put the scheme back. It can be removed once everybody has been "
            "recognised again."
        )
    log.info("%s", thresholds.summary(policy, recognition.schemes[0].version, len(gallery)))
    return gallery


def _vault(settings: Settings, state: State, telemetry: Telemetry) -> VaultClient:
    """Returns a vault that is not started yet."""
    return VaultClient(
        settings.vault,
        settings.recognition,
        state.vault,
        wrapped_by=settings.master_key,
        telemetry=telemetry,
    )


async def _vault_and_payments(
    settings: Settings,
    state: State,
    sandbox: bool,
    stack: contextlib.AsyncExitStack,
    telemetry: Telemetry,
) -> tuple[VaultClient, PaymentProvider]:
    """Starts the vault and the payment provider at the same time, because their processes take most
    of the time of a start. If one does not start, the other is stopped."""
    vault = _vault(settings, state, telemetry)
    starting_vault = asyncio.create_task(stack.enter_async_context(vault))
    starting_payments = asyncio.create_task(
        payment_provider(settings, state, sandbox, stack, telemetry)
    )
    try:
        return await asyncio.gather(starting_vault, starting_payments)
    finally:
        starting_vault.cancel()
        starting_payments.cancel()
        await asyncio.gather(starting_vault, starting_payments, return_exceptions=True)


async def payment_provider(
    settings: Settings,
    state: State,
    sandbox: bool,
    stack: contextlib.AsyncExitStack,
    telemetry: Telemetry = SILENT,
) -> PaymentProvider:
    """Returns the payment provider, which is closed with the stack. Raises BadSettings,
    SandboxMissing and SandboxBroken."""
    given = settings.payments
    key, url, secret = given.stripe_key, given.stripe_url, given.webhook_secret
    if key is not None:
        provider: PaymentProvider = StripeProvider(
            key.get_secret_value(),
            str(url) if url else None,
            webhook_secret=secret.get_secret_value() if secret else None,
            return_url=str(given.return_url) if given.return_url else None,
            telemetry=telemetry,
        )
    elif sandbox:
        if url is None:
            simulated = await stack.enter_async_context(Sandbox(state.sandbox))
            provider = SandboxProvider(simulated.url, simulated.pages_url, telemetry=telemetry)
        else:
            provider = SandboxProvider(str(url).rstrip("/"), telemetry=telemetry)
    else:
        raise BadSettings(NO_PROVIDER)
    stack.push_async_callback(provider.close)
    return provider


def _messenger(settings: Settings, sandbox: bool) -> Messenger:
    if settings.messages.provider == "twilio":
        return TwilioMessenger(settings.messages)
    return SandboxMessenger() if sandbox else NoMessenger()


def _mailer(settings: Settings, messenger: Messenger) -> Mailer:
    if settings.mail.provider == "smtp":
        return SmtpMailer(settings.mail, settings.merchant.name)
    return messenger if isinstance(messenger, SandboxMessenger) else NoMailer()
