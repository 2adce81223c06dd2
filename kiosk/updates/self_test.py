"""`palm-kiosk --self-test [OPTION ...]` tells whether this version of the program is whole, and
whether it takes the settings that it is given. It needs neither a screen nor a device, so that an
update can be asked while the version before serves.

What needs devices and the service is tried by the self-test of the staff area.
"""

# ruff: noqa: T201 - it answers on standard output

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from kiosk.faults import CannotStart
from protocol import VERSION

PARTS = ("kiosk.assembly", "kiosk.simulated.simulation", "ui.app")
"""What a kiosk loads. The window is named, because it stands on the kiosk and not below it."""
REINSTALL = "Install the program again, with all that its package needs."


def main(arguments: Sequence[str]) -> int:
    """Prints the version and what passes, and on standard error what fails, a line each with its
    cause and remedy. Returns the exit status, 0 if nothing fails. `arguments` are those of the
    kiosk; raises SystemExit(2) for wrong ones."""
    print(f"palm-kiosk {VERSION}", flush=True)
    tried: dict[str, Callable[[], None]] = {
        "program": _program,
        "models": _models,
        "settings": lambda: _settings(arguments),
    }
    status = 0
    for what, passes in tried.items():
        try:
            passes()
        except Exception as error:  # whatever a library that is damaged may raise
            known = isinstance(error, CannotStart)
            told = str(error) if known else f"{type(error).__name__}: {error}. {REINSTALL}"
            print(f"failed: {what}: {' '.join(told.split())}", file=sys.stderr, flush=True)
            status = 1
        else:
            print(f"passed: {what}", flush=True)
    return status


def _program() -> None:
    for part in PARTS:
        import_module(part)


def _models() -> None:
    # Each only here: it may be what is missing.
    from palm import models  # noqa: PLC0415

    for model in models.Model:
        models.Network(model)


def _settings(arguments: Sequence[str]) -> None:
    from kiosk.settings import Settings, wrong_devices  # noqa: PLC0415

    faults = wrong_devices(Settings.load(arguments))
    if faults:
        raise CannotStart.for_all(faults)
