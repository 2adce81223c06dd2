"""`./run venue`: a pretix server with an event, at which a kiosk can be signed on."""

# ruff: noqa: T201 - it answers on standard output

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import segno

from venue.event import EVENT, festival
from venue.server import ADMIN, ORGANIZER, Gate, NotInstalled, Server, running

GATES = ("Gate A", "Gate B")


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="palm-venue-") as folder,
            running(Path(folder), tuple(map(Gate, GATES)), asked.port) as server,
        ):
            _tell(server)
            signal.pause()
    except KeyboardInterrupt:
        return 130
    except NotInstalled:
        print("There is no pretix yet. `./run venue` installs it.", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run venue",
        description=(
            "A pretix server of its own with an event, products, orders, check-in lists and two "
            "gates, on this machine alone. All of it is gone when it ends."
        ),
    )
    parser.add_argument("--port", type=int, default=7290, help="its port (default: 7290)")
    return parser


def _tell(server: Server) -> None:
    event = festival(server)
    print(f"pretix        {server.url}/control/event/{ORGANIZER}/{EVENT}/")
    print(f"sign in with  {ADMIN}\npassword      {server.password}\n")
    print(f"Check-in lists: {event.main} Main entrance, {event.coming_back} Coming back\n")
    print("Tickets, as their QR codes say:")
    for ticket in event.tickets.values():
        print(f"  {ticket.name:<14}{ticket.secret}")
    for gate in server.gates:
        code = server.code(gate)
        print(f"\nThe kiosk at {gate.name} is signed on once with\n\n  {code}\n")
        segno.make(code).terminal(compact=True)
    print("\nCtrl+C ends it.", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
