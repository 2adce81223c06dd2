"""The packaged program. `palm-kiosk [OPTION ...]` is the kiosk, as `./run kiosk` is, and
`palm-kiosk --self-test` says whether it is whole.

`palm-kiosk -m MODULE [WORD ...]` runs another part, as `python -m MODULE` does: the parts start
each other by `sys.executable`, which is this program here.
"""

import runpy
import sys

PARTS = (
    "cloud",
    "cloud.fleet.picture_files",
    "cloud.vault",
    "hardware.osdp",
    "kiosk.updates.check",
    "kiosk.updates.start",
    "protocol.verify_receipt",
    "ui",
)


def main() -> int:
    if len(sys.argv) < 3 or sys.argv[1] != "-m":
        sys.argv[:1] = [sys.argv[0], "-m", "ui"]
    _, _, part, *words = sys.argv
    if part not in PARTS:
        print(f"palm-kiosk has no part {part}: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    sys.argv = [part, *words]
    runpy.run_module(part, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
