"""The kiosk's state folder: everything that outlives a restart.

settings.toml      settings of the operator, optional
state.tpm          the key that seals what is sealed here, sealed itself by the TPM, or
state.key          that key in plain, where there is no TPM (kiosk.sealing)
identity.json      the kiosk's key, and the device it is at the service; sealed
device-id          the id of that key
staff.json         the staff PIN; sealed
orders.json        what the operator has told this kiosk from afar (kiosk.operator); sealed
fittings.json      the devices that belong to this kiosk (kiosk.fittings)
tampering.json     for what the kiosk has locked itself (kiosk.lock)
pictures/          what the operator has it show (kiosk.pictures)
support-bundle.json  the latest support bundle, which nothing reads
door-reader.json   the base key of the door's OSDP line, and the reader's place on it; sealed
till-keys.toml     the keys that tills and the kiosk share (kiosk.till.nexo.keys); sealed
passwords.json     the passwords that addresses in the settings name (kiosk.passwords); sealed
till-certificate.pem  the certificate of the door for tills, with its key, which is encrypted
till.db            what tills have asked and were answered; sealed row by row
purchases/         the journal of purchases in doubt, and what tills were told; sealed
passages/          what the service must still be told of those who passed (kiosk.passages); sealed
venue/             what the kiosk is at pretix, and what pretix must still be told; sealed
                   (kiosk.venue)
set-aside/         what a kiosk had that has begun anew
service/           the state directory of the embedded service (`cloud.state`)
versions/          newer versions of the program, and what else updates need (kiosk.updates)
in-use             locked by the kiosk while it runs
"""

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

from kiosk.faults import CannotStart
from protocol.files import held, remove_durably
from protocol.storage import cause_and_remedy

SECRETS = (
    "identity.json",
    "door-reader.json",
    "till-keys.toml",
    "till-certificate.pem",
    "venue/device.json",
    "venue/peers.key",
)
"""The files with which somebody else could speak as this kiosk. Journals are none of them: they
hold no secret, and what is in doubt must still be settled."""


def wipe(state: Path) -> None:
    """Overwrites and removes every secret of the kiosk, also what was written of one half way and
    what was set aside. What can be wiped is wiped also where something else cannot. Raises the
    first OSError."""
    failed: OSError | None = None
    names = (name for secret in SECRETS for name in (secret, f"{secret}.partial"))
    for folder, name in product((state, *state.glob("set-aside/*")), names):
        try:
            _wipe(folder / name)
        except OSError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _wipe(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    remove_durably(path)


@contextmanager
def in_use(state: Path) -> Generator[None]:
    """Holds the folder while the block lasts, so that no second kiosk uses its key, its journal and
    its service. Raises CannotStart at once when one does, or when the folder cannot be used."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(state / "in-use"))
        except BlockingIOError:
            raise CannotStart(
                f"A kiosk is running in the state folder {state} already.",
                "Close it, or name another folder with --state.",
            ) from None
        except OSError as error:
            cause, remedy = cause_and_remedy(error)
            raise CannotStart(
                f"The state folder {state} cannot be used. {cause}",
                f"{remedy} Or name another folder with --state.",
            ) from None
        yield
