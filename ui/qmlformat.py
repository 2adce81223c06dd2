"""`python -m ui.qmlformat [--check] FILE ...`: Qt's qmlformat with an option to check only."""

import argparse
import subprocess
import sys
from pathlib import Path

TOOL = Path(sys.executable).with_name("pyside6-qmlformat")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="name the files that would change, and change none"
    )
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    changed = [path for path in asked.files if formatted(path) != path.read_bytes()]
    for path in changed:
        if asked.check:
            print(f"not formatted: {path}")  # noqa: T201 - a command's answer
        else:
            path.write_bytes(formatted(path))
    return 1 if asked.check and changed else 0


def formatted(path: Path) -> bytes:
    command = [str(TOOL), "--ignore-settings", str(path)]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - our tool


if __name__ == "__main__":
    sys.exit(main())
