"""`python -m lab.attacks [--people N] [--json FILE] [--pulse] [--only NAME]
[--within CIRCUMSTANCES]`, see `lab.attacks`."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from drawn.attack import Instrument
from lab.attacks.instruments import species
from lab.attacks.measure import FIRST, PEOPLE, SETS, measure


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="attacks",
        description="Measures how often drawn attacks are judged alive, and living hands are not.",
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    parser.add_argument(
        "--pulse",
        action="store_true",
        help="judge all presentations by the pulse alone as well (takes long to draw)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--within", choices=SETS, action="append", help="only in these circumstances"
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        choices=[*Instrument, *(each.name for each in species())],
        help="judge this instrument alone: %(choices)s",
    )
    asked = parser.parse_args()
    seeds = range(FIRST, FIRST + asked.people)
    reports = [
        measure(name, within, seeds, asked.workers, pulse=asked.pulse, only=asked.only)
        for name, within in SETS.items()
        if name in (asked.within or SETS)
    ]
    print("\n\n".join(report.text() for report in reports))  # noqa: T201 - the output of this command
    if asked.json:
        figures = [asdict(report) for report in reports]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
