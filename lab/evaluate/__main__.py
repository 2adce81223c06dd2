"""`python -m lab.evaluate DIR`; `--help` tells the rest."""

import argparse
import json
import os
import sys
from pathlib import Path

from lab.evaluate import dataset
from lab.evaluate.algorithm import PARTS, PEERS, PRODUCT
from lab.evaluate.dataset import Unmeasurable
from lab.evaluate.trial import measure


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
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the DET curves there")
    parser.add_argument(
        "--roi", action="store_true", help="take every image for a bare ROI, whatever its size"
    )
    parser.add_argument(
        "--frames", type=int, metavar="K", help="measure templates of K images each as well"
    )
    parser.add_argument(
        "--joined",
        type=Path,
        metavar="FILE",
        help="a table (set,hand,same_as) of HANDs that are one hand under several names",
    )
    asked = parser.parse_args()
    if asked.frames is not None and asked.frames < 2:
        parser.error("--frames is of two images at least")
    try:
        report = measure(
            asked.folder,
            (PRODUCT, *PARTS, *PEERS),
            roi=asked.roi,
            frames=asked.frames,
            same=dataset.joined(asked.joined, asked.folder) if asked.joined else None,
            workers=os.cpu_count() or 1,
        )
    except Unmeasurable as failure:
        print(f"evaluate: {failure}", file=sys.stderr)  # noqa: T201 - this command's own voice
        return 1
    print(report.text())  # noqa: T201 - this command's own voice
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from lab.evaluate.plot import det  # noqa: PLC0415 - only who plots needs matplotlib

        det(report.curves(), report.folder, asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
