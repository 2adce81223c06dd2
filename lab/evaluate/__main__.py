"""`python -m lab.evaluate DIR`; `--help` lists the options."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.evaluate import dataset
from lab.evaluate.algorithm import PARTS, PEERS, PRODUCT
from lab.evaluate.dataset import Unmeasurable
from lab.evaluate.trial import measure


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="evaluate",
        description="Measures how well the palms in a folder are recognised.",
        epilog="Images are read as HAND/SAMPLE. Samples named sS_K are compared across sessions "
        "only. HAND/palmar-left_N and HAND/palmar-right_N are the two hands of one subject; "
        "dorsal-… images have to be refused. See docs/palm-sets.md.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of images")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the DET curves to this file"
    )
    parser.add_argument(
        "--roi", action="store_true", help="take every image for an ROI, whatever its size"
    )
    parser.add_argument(
        "--frames", type=int, metavar="K", help="measure templates of K images as well"
    )
    parser.add_argument(
        "--joined",
        type=Path,
        metavar="FILE",
        help="a table (set,hand,same_as) of folders that show the hand of another folder",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        default=os.cpu_count() or 1,
        help="the number of processes that share the work (%(default)s)",
    )
    asked = parser.parse_args(arguments)
    if asked.frames is not None and asked.frames < 2:
        parser.error("--frames has to be two or more")
    if asked.workers < 1:
        parser.error("--workers has to be one or more")
    try:
        report = measure(
            asked.folder,
            (PRODUCT, *PARTS, *PEERS),
            roi=asked.roi,
            frames=asked.frames,
            same=dataset.joined(asked.joined, asked.folder) if asked.joined else None,
            workers=asked.workers,
        )
    except Unmeasurable as failure:
        print(f"evaluate: {failure}", file=sys.stderr)  # noqa: T201 - the output of this command
        return 1
    print(report.text())  # noqa: T201 - the output of this command
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from lab.evaluate.plot import det  # noqa: PLC0415 - matplotlib is needed for plots only

        det(report.curves(), report.folder, asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
