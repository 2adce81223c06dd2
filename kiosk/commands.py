"""What the program does instead of opening the kiosk: the commands of its operator."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from getpass import getpass

from pydantic import ValidationError

from kiosk.clock import SystemClock
from kiosk.faults import CannotStart
from kiosk.passwords import NAME, Passwords
from kiosk.sealing import begin_anew, let_boot_state_change, open_state
from kiosk.settings import Settings
from kiosk.staff import StaffPin
from kiosk.state import in_use
from kiosk.till.journal import sales_in
from kiosk.till.nexo import keys
from kiosk.till.nexo.envelope import LONGEST_IDENTIFIER
from protocol.program import KIOSK


def staff(arguments: Sequence[str]) -> int:
    """Sets a new staff PIN, for staff who are locked out or have forgotten theirs. A kiosk that
    runs takes it at once. Returns the exit status; raises CannotStart."""
    parser = argparse.ArgumentParser(
        prog=f"{KIOSK} staff",
        description=f"Commands for staff. All settings of {KIOSK} may follow, such as --state.",
    )
    parser.add_argument("what", choices=["new-pin"], help="set a new PIN for the staff area")
    _, rest = parser.parse_known_args(arguments)
    settings = Settings.load(rest)
    check_state(settings)
    file = StaffPin.of(open_state(settings.state, settings.tpm).files, SystemClock().wall)
    # A process that a signal kills would leave the terminal without echo.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pin = read_secret("New PIN: ")
        again = read_secret("Once more: ")
    except (EOFError, KeyboardInterrupt):
        print("\nThe PIN is as it was.", file=sys.stderr)
        return 1
    if pin != again:
        print("These are not the same digits. The PIN is as it was.", file=sys.stderr)
        return 1
    try:
        asyncio.run(file.choose(pin))
    except ValueError as poor:
        print(f"Please choose another one: {poor}. The PIN is as it was.", file=sys.stderr)
        return 1
    except OSError as error:
        raise CannotStart(
            f"The PIN cannot be written to {settings.state}: {error.strerror}.",
            "Make room or correct the folder's permissions.",
        ) from None
    print("The new PIN opens the staff area from now on.")
    return 0


def till(arguments: Sequence[str]) -> int:
    """Makes, lists and removes the keys that tills and the kiosk share. A kiosk that runs goes by
    it at once. Returns the exit status; raises CannotStart."""
    parser = argparse.ArgumentParser(
        prog=f"{KIOSK} till",
        description=f"Commands for the till's door. All settings of {KIOSK} may follow.",
    )
    commands = parser.add_subparsers(dest="what", required=True)
    new = commands.add_parser("new-key", help="make a key for tills and print it")
    new.add_argument("--identifier", default="till", help="its KeyIdentifier (default: till)")
    new.add_argument("--own", action="store_true", help="ask for a passphrase of your own")
    commands.add_parser("keys", help="list the keys, without their passphrases")
    remove = commands.add_parser("remove-key", help="take a key out, which no till uses any more")
    remove.add_argument("identifier", help="its KeyIdentifier")
    remove.add_argument("version", type=int, help="its KeyVersion")
    asked, rest = parser.parse_known_args(arguments)
    if asked.what == "new-key" and not 1 <= len(asked.identifier) <= LONGEST_IDENTIFIER:
        parser.error(f"an identifier has 1 to {LONGEST_IDENTIFIER} characters")
    settings = Settings.load(rest)
    check_state(settings)
    file = open_state(settings.state, settings.tpm).files / keys.NAME
    if asked.what == "keys":
        for key in keys.read_keys(file):
            print(f"{key.identifier}  version {key.version}")
        return 0
    if asked.what == "remove-key":
        removed = keys.remove_key(file, asked.identifier, asked.version)
        print("The key is removed." if removed else "There is no such key.")
        return 0 if removed else 1
    own = read_secret("Passphrase: ") if asked.own else None
    try:
        key = keys.add_key(file, asked.identifier, own)
    except ValidationError:
        print("A passphrase has 16 to 256 characters. No key was made.", file=sys.stderr)
        return 1
    print(
        f"KeyIdentifier  {key.identifier}\nKeyVersion     {key.version}\n"
        f"passphrase     {key.passphrase}\n"
        "Set these up at the till. The kiosk keeps them sealed."
    )
    return 0


def key(arguments: Sequence[str]) -> int:
    """Readies the kiosk's key for another boot state, or has the kiosk begin anew without it.
    Returns the exit status; raises CannotStart."""
    parser = argparse.ArgumentParser(
        prog=f"{KIOSK} key",
        description="Commands for the key that seals the kiosk's secrets. All settings of "
        f"{KIOSK} may follow.",
    )
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser(
        "before-update",
        help="have the TPM give the key also after the next change of the boot state",
    )
    commands.add_parser(
        "begin-anew",
        help="set the key aside with all that it seals; the kiosk needs a new PIN and activation",
    )
    asked, rest = parser.parse_known_args(arguments)
    settings = Settings.load(rest)
    check_state(settings)
    if asked.what == "begin-anew":
        with in_use(settings.state):
            aside = begin_anew(settings.state)
        print(
            f"The key and what it seals lie in {aside} now, in case it can be had again.\nStart "
            "the kiosk, choose its PIN at once, and activate it: with `staff replace-device` on "
            "the service's machine it takes its own place."
        )
        for sale in sales_in(aside / "purchases"):
            print(f"Ask the payment provider what became of the sale {sale}.")
    elif let_boot_state_change(settings.state, settings.tpm):
        print(
            "The TPM gives the key however this machine is started now. The first start of the "
            "kiosk in another boot state seals the key to that one."
        )
    else:
        print("No TPM seals the key: a change of the boot state does not matter to it.")
    return 0


def password(arguments: Sequence[str]) -> int:
    """Asks for a password that an address in the settings names. Returns the exit status; raises
    CannotStart."""
    parser = argparse.ArgumentParser(
        prog=f"{KIOSK} password",
        description="Asks for a password that an address in the settings names in braces, as in "
        f"rtsp://kiosk:{{camera}}@192.0.2.7/. All settings of {KIOSK} may follow.",
    )
    parser.add_argument("name", help="its name: lower-case letters, digits and hyphens")
    parser.add_argument("--remove", action="store_true", help="forget it")
    asked, rest = parser.parse_known_args(arguments)
    if re.fullmatch(NAME, asked.name) is None:
        parser.error("a name has 1 to 32 lower-case letters, digits and hyphens")
    settings = Settings.load(rest)
    check_state(settings)
    passwords = Passwords(open_state(settings.state, settings.tpm).files)
    if asked.remove:
        known = passwords.forget(asked.name)
        print("The password is forgotten." if known else "There is no such password.")
        return 0 if known else 1
    given = read_secret("Password: ")
    if not given:
        print("Nothing was given, and nothing is changed.", file=sys.stderr)
        return 1
    passwords.keep(asked.name, given)
    print(f"The next start of the kiosk writes it where the settings say {{{asked.name}}}.")
    return 0


def read_secret(prompt: str) -> str:
    """Returns a line from the terminal, without echo, or from a pipe."""
    return getpass(prompt) if sys.stdin.isatty() else input()


def check_state(settings: Settings) -> None:
    """Raises CannotStart unless the state folder is there and belongs to whoever asks: the kiosk
    could not read a file that somebody else has written."""
    remedy = "Name the kiosk's folder with --state, and run this as the user that runs the kiosk."
    try:
        owner = settings.state.stat().st_uid
    except OSError as error:
        cause = f"The state folder {settings.state} cannot be used: {error.strerror}."
        raise CannotStart(cause, remedy) from None
    if owner != os.geteuid():
        raise CannotStart(f"The state folder {settings.state} belongs to another user.", remedy)
