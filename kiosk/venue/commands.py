"""`kiosk venue`: makes the kiosk a scanning device of pretix, and chooses its list."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Sequence

from kiosk.commands import check_state, read_secret
from kiosk.faults import CannotStart
from kiosk.sealing import open_state
from kiosk.service.causes import WORDS
from kiosk.settings import Settings, VenueGateSettings
from kiosk.venue.device import Device, DeviceFile
from kiosk.venue.journal import Journal
from kiosk.venue.opening import device_file, journal_file, make_peers_key
from kiosk.venue.pretix import (
    NoAnswer,
    NotAllowed,
    NotSignedOn,
    Pretix,
    SignOnProblem,
    sign_on,
)
from protocol.program import KIOSK
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

NO_DEVICE = "This kiosk is no device of a pretix yet.", "Sign it on with `sign-on` first."
_PROBLEMS = {
    SignOnProblem.NO_CODE_OF_PRETIX: (
        "This is no code of pretix's for a device.",
        'Add a device in pretix and paste the text of its QR code: {"handshake_version": 1, …}.',
    ),
    SignOnProblem.NOT_SAFE: (
        "The address in this code is not encrypted.",
        "Serve pretix over https. Only a server on this machine itself may do without.",
    ),
    SignOnProblem.NOT_ACCEPTED: (
        "pretix does not accept this code.",
        "A code signs one device on once. Add a new device in pretix, and use its code.",
    ),
    SignOnProblem.NO_ANSWER: (
        "pretix does not answer.",
        "Look whether its address opens in a browser of this network, and name its authority's "
        "file with venue.ca if it has one of its own.",
    ),
}


def venue(arguments: Sequence[str]) -> int:
    """Returns the exit status; raises CannotStart."""
    parser = argparse.ArgumentParser(
        prog=f"{KIOSK} venue",
        description="Commands for a gate whose tickets are in pretix. All settings of "
        f"{KIOSK} may follow, such as --state.",
    )
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("sign-on", help="become the device of a QR code, whose text is asked for")
    commands.add_parser("lists", help="show the events and check-in lists that may be chosen")
    choose = commands.add_parser("choose", help="choose the check-in list of this gate")
    choose.add_argument("event", help="the event, as `lists` names it")
    choose.add_argument("list", type=int, help="the number of the list")
    look = commands.add_parser("conflicts", help="list passages that pretix does not agree with")
    look.add_argument(
        "--settle", action="store_true", help="take those that are listed off the list"
    )
    commands.add_parser("sign-off", help="forget what this kiosk is at pretix")
    commands.add_parser("peers-key", help="make a key that the gates of the venue share")
    asked, rest = parser.parse_known_args(arguments)
    settings = Settings.load(rest)
    check_state(settings)
    state = open_state(settings.state, settings.tpm).files
    if asked.what == "peers-key":
        print(f"{make_peers_key(state)}\nThe other gates need the same key.")
        return 0
    file = device_file(state)
    if asked.what == "sign-off":
        file.forget()
        print("Remove the device in pretix, too: its key is good until then.")
        return 0
    if asked.what == "conflicts":
        return asyncio.run(_list_conflicts(state, file, settle=asked.settle))
    try:
        return asyncio.run(_at_pretix(asked, file, settings.venue or VenueGateSettings()))
    except OSError as error:
        raise CannotStart(*cause_and_remedy(error)) from None


async def _list_conflicts(state: SealedPath, file: DeviceFile, *, settle: bool) -> int:
    """Lists them beside a running kiosk as well. Raises CannotStart."""
    device = file.load()
    if device is None:
        raise CannotStart(*NO_DEVICE)
    journal = Journal(journal_file(state, device))
    try:
        for each in await journal.conflicts():
            ticket = "an unknown ticket" if each.position is None else f"position {each.position}"
            why = "" if each.reason is None else f" ({each.reason})"
            print(f"{each.at:%Y-%m-%d %H:%M:%S}", each.direction, ticket, f"{each.trouble}{why}")
            if settle:
                await journal.dismiss(each.passage)
    except sqlite3.Error as error:
        raise CannotStart(
            f"The journal of the gate cannot be read ({error}).", "Try it again, or check the disk."
        ) from None
    finally:
        journal.close()
    return 0


async def _at_pretix(asked: argparse.Namespace, file: DeviceFile, at: VenueGateSettings) -> int:
    """Raises CannotStart, and OSError when the authority's file cannot be read."""
    if asked.what == "sign-on":
        return await _sign_on(file, at)
    device = file.load()
    if device is None:
        raise CannotStart(*NO_DEVICE)
    pretix = Pretix(device, at.ca)
    try:
        if asked.what == "choose":
            return await _choose(pretix, file, device, asked.event, asked.list)
        return await _show(pretix, device)
    except NoAnswer as none:
        raise CannotStart(*_PROBLEMS[SignOnProblem.NO_ANSWER]) from none
    except NotAllowed:
        raise CannotStart(
            "pretix does not know this device any more, or does not let it use the event.",
            "Look at the device in pretix, and sign the kiosk on again if it was removed.",
        ) from None
    finally:
        await pretix.close()


async def _sign_on(file: DeviceFile, at: VenueGateSettings) -> int:
    try:
        device = await sign_on(read_secret("The text of the QR code: "), at.ca)
    except (EOFError, KeyboardInterrupt):
        print("\nNothing has changed.", file=sys.stderr)
        return 1
    except NotSignedOn as problem:
        cause, remedy = _PROBLEMS[problem.problem]
        if problem.cause is not None:
            cause = f"{cause} ({WORDS[problem.cause].partition('.')[0]}.)"
        raise CannotStart(cause, remedy) from None
    file.keep(device)
    gate = "no gate" if device.gate is None else f'the gate "{device.gate.name}"'
    print(
        f'This kiosk is the device "{device.name}" of {device.organizer} at {device.url} now, '
        f"at {gate}."
    )
    print(f"Choose its check-in list with `{KIOSK} venue choose EVENT LIST`.")
    return 0


async def _show(pretix: Pretix, device: Device) -> int:
    for event in await pretix.events():
        print(f"{event.id}  {event.name}")
        for each in await pretix.lists(event.id):
            chosen = (event.id, each.id) == (device.event, str(device.list))
            print(f"    {each.id}  {each.name}{'  (chosen)' if chosen else ''}")
    return 0


async def _choose(
    pretix: Pretix, file: DeviceFile, device: Device, event: str, list_id: int
) -> int:
    known = {each.id: each.name for each in await pretix.lists(event)}
    if str(list_id) not in known:
        raise CannotStart(
            f"The event {event} has no check-in list {list_id}.", "`lists` shows those there are."
        )
    file.keep(device.model_copy(update={"event": event, "list": list_id}))
    print(f"This gate lets in by {known[str(list_id)]} from its next start on.")
    return 0
