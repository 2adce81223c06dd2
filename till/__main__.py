"""`./run till`: a small till, in this terminal and as a page in the browser."""

# ruff: noqa: T201 - it answers on standard output

import argparse
import asyncio
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from kiosk.faults import CannotStart
from kiosk.sealing import open_state
from kiosk.settings import default_state
from kiosk.till.nexo.client import TillClient
from kiosk.till.nexo.envelope import SharedKey
from kiosk.till.nexo.keys import NAME, add_key, read_keys
from protocol.currency import exponent_of
from protocol.messages import Money
from protocol.sealed import SealedPath
from till import terminal
from till.merchant import Merchant
from till.page import Page
from till.register import Article, Register

ARTICLES = {
    "Coffee": 450,
    "Cappuccino": 520,
    "Tea": 380,
    "Sourdough": 650,
    "Croissant": 340,
    "Soup of the day": 890,
    "Sandwich": 780,
    "Sparkling water": 290,
}
"""What is sold, at hundredths of a currency that has some."""


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(_client(asked), _merchant(asked), asked.currency, asked.page))
    except KeyboardInterrupt:
        return 130
    except CannotStart as problem:
        print(f"{problem.cause}\n{problem.remedy}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run till",
        description=(
            "A small till that speaks Sale to POI with a kiosk. For a kiosk on this machine its "
            "state folder tells everything else, and a key is made there if there is none."
        ),
    )
    parser.add_argument("--host", default="localhost", help="the kiosk (default: this machine)")
    parser.add_argument("--port", type=int, default=8443, help="its door (default: 8443)")
    parser.add_argument("--state", type=Path, help="the state folder of a kiosk on this machine")
    parser.add_argument(
        "--keys",
        type=Path,
        help="a file of keys (docs/integrations/till.md), whose last one is used: a passphrase "
        "among the arguments could be read by every program on this machine",
    )
    parser.add_argument("--certificate", type=Path, help="the kiosk's certificate, a PEM file")
    parser.add_argument(
        "--service",
        type=Path,
        help="the service.json of a sandbox, or a file like it with a key of the merchant "
        "(docs/integrations/till.md); that of the kiosk's own service without",
    )
    parser.add_argument("--sale-id", default="till-1", help="the name of this till, SaleID")
    parser.add_argument("--currency", default="USD", help="the kiosk's currency (default: USD)")
    parser.add_argument("--page", type=int, default=8480, help="the page's port; 0 for a free one")
    return parser


def _key(keys: Path | None, state: Path | None) -> SharedKey:
    """Returns the key to speak with. Raises CannotStart."""
    if keys is None:
        file = open_state(state or default_state(), None).files / NAME
    else:
        # A till's own file, which nobody has sealed.
        file = SealedPath(keys, b"")
    found = read_keys(file)
    if found:
        return found[-1]
    if keys is not None:
        raise CannotStart(
            f"There is no key in {keys}.",
            "Make one with `./run kiosk till new-key`, and write it as docs/integrations/till.md "
            "shows.",
        )
    key = add_key(file)
    print(f"A key was made in {file.path}. The kiosk takes it at once.")
    return key


def _client(asked: argparse.Namespace) -> TillClient:
    """Raises CannotStart."""
    if exponent_of(asked.currency) is None:
        raise CannotStart(
            f"{asked.currency} is no currency of ISO 4217.", "Name another with --currency."
        )
    certificate = asked.certificate or (asked.state or default_state()) / "till-certificate.pem"
    try:
        # First, because a key is made only where there is a kiosk.
        certificate.read_bytes()
        key = _key(asked.keys, asked.state)
        return TillClient(asked.host, asked.port, key, certificate, asked.sale_id)
    except OSError as error:
        raise CannotStart(
            f"The kiosk's certificate {certificate} cannot be used: {error.strerror or error}.",
            "Open a kiosk with a door on this machine (./run kiosk --till.port 8443), or name the "
            "certificate that you have copied from it with --certificate.",
        ) from None


def _merchant(asked: argparse.Namespace) -> Merchant | None:
    """Returns the merchant whose sales are looked up, None where no file names one. Raises
    CannotStart."""
    own = (asked.state or default_state()) / "service" / "service.json"
    named: Path | None = asked.service
    try:
        return Merchant.read(named or own)
    except (OSError, ValueError) as error:
        if named is None:
            return None
        raise CannotStart(
            f"{named} names no merchant of a service: {error}.",
            "Write it as docs/integrations/till.md shows.",
        ) from None


async def _serve(client: TillClient, merchant: Merchant | None, currency: str, port: int) -> None:
    """Raises CannotStart."""
    scale = 10 ** (exponent_of(currency) or 0)
    articles = [
        Article(label, Money(minor=max(1, price * scale // 100), currency=currency))
        for label, price in ARTICLES.items()
    ]
    register = Register(client, articles, currency, merchant)
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise CannotStart(
            f"The page cannot be served at port {port}: {error.strerror}.",
            "Name another port with --page.",
        ) from None
    print(f"The till's page is at http://localhost:{listener.getsockname()[1]}\n")
    server = _Server(
        uvicorn.Config(Page(register).app, log_config=None, access_log=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve([listener]))
    register.diagnose()
    try:
        await terminal.serve(register, sys.stdin, sys.stdout)
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        await register.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves signals to the till."""
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
