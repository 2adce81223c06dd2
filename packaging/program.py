"""The packaged program. `palm-kiosk [OPTION ...]` is the kiosk, as `./run kiosk` is.

`palm-kiosk -m MODULE [WORD ...]` runs another part, as `python -m MODULE` does: the parts start
each other by `sys.executable`, which is this program here.
"""

import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path

PARTS = (
    "cloud",
    "cloud.vault",
    "hardware.osdp",
    "kiosk.updates.check",
    "kiosk.updates.self_test",
    "kiosk.updates.start",
    "protocol.verify_receipt",
    "ui",
)
SANDBOX = "cloud.providers.localstripe"
"""It runs what is under another licence, in an interpreter and a package of its own."""
SANDBOX_PYTHON = Path("/usr/lib/palm-kiosk-sandbox/bin/python")


def main() -> int:
    if len(sys.argv) < 3 or sys.argv[1] != "-m":
        sys.argv[:1] = [sys.argv[0], "-m", "ui"]
    _, _, part, *words = sys.argv
    if part == SANDBOX:
        become_sandbox(words)
        print("The package palm-kiosk-sandbox is not installed.", file=sys.stderr)
        return 2
    if part not in PARTS:
        print(f"palm-kiosk has no part {part}: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    sys.argv = [part, *words]
    runpy.run_module(part, run_name="__main__", alter_sys=True)
    return 0


def become_sandbox(words: list[str]) -> None:
    """Returns only where there is no sandbox."""
    # Libraries of this program are not those of that interpreter.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("_PYI", "LD_"))
    }
    with suppress(FileNotFoundError):
        os.execve(SANDBOX_PYTHON, [str(SANDBOX_PYTHON), "-m", SANDBOX, *words], environment)


if __name__ == "__main__":
    sys.exit(main())
