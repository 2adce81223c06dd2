"""`python -m cloud`: the signature service and the commands of its operators."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import asyncio
import ctypes
import json
import logging
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from platformdirs import user_state_path
from sqlalchemy.exc import DatabaseError

from cloud import bootstrap, settings
from cloud.bootstrap import HousekeepingStopped
from cloud.context import Context
from cloud.db import database
from cloud.db.database import Database
from cloud.jobs.rekey import renew_search_codes
from cloud.keys.person_keys import MasterKey
from cloud.merchants.devices import make_activation_code
from cloud.people.deletions import remains_of
from cloud.plugins import NoSuchPart
from cloud.providers.sandbox import SandboxMissing
from cloud.serving import allow_many_files, listen, make_server
from cloud.settings import BadSettings, Settings
from cloud.state import State, StateDamaged, StateInUse
from cloud.vault.client import VaultBroken, VaultClient, VaultUnavailable
from protocol.files import write_private

log = logging.getLogger("cloud")

_PR_SET_DUMPABLE = 4

REFUSALS = (
    BadSettings,
    HousekeepingStopped,
    NoSuchPart,
    OSError,
    SandboxMissing,
    StateDamaged,
    StateInUse,
    VaultBroken,
    VaultUnavailable,
)
"""Errors whose message tells an operator the cause and the remedy."""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run cloud", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        default=user_state_path("palm-cloud"),
        help="the state directory (default: %(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--sandbox", action="store_true", help="simulate payments and text messages"
    )
    verbs = parser.add_subparsers(dest="verb", title="instead of serving")
    staff = verbs.add_parser("staff", help="commands for staff")
    staff.add_argument("what", choices=["activation-code"])
    verbs.add_parser("rekey", help="replace the gallery's secret and the search codes of all palms")
    verify = verbs.add_parser(
        "verify-deletion", help="search for what a deletion receipt says was erased"
    )
    verify.add_argument("receipt_id")
    arguments = parser.parse_args(words)

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # Stripe's logs name customers, httpx's addresses; Alembic's say nothing of use.
    for talkative in ("stripe", "httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        state = State.open(arguments.state)
        serving = partial(bootstrap.obstacles, sandbox=arguments.sandbox)
        chosen = settings.load(state.settings, None if arguments.verb else serving)
        if arguments.verb == "staff":
            return asyncio.run(_show_activation_code(state))
        if arguments.verb == "verify-deletion":
            return asyncio.run(_verify_deletion(state, arguments.receipt_id))
        if arguments.verb == "rekey":
            return asyncio.run(_rekey(state, chosen))
        allow_many_files()
        with listen(arguments.host, arguments.port) as listener:
            asyncio.run(
                _serve(state, chosen, listener, sandbox=arguments.sandbox or _trial(chosen))
            )
    except REFUSALS as error:
        print(f"cloud: {error}", file=sys.stderr)
        return 2
    except DatabaseError as error:
        print(
            f"cloud: {arguments.state / 'palms.db'} cannot be used ({error.orig}). "
            "Free disk space, or restore it from a backup.",
            file=sys.stderr,
        )
        return 2
    return 0


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


def leave_no_core_dump() -> None:
    """Makes sure that the memory of this process is never written to a file: it holds the master
    key and the search codes of all palms (prctl(2), core(5))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


async def _serve(state: State, chosen: Settings, listener: socket.socket, *, sandbox: bool) -> None:
    leave_no_core_dump()
    async with bootstrap.running(chosen, state, sandbox=sandbox) as running:
        server = make_server(running)

        def stop() -> None:
            server.should_exit = True

        # uvicorn's own handlers raise the signal once more when the server has stopped. These take
        # it then, so that the rest can still be stopped in order.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        _stop_with_parent(loop, stop)
        try:
            await _announce(running, state, listener)
            await server.serve([listener])
        finally:
            state.announcement.unlink(missing_ok=True)


def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Stops the service when standard input ends, if it is a pipe or socket: the process that
    started us has ended then."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def read() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            stop()

    loop.add_reader(0, read)


async def _announce(running: Context, state: State, listener: socket.socket) -> None:
    """Writes the address to standard output and to a file, once requests are accepted."""
    host, port = listener.getsockname()[:2]
    url = f"https://{host}:{port}"
    ready = {"url": url, "ca": str(state.ca)}
    if running.sandbox:
        async with running.database.session() as session:
            code = await make_activation_code(session, running.master, running.clock())
        ready |= {"activation_code": code, "sandbox_url": f"{url}/v1/sandbox"}
    line = json.dumps({"ready": ready})
    write_private(state.announcement, line.encode())
    print(line, flush=True)


async def _show_activation_code(state: State) -> int:
    master = MasterKey(state.master_key())
    database.migrate(state.database)
    store = Database(state.database)
    async with store.session() as session:
        print(await make_activation_code(session, master, bootstrap.now()))
    await store.close()
    return 0


async def _rekey(state: State, chosen: Settings) -> int:
    leave_no_core_dump()
    with state.held():
        master = MasterKey(state.master_key())
        database.migrate(state.database)
        store = Database(state.database)
        async with VaultClient(chosen.vault, chosen.recognition, state.vault) as vault:
            transform = await vault.rekey()
            done = await renew_search_codes(store, master, vault, transform, _show_progress)
        await store.close()
    print(f"New search codes: {done} palms. The old ones and their secret are gone.")
    return 0


def _show_progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\rpalms {done}/{of}", end="" if done < of else "\n", file=sys.stderr, flush=True)


async def _verify_deletion(state: State, receipt_id: str) -> int:
    store = Database(state.database)
    try:
        found = await remains_of(receipt_id, state, store)
    except KeyError:
        print("There is no such receipt.", file=sys.stderr)
        return 2
    finally:
        await store.close()
    print("\n".join(found) if found else "Nothing remains.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
