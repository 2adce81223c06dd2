"""`palm-kiosk -m kiosk.updates.self_test` tells whether this version of the program is whole: it
prints its number, and ends with 0 if all that the kiosk needs can be loaded. It needs neither a
screen nor a device, so that it can be asked while the version before serves.
"""

# ruff: noqa: T201 - it answers on standard output

import sys
from importlib import import_module

from palm import models
from protocol import VERSION

PARTS = ("kiosk.assembly", "kiosk.simulated.simulation", "ui.app")
"""What a kiosk loads. The window is named, because it stands on the kiosk and not below it."""


def main() -> int:
    for part in PARTS:
        import_module(part)
    for model in models.Model:
        models.Network(model)
    print(VERSION)
    return 0


if __name__ == "__main__":
    sys.exit(main())
