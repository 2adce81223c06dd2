"""`./run bench [NAME ...] [--json FILE]`: measures the figures and reports which bounds are met."""

import argparse
import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from inspect import signature
from pathlib import Path

from bench.figure import Figure

NOT_A_BENCH = {
    "__init__",
    "__main__",
    "enrolled",
    "figure",
    "process_tree",
    "regular",
    "soak",
    "window_fuzz",
    "x_server",
}


def main() -> int:
    known = sorted({file.stem for file in Path(__file__).parent.glob("*.py")} - NOT_A_BENCH)
    parser = argparse.ArgumentParser(
        prog="./run bench", description="Measures the figures that the README quotes."
    )
    parser.add_argument(
        "name",
        nargs="*",
        choices=[[], *known],
        metavar="NAME",
        help=f"{', '.join(known)} (default: all)",
    )
    parser.add_argument(
        "--enrolled",
        type=int,
        metavar="N",
        help="how many people are enrolled, for what is measured by their number "
        "(cloud, gallery, plans, shortlist)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores", file=sys.stderr)
    figures: list[Figure] = []
    for name in asked.name or known:
        measure = importlib.import_module(f"bench.{name}").measure
        by_number = asked.enrolled and "enrolled" in signature(measure).parameters
        for figure in measure(asked.enrolled) if by_number else measure():
            figures.append(figure)
            print(line(figure), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    return 0 if all(figure.met for figure in figures) else 1


def line(figure: Figure) -> str:
    bound = "" if figure.limit is None else f"{'≥' if figure.at_least else '≤'} {figure.limit:g}"
    verdict = "" if figure.met else "  NOT MET"
    return (
        f"{figure.name:<44}{figure.value:>9.1f} {figure.unit:<5}{bound:>9}{verdict}  {figure.how}"
    )


if __name__ == "__main__":
    sys.exit(main())
