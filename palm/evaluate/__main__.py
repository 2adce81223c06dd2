"""`python -m palm.evaluate DIR [--json FILE] [--plot FILE] [--roi]`."""

import argparse
import json
import os
import sys
from pathlib import Path

from palm.evaluate.dataset import Unmeasurable
from palm.evaluate.trial import measure


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="evaluate",
        description="Says how well the palms in a folder are told apart.",
        epilog="Images lie as HAND/SAMPLE. Samples named sS_K are compared across sessions only. "
        "HAND/palmar-left_N and the like tell the two hands of a subject apart; dorsal-… images "
        "have to be refused.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the DET curve there")
    parser.add_argument(
        "--roi", action="store_true", help="take every image for a bare ROI, whatever its size"
    )
    asked = parser.parse_args()
    # One process a core, each on one thread: they would only stand in each other's way.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    try:
        report, curve = measure(asked.folder, asked.roi, os.cpu_count() or 1)
    except Unmeasurable as failure:
        print(f"evaluate: {failure}", file=sys.stderr)  # noqa: T201 - this command's own voice
        return 1
    print(report.text())  # noqa: T201 - this command's own voice
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from palm.evaluate.plot import det  # noqa: PLC0415 - only who plots needs matplotlib

        det(curve, report.folder, asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
