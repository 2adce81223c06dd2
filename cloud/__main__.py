"""The signature service, and the commands of its operators."""

# ruff: noqa: T201 - a command answers on standard output

import signal

if __name__ == "__main__":
    # While nothing serves yet there is nothing to end in order, and an interrupt must not print
    # where it happened, not even while the rest is imported.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import json
import logging
import os
import socket
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from platformdirs import user_state_path
from sqlalchemy.exc import DatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from cloud import bootstrap, context, settings, staff
from cloud.bootstrap import Does, HousekeepingStopped
from cloud.console import audit, four_eyes
from cloud.console.audit import By, Door
from cloud.context import Context
from cloud.db import database, migration, postgres
from cloud.db.database import DatabaseUnusable
from cloud.integrations import asking
from cloud.jobs.backups import (
    KEEP,
    Restored,
    back_up,
    back_up_keys,
    delete_listed,
    restore,
    restore_keys,
    what_backups_hold,
)
from cloud.jobs.rekey import renew_search_codes
from cloud.jobs.replace_master_key import replace_master_key
from cloud.keys import masters
from cloud.keys.keeper import KeysAway, KeysUnusable
from cloud.keys.sealed_file import SealedFileUnusable
from cloud.keys.stored import PLAIN
from cloud.merchants.devices import make_activation_code
from cloud.merchants.merchants import FIRST
from cloud.merchants.regions import must_be_of
from cloud.payments.ledger import SALE
from cloud.payments.reconcile import keep_report, reconcile
from cloud.people import receipts
from cloud.people.deletions import remains_of
from cloud.plugins import NoSuchPart
from cloud.providers import ProviderUnavailable
from cloud.providers.sandbox import SandboxBroken, SandboxMissing
from cloud.serving import CannotListen, allow_many_files, listen, make_server
from cloud.settings import BadSettings, Serving, Settings
from cloud.staff_verbs import CannotDo, commander
from cloud.state import State, StateDamaged, StateInUse
from cloud.telemetry import logs
from cloud.telemetry.measures import trace_id
from cloud.vault.client import VaultBroken, VaultClient, VaultUnavailable
from cloud.vault.kept import command, environment
from cloud.web import certificates
from cloud.web.certificates import ClockBehind
from protocol.currency import exponent_of
from protocol.files import write_private
from protocol.memory import keep_from_disk
from protocol.messages import Money
from protocol.program import CLOUD
from protocol.storage import REMEDIES, cause_and_remedy
from protocol.watchdog import Part, Systemd

log = logging.getLogger("cloud")

RUNNING = {None: Does.ALL, "serve": Does.REQUESTS, "worker": Does.JOBS}
"""What a process does until it is stopped, by its verb."""

REFUSALS = (
    BadSettings,
    CannotDo,
    CannotListen,
    ClockBehind,
    DatabaseUnusable,
    HousekeepingStopped,
    KeysUnusable,
    NoSuchPart,
    OSError,
    ProviderUnavailable,
    SandboxBroken,
    SandboxMissing,
    SealedFileUnusable,
    StateDamaged,
    StateInUse,
    VaultBroken,
    VaultUnavailable,
)
"""Errors whose message tells an operator the cause and the remedy."""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=CLOUD, description=__doc__)
    parser.add_argument(
        "--state", type=Path, help="the state directory (default: ~/.local/state/palm-cloud)"
    )
    parser.add_argument(
        "--database",
        metavar="ADDRESS",
        help="a database on a server of PostgreSQL, such as postgresql://palm@db.example.com/palm "
        "(default: a file in the state directory)",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port",
        type=_port,
        help=f"port to listen on; 0 takes a free one (default: {Serving().port})",
    )
    parser.add_argument(
        "--sandbox", action="store_true", help="simulate payments and text messages"
    )
    parser.add_argument(
        "--until-kept",
        action="store_true",
        help="keep a way back to the version before until standard input has a line",
    )
    logs.add_argument(parser)
    verbs = parser.add_subparsers(dest="verb", title="instead of doing all in one process")
    verbs.add_parser("serve", help="answer requests, beside others that do, and do no jobs")
    verbs.add_parser("worker", help="do the jobs, beside others that do, and answer no requests")
    staff.add_arguments(verbs.add_parser("staff", help="merchants, sites and devices"))
    verbs.add_parser(
        "try-migration", help="migrate a copy of the database, beside a running service"
    )
    verbs.add_parser("rekey", help="replace the gallery's secret and the search codes of all palms")
    verbs.add_parser("replace-master-key", help="replace the key that wraps everybody's keys")
    verbs.add_parser(
        "renew-capture-key", help="have the vault make another key that captures are sealed to"
    )
    running_vault = verbs.add_parser(
        "vault", help="run a vault by itself, for services of this user on this machine"
    )
    running_vault.add_argument("--socket", type=Path, required=True, metavar="PATH")
    verbs.add_parser(
        "wrap-master-key", help="wrap that key as the settings say, beside a running service"
    )
    saving = verbs.add_parser("backup", help="back up the database, beside a running service")
    saving_keys = verbs.add_parser("backup-keys", help="back up the keys and the settings")
    for verb in (saving, saving_keys):
        verb.add_argument("--to", type=Path, required=True, metavar="FOLDER")
        verb.add_argument(
            "--wrapped-by",
            required=True,
            metavar="ADDRESS",
            help="what wraps the key of the backup, such as file:PATH (docs/operating.md)",
        )
        verb.add_argument(
            "--days",
            type=_days,
            default=KEEP,
            help=f"after how many it is destroyed (default: {KEEP.days})",
        )
    restoring = verbs.add_parser(
        "restore", help="put a backup of the database in place, without those who have left since"
    )
    again = verbs.add_parser(
        "delete-again",
        help="delete who has left by a list, after the database was put back by other means",
    )
    again.add_argument("list", type=Path, help="a deletions.jsonl")
    restoring_keys = verbs.add_parser("restore-keys", help="put a backup of the keys in place")
    for verb in (restoring, restoring_keys):
        verb.add_argument("file", type=Path)
        verb.add_argument(
            "--wrapped-by", metavar="ADDRESS", help="where the key of the backup is by now"
        )
        verb.add_argument(
            "--replace", action="store_true", help="also when there is something in its place"
        )
    compare = verbs.add_parser(
        "reconcile", help="compare a day of the payment provider, the ledger and the tills"
    )
    compare.add_argument("--day", type=_day, required=True, help="YYYY-MM-DD, in UTC")
    compare.add_argument("--merchant", metavar="ID", help="only this merchant's")
    verify = verbs.add_parser(
        "verify-deletion", help="search for what a deletion receipt says was erased"
    )
    verify.add_argument("receipt_id")
    arguments = parser.parse_args(words)

    # A path may hold characters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logs.choose(arguments.log_format)
    logs.set_up(trace_id)
    # Stripe's logs name customers, httpx's addresses; Alembic's say nothing of use.
    for talkative in ("stripe", "httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        return _run(arguments, arguments.state or _default_state())
    except REFUSALS as error:
        told = " ".join(cause_and_remedy(error)) if isinstance(error, OSError) else error
        logs.say("cloud", str(told))
        # Status 2 says that trying again does not help.
        return 1 if isinstance(error, KeysAway) else 2


def _run(  # noqa: PLR0911, PLR0912 - one for each verb
    arguments: argparse.Namespace, root: Path
) -> int:
    """Does what the arguments ask for, with the state in `root`. Raises one of REFUSALS."""
    server = None if arguments.database is None else database.server_at(arguments.database)
    state = State.open(root, server)
    serving = partial(bootstrap.obstacles, sandbox=arguments.sandbox)
    chosen = settings.load(state.settings, serving if arguments.verb in RUNNING else None)
    try:
        match arguments.verb:
            case "staff":
                asyncio.run(staff.run(arguments, state, chosen))
            case "try-migration":
                print(migration.try_migration(state.address))
            case "verify-deletion":
                return asyncio.run(_verify_deletion(state, arguments.receipt_id))
            case "backup" | "backup-keys":
                asyncio.run(_back_up(arguments, state, chosen))
            case "restore":
                asyncio.run(_restore(arguments, state, chosen))
            case "delete-again":
                asyncio.run(_delete_again(arguments, state, chosen))
            case "restore-keys":
                _restore_keys(arguments, state)
            case "reconcile":
                return asyncio.run(_reconcile(arguments, state, chosen))
            case "rekey":
                return asyncio.run(_rekey(state, chosen))
            case "replace-master-key":
                return asyncio.run(_replace_master_key(state, chosen))
            case "vault":
                _become_vault(state, chosen, arguments.socket)
            case "renew-capture-key":
                return asyncio.run(_renew_capture_key(state, chosen))
            case "wrap-master-key":
                return _wrap_master_key(state, chosen)
            case _:
                return _run_until_stopped(arguments, state, chosen)
        return 0
    except (DatabaseError, sqlite3.Error) as error:
        remedy, fault = "Restore it from a backup.", database.storage_fault(error)
        if state.server is not None:
            remedy = "See that its server runs, has this database and lets this service in."
            if fault is not None:
                remedy = postgres.REMEDIES[fault]
        elif database.is_busy(error):
            remedy = "Another program holds it: end that."
        elif fault is not None:
            remedy = f"{REMEDIES[fault]} If that does not help, restore it from a backup."
        raise DatabaseUnusable(
            f"{database.shown(state.address)} cannot be used ({database.said(error)}). {remedy}"
        ) from None


def _run_until_stopped(arguments: argparse.Namespace, state: State, chosen: Settings) -> int:
    does = RUNNING[arguments.verb]
    if does is not Does.ALL and state.server is None:
        raise CannotDo(
            "a database in a file has one process, which does all. Leave the verb out, or name a "
            "database on a server with --database."
        )
    sandbox = arguments.sandbox or _trial(chosen)
    asked = {"host": arguments.host, "port": arguments.port}
    serving = chosen.serving.model_copy(
        update={name: value for name, value in asked.items() if value is not None}
    )
    chosen = chosen.model_copy(update={"serving": serving})
    with state.held(alone=state.server is None):
        # Of two causes, a service that is running already is the one to be told.
        pass
    if does is Does.JOBS:
        asyncio.run(_work(state, chosen, sandbox=sandbox))
        return 0
    allow_many_files()
    with listen(serving.host, serving.port) as listener:
        asyncio.run(_serve(arguments, state, chosen, listener, sandbox=sandbox))
    return 0


def _default_state() -> Path:
    try:
        return user_state_path("palm-cloud")
    except RuntimeError:
        raise BadSettings(
            "this user has no home directory for the state. Set HOME, or name a directory with "
            "--state."
        ) from None


def _port(text: str) -> int:
    """Returns a port. Raises ValueError, which argparse reports with the option's name."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def _trial(chosen: Settings) -> bool:
    """Returns whether nothing at all is set, so that somebody is trying the service out.

    When anything is set, simulated payments have to be asked for: a misspelt key must not make
    goods go out for them.
    """
    if chosen.model_fields_set:
        return False
    log.warning(
        "nothing is set up: payments and text messages are SIMULATED, as with --sandbox, and palms "
        "are accepted without a light ring. "
        "Set [payments] and [messages] in settings.toml to take money."
    )
    return True


async def _serve(
    arguments: argparse.Namespace,
    state: State,
    chosen: Settings,
    listener: socket.socket,
    *,
    sandbox: bool,
) -> None:
    keep_from_disk()
    systemd = Systemd(os.environ)
    does = RUNNING[arguments.verb]
    async with bootstrap.running(chosen, state, sandbox=sandbox, does=does) as running:
        server = make_server(running)

        def stop() -> None:
            server.should_exit = True

        # uvicorn's own handlers raise the signal once more when the server has stopped. These take
        # it then, so that the rest can still be stopped in order.
        _stop_when_told(stop, partial(migration.forget_before, state.address))
        loop = asyncio.get_running_loop()
        if not arguments.until_kept:
            migration.forget_before(state.address)
        try:
            await _announce(running, state, listener)
            systemd.ready()
            with systemd.watching(parts(loop, running.database)):
                await server.serve([listener])
        finally:
            state.announcement.unlink(missing_ok=True)


async def _work(state: State, chosen: Settings, *, sandbox: bool) -> None:
    """Does the jobs until it is stopped."""
    keep_from_disk()
    systemd = Systemd(os.environ)
    async with bootstrap.running(chosen, state, sandbox=sandbox, does=Does.JOBS) as running:
        stopped = asyncio.Event()
        _stop_when_told(stopped.set)
        print(json.dumps({"ready": {}}), flush=True)
        systemd.ready()
        with systemd.watching(parts(asyncio.get_running_loop(), running.database)):
            await stopped.wait()


def parts(loop: asyncio.AbstractEventLoop, store: context.Database) -> dict[str, Part]:
    """Returns what has to live in a service that serves, by its name in the log."""

    async def ask(answer: Callable[[], None]) -> None:
        with suppress(PoolTimeoutError):
            await store.answer()
            answer()

    return {
        "the event loop": loop.call_soon_threadsafe,
        "the database": lambda answer: asyncio.run_coroutine_threadsafe(ask(answer), loop),
    }


def _stop_when_told(stop: Callable[[], None], keep: Callable[[], None] = lambda: None) -> None:
    """Calls `stop` on a signal that ends programs, and when standard input ends, if it is a pipe or
    socket: the process that started us has ended then. Calls `keep` when it has something."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def read() -> None:
        if os.read(0, 1024):
            keep()
        else:
            loop.remove_reader(0)
            stop()

    loop.add_reader(0, read)


async def _announce(running: Context, state: State, listener: socket.socket) -> None:
    """Writes the address to standard output and to a file, once requests are accepted."""
    host, port = certificates.names(running.settings.serving)[0], listener.getsockname()[1]
    url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    ready = {"url": url, "ca": str(state.ca)}
    if running.sandbox:
        async with running.database.session() as session:
            key = await asking.make_sandbox_key(running, session)
            code = await make_activation_code(session, running.master, running.clock())
        ready |= {"activation_code": code, "sandbox_url": f"{url}/v1/sandbox"}
        ready |= {"api_url": f"{url}/v1/merchants/{FIRST}", "api_key": key}
    line = json.dumps({"ready": ready})
    write_private(state.announcement, line.encode())
    print(line, flush=True)


def _days(text: str) -> timedelta:
    """Returns some days, one at least. Raises ValueError."""
    days = int(text)
    if not 1 <= days <= 3650:
        raise ValueError
    return timedelta(days=days)


def _day(text: str) -> datetime:
    """Returns the beginning of a day. Raises ValueError."""
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)


async def _reconcile(arguments: argparse.Namespace, state: State, chosen: Settings) -> int:
    """Prints everything that happened on a day, and returns 1 when the sides differ on something.
    What was compared of all merchants is kept for the console.
    The running service's sandbox is its own: that of a stopped one is asked."""
    async with AsyncExitStack() as stack:
        alone = chosen.payments.stripe_key is None and chosen.payments.stripe_url is None
        if alone:
            stack.enter_context(state.held())
        bootstrap.open_store(state, chosen.master_key, alone=alone, region=chosen.service.region)
        store = database.open_database(state.address)
        stack.push_async_callback(store.close)
        sandbox = arguments.sandbox or _trial(chosen)
        provider = await bootstrap.payment_provider(chosen, state, sandbox, stack)
        lines = await reconcile(store, provider, arguments.day, arguments.merchant)
        if arguments.merchant is None:
            async with store.session() as session:
                await keep_report(session, arguments.day, lines, bootstrap.now())
                await session.commit()
    for line in lines:
        print(
            " " if line.agrees else "!",
            f"{line.at:%H:%M:%S}",
            line.kind,
            line.merchant_id or "unknown",
            line.reference,
            f"ledger {_written(line.ledger)}",
            f"provider {_written(line.provider)}",
            f"till {line.told or 'not reported'}" if line.kind == SALE else "",
            sep="\t",
        )
    differing = sum(not line.agrees for line in lines)
    print(f"{len(lines)} in all, {differing} on which the sides differ.")
    return 1 if differing else 0


def _written(amount: Money | None) -> str:
    if amount is None:
        return "nothing"
    return f"{Decimal(amount.minor).scaleb(-(exponent_of(amount.currency) or 0))} {amount.currency}"


async def _rekey(state: State, chosen: Settings) -> int:
    keep_from_disk()
    with state.held():
        master, _ = bootstrap.open_store(state, chosen.master_key, region=chosen.service.region)
        store = database.open_database(state.address)
        by = By(Door.COMMAND, commander(), bootstrap.now())
        try:
            await _hold_alone(state, store)
            approval = await _approval_of_rekey(store, by)
            starting = VaultClient(
                chosen.vault, chosen.recognition, state.vault, wrapped_by=chosen.master_key
            )
            async with starting as vault:
                transform = await vault.rekey()
                done = await renew_search_codes(
                    store, master, vault, transform, _show_progress, is_new=True
                )
            async with store.session() as session:
                # Not before: who does it again after a crash needs no other approval.
                if approval is None:
                    await audit.append(session, by, four_eyes.REKEY.name)
                else:
                    await four_eyes.take(session, by, approval)
                await session.commit()
        finally:
            await store.close()
    print(f"New search codes: {done} palms. The old ones and their secret are gone.")
    return 0


async def _approval_of_rekey(store: context.Database, by: By) -> str | None:
    """Returns the id of the approval by which the gallery's secret is replaced; None where there
    are no two who could ask and approve. Raises CannotDo when there is no approval."""
    async with store.reading() as session:
        approval = await four_eyes.approved_rekey(session, by.at)
        if approval is None and await four_eyes.are_two(session):
            raise CannotDo(
                "nobody has approved it. Ask with `staff ask-rekey`, or on the console's page To "
                "approve, and have another operator approve it: then there is a day for it."
            )
    return approval


def _become_vault(state: State, chosen: Settings, path: Path) -> NoReturn:
    words = command(chosen.recognition, state.vault, chosen.master_key)
    words += "--own-user-only", "--socket", str(path)
    os.execve(words[0], words, environment())  # noqa: S606 - its own program


def _wrap_master_key(state: State, chosen: Settings) -> int:
    keep_from_disk()
    if chosen.master_key is None:
        raise CannotDo(
            "master_key is not set. Set it in settings.toml to what shall wrap the master key, or "
            f'to "{PLAIN}" (docs/operating.md, Where the keys lie).'
        )
    if not masters.settle_master(state, chosen.master_key):
        print("The master key is wrapped like that already, with the newest key.")
        return 0
    print(
        "The master key is wrapped anew, and a service that runs goes on with it. The disk may "
        "hold what the file held before: when that was the key as it is, replace it as well "
        "(replace-master-key). Back up the state folder now."
    )
    return 0


async def _renew_capture_key(state: State, chosen: Settings) -> int:
    """A vault that runs by itself is asked beside the service; another one is started."""
    keep_from_disk()
    async with AsyncExitStack() as stack:
        if not chosen.vault.by_themselves:
            stack.enter_context(state.held())
        vault = VaultClient(
            chosen.vault, chosen.recognition, state.vault, wrapped_by=chosen.master_key
        )
        keys = await (await stack.enter_async_context(vault)).renew_key()
    newest, *before = keys.keys
    print(f"Captures are sealed to the key {newest.key_id} from now on.")
    for key in before:
        print(f"The key {key.key_id} opens captures until {key.expires_at:%Y-%m-%d %H:%M} UTC.")
    return 0


async def _replace_master_key(state: State, chosen: Settings) -> int:
    keep_from_disk()
    with state.held():
        master, _ = bootstrap.open_store(state, chosen.master_key, region=chosen.service.region)
        new = masters.make_next_master(state, chosen.master_key)
        store = database.open_database(state.address)
        try:
            await _hold_alone(state, store)
            people, keys = await replace_master_key(store, master, new)
        except InvalidTag:
            raise bootstrap.not_its_master_key(state) from None
        finally:
            await store.close()
        bootstrap.finish_replacing(state, chosen.master_key)
    print(f"The master key is replaced. People: {people}. Back up the state folder now.")
    if keys:
        print(
            f"Keys of tills and systems removed: {keys}. Make new ones: staff till-key, access-key."
        )
    return 0


async def _hold_alone(state: State, store: context.Database) -> None:
    """Raises DatabaseUnusable while a service works with the database."""
    if not await store.hold(alone=True):
        raise DatabaseUnusable(
            f"services work with {database.shown(state.address)}. Stop all of them first, on every "
            "machine."
        )


def _show_progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\rpalms {done}/{of}", end="" if done < of else "\n", file=sys.stderr, flush=True)


async def _back_up(arguments: argparse.Namespace, state: State, chosen: Settings) -> None:
    keep_from_disk()
    if not database.is_made(state.address):
        raise StateDamaged(
            f"{database.shown(state.address)} is missing: there is nothing to back up. Name the "
            "directory of the service with --state."
        )
    master = masters.open_master(state, chosen.master_key, alone=False)
    must_be_of(state.address, chosen.service.region)
    chosen_ways = {"keep": arguments.days, "wrapped_by": arguments.wrapped_by}
    if arguments.verb == "backup-keys":
        print(back_up_keys(state, master, arguments.to, bootstrap.now(), **chosen_ways))
        if chosen.vault.by_themselves:
            print("The vault's keys are in its own directory: back that up as its user.")
    else:
        print(await back_up(state, master, arguments.to, bootstrap.now(), **chosen_ways))


async def _restore(arguments: argparse.Namespace, state: State, chosen: Settings) -> None:
    keep_from_disk()
    with state.held():
        if database.is_made(state.address) and not arguments.replace:
            raise CannotDo(
                f"{database.shown(state.address)} is there already. What it has and the backup has "
                "not is lost when it is replaced: say --replace, or move it away."
            )
        if not state.master_key.exists():
            raise CannotDo(
                f"there is no {state.master_key}, without which a backup opens nobody's data. "
                "Restore the keys first: restore-keys."
            )
        master = masters.open_master(state, chosen.master_key)
        async with AsyncExitStack() as stack:
            if state.server is not None:
                store = database.open_database(state.server)
                stack.push_async_callback(store.close)
                await _hold_alone(state, store)
            done = await restore(
                state,
                master,
                arguments.file,
                region=chosen.service.region,
                wrapped_by=arguments.wrapped_by,
            )
    print("The database is restored.", _told(done))


async def _delete_again(arguments: argparse.Namespace, state: State, chosen: Settings) -> None:
    keep_from_disk()
    if not arguments.list.is_file():
        raise CannotDo(f"there is no list {arguments.list}. Name a deletions.jsonl.")
    with state.held():
        master, _ = bootstrap.open_store(state, chosen.master_key, region=chosen.service.region)
        async with AsyncExitStack() as stack:
            store = database.open_database(state.address)
            stack.push_async_callback(store.close)
            await _hold_alone(state, store)
            try:
                done = await delete_listed(store, state, master, arguments.list)
            except InvalidTag:
                raise bootstrap.not_its_master_key(state) from None
    print(_told(done))


def _told(done: Restored) -> str:
    until = "nobody" if done.known_until is None else f"{done.known_until:%Y-%m-%d %H:%M} UTC"
    return (
        f"People deleted again: {done.deleted}. The lists know those who have left until {until}: "
        "if others have left since, delete them again."
    )


def _restore_keys(arguments: argparse.Namespace, state: State) -> None:
    keep_from_disk()
    with state.held():
        if state.master_key.exists() and not arguments.replace:
            raise CannotDo(
                f"there are keys in {state.root}. What was written with them cannot be read any "
                "more when they are replaced: say --replace, or move them away."
            )
        print("\n".join(restore_keys(state, arguments.file, wrapped_by=arguments.wrapped_by)))


async def _verify_deletion(state: State, receipt_id: str) -> int:
    if not database.is_made(state.address):
        raise StateDamaged(
            f"{database.shown(state.address)} is missing. Name the directory of the service with "
            "--state, or restore it from a backup."
        )
    store = database.open_database(state.address)
    try:
        found = await remains_of(receipt_id, state, store)
        async with store.session() as session:
            row = await receipts.find(session, receipt_id)
        held = [] if row is None else what_backups_hold(state, row.at, bootstrap.now())
    except KeyError:
        print("There is no such receipt.", file=sys.stderr)
        return 2
    finally:
        await store.close()
    print("\n".join(found) if found else "Nothing remains.")
    if held:
        print("But in what was copied before:", *held, sep="\n")
    if store.copies is not None:
        print(store.copies)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
