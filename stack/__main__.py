"""`./run stack`: the whole service of one site, to try it."""

# ruff: noqa: T201 - it answers on standard output

import argparse
import asyncio
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from cloud.providers.sandbox import Sandbox, SandboxBroken, SandboxMissing
from protocol.files import held
from protocol.storage import cause_and_remedy
from stack.balancer import CannotListen
from stack.phones import Phones
from stack.postgres import PostgresBroken, Server
from stack.programs import Ended, Program
from stack.site import Site

PORT = 7256
"""Where kiosks on this machine look for a service."""
DATABASE = "palm"
SETTINGS = {"log_error_verbosity": "terse", "max_connections": "400"}
"""The database's: the details of an error quote values, and sixteen services with a worker take up
to 17 connections each."""
TEXTS_S = 1.0
"""How often the simulated phones are looked at, in seconds."""


class InUse(RuntimeError):
    """Another stack uses the folder: the message tells the remedy."""


REFUSALS = (CannotListen, Ended, InUse, OSError, PostgresBroken, SandboxBroken, SandboxMissing)
"""Errors whose message tells the cause."""


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    try:
        asyncio.run(_until_stopped(_run(arguments)))
    except REFUSALS as error:
        told = " ".join(cause_and_remedy(error)) if isinstance(error, OSError) else error
        print(told, file=sys.stderr)
        return 1
    print("All of it has ended.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run stack", description=__doc__)
    parser.add_argument(
        "--processes",
        type=_some,
        default=2,
        metavar="N",
        help="how many services answer requests (default: 2)",
    )
    parser.add_argument(
        "--vaults", type=_some, default=2, metavar="N", help="how many vaults they ask (default: 2)"
    )
    parser.add_argument(
        "--kiosks", type=int, default=2, metavar="N", help="how many kiosks (default: 2)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=PORT,
        help=f"where it listens, on this machine alone (default: {PORT}; 0 takes a free one)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FOLDER",
        help="where everything is kept for the next time (default: a folder that goes at the end)",
    )
    return parser


def _some(text: str) -> int:
    """Returns a number from 1 to 16. Raises ValueError, which argparse reports."""
    number = int(text)
    if not 1 <= number <= 16:
        raise ValueError
    return number


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Does work until it fails or a signal ends this program, which undoes it in order."""
    working = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


async def _run(arguments: argparse.Namespace) -> None:
    """Raises one of REFUSALS."""
    async with AsyncExitStack() as stack:
        folder = _folder(arguments.state, stack)
        print("Starting a database, vaults and services. This takes some seconds.", flush=True)
        server = stack.enter_context(_database(folder / "postgresql"))
        address = server.make(DATABASE)
        provider = await stack.enter_async_context(Sandbox(folder))
        site = Site(
            folder,
            address,
            provider.url,
            services=arguments.processes,
            vaults=arguments.vaults,
            port=arguments.port,
        )
        await stack.enter_async_context(site)
        _tell(site, folder, is_kept=arguments.state is not None)
        watching = [site.watch(), _outlive(server), _show_texts(site)]
        if arguments.kiosks:
            watching.append(_run_kiosks(site, folder / "kiosks", arguments.kiosks))
        await _first_to_fail(watching)


def _folder(kept: Path | None, stack: AsyncExitStack) -> Path:
    """Returns the folder of everything, which no other stack uses."""
    if kept is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="palm-stack-")))
    else:
        folder = kept.resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # The database is another user's, who has to get through.
        folder.chmod(0o711)
    try:
        stack.enter_context(held(folder / "in-use"))
    except BlockingIOError:
        raise InUse(f"{folder} is in use by another ./run stack. End that.") from None
    return folder


@contextmanager
def _database(folder: Path) -> Generator[Server]:
    folder.mkdir(mode=0o700, exist_ok=True)
    server = Server(folder, SETTINGS)
    try:
        server.start()
        yield server
    finally:
        # It may have ended by itself.
        with suppress(PostgresBroken):
            server.stop()


async def _outlive(server: Server) -> NoReturn:
    """Raises PostgresBroken when the database has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    process = os.pidfd_open(server.pid)
    loop.add_reader(process, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process)
        os.close(process)
    raise PostgresBroken("the database has ended by itself.")


async def _show_texts(site: Site) -> NoReturn:
    """Prints what the services send to phones."""
    phones = Phones(site.urls, site.ca)
    try:
        while True:
            for message in await phones.unread():
                print(f"text to {message.to}: {message.text}", flush=True)
            await asyncio.sleep(TEXTS_S)
    finally:
        await phones.close()


async def _run_kiosks(site: Site, folder: Path, count: int) -> NoReturn:
    """Runs so many simulated kiosks, and prints what they tell. Raises Ended and OSError."""
    codes = await asyncio.gather(*(site.activation_code() for _ in range(count)))
    words = ["stack.kiosks", "--state", str(folder), "--url", site.url, "--ca", str(site.ca)]
    words += [word for url in site.urls for word in ("--phone", url)]
    words += [word for code in codes for word in ("--code", code)]
    kiosks = await Program.start("kiosks", words, site.logs / "kiosks.log")
    try:
        async for line in kiosks.lines():
            print(line, flush=True)
        raise await kiosks.end()
    finally:
        await kiosks.stop()


async def _first_to_fail(watching: Sequence[Coroutine[Any, Any, NoReturn]]) -> None:
    """Raises what the first of these raises, once the others have ended too."""
    tasks = [asyncio.create_task(each) for each in watching]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    done.pop().result()


def _tell(site: Site, folder: Path, *, is_kept: bool) -> None:
    pages = site.url.replace("127.0.0.1", "localhost")
    print(f"\nEverything is in {folder}{'' if is_kept else ', which goes at the end'}.\n")
    print(f"service     {site.url}\n            (its authority is {site.ca})")
    for name, ready in sorted(site.announced.items()):
        print(f"            {ready['url']} is {name}")
    print(f"portal      {pages}/portal")
    print(f"console     {pages}/console")
    print(f"database    {site.database.render_as_string()}")
    print(f"logs        {site.logs}\n")
    for ready in site.announced.values():
        print(f"activation code    {ready['activation_code']}")
    api = next(iter(site.announced.values()))
    print(f"key of the API     {api['api_key']}\n")
    print(f"A kiosk with a window:\n  ./run kiosk --service.url {site.url} --service.ca {site.ca}")
    print(f"Commands of operators:\n  ./run {shlex.join(site.words('staff', '--help'))}\n")
    print("It is ready. Ctrl+C ends all of it. Texts to phones are shown here.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
