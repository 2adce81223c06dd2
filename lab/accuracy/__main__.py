"""`./run accuracy [WHAT ...]`: measures recognition, and writes docs/accuracy.md.

Each measurement is a command. Its figures are kept in docs/accuracy/WHAT.json, with the machine and
the commit on which they were measured. The document is made from these files alone.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.accuracy.document import accuracy, rates, summary, with_summary
from lab.accuracy.figures import JOINED, Measurement
from lab.evaluate.plot import det, likeness
from lab.sets import PALM_SETS, ROOT

DOCS = ROOT / "docs"
FIGURES = DOCS / "accuracy"
PALMS = Path(os.path.relpath(PALM_SETS, ROOT))
SAME = Path("docs/accuracy/same.csv")

READMES = {"README.md": summary, "palm/README.md": rates}
"""The READMEs and what makes their tables."""

FRAMES = {"roi-contactless": 3}
"""The number of images in a template, for sets with enough images for more than two."""

SMALL = ("--people", "1000", "--mates", "1000", "--strangers", "1000")
"""The options of a small gallery, which is enough to compare colour with near infrared."""


def commands() -> dict[str, list[str]]:
    """Returns the module and the arguments of each measurement, by its name."""
    known: dict[str, list[str]] = {}
    sets = sorted({hand.parent.name for hand in (ROOT / PALMS).glob("*/*/")})
    for name in sets:
        frames = ["--frames", str(FRAMES.get(name, 2))]
        known[name] = ["lab.evaluate", str(PALMS / name), *frames]
        if f"\n{name}," in (ROOT / SAME).read_text(encoding="utf-8"):
            known[f"{name}{JOINED}"] = [*known[name], "--joined", str(SAME)]
    folders = [str(PALMS / name) for name in sets]
    known["optimism"] = ["lab.evaluate.optimism", *folders, "--joined", str(SAME)]
    known["realism"] = ["lab.evaluate.realism", *folders, "--joined", str(SAME)]
    known["drawn-infrared"] = ["lab.evaluate.drawn_gallery", "--infrared", *SMALL]
    known["drawn-both"] = ["lab.evaluate.drawn_gallery", "--infrared", "--both", *SMALL]
    known["drawn"] = ["lab.evaluate.drawn_gallery"]
    known["attacks"] = ["lab.attacks"]
    known["protection"] = ["lab.evaluate.protection"]
    return known


def take(what: str, command: list[str]) -> None:
    """Runs a measurement and keeps its figures. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        subprocess.run(  # noqa: S603 - this project's own modules
            [sys.executable, "-m", *command, "--json", str(file)], cwd=ROOT, check=True
        )
        figures = json.loads(file.read_text(encoding="utf-8"))
    taken = {
        "command": shlex.join(["python", "-m", *command]),
        "machine": machine(),
        "commit": commit(),
        "figures": figures,
    }
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(taken, indent=1, ensure_ascii=False)
    (FIGURES / f"{what}.json").write_text(text + "\n", encoding="utf-8")


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        named = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(": ")[2] if named else model
    return f"{os.cpu_count()} cores of {model}"


def commit() -> str:
    """Returns the short name of the commit, with a `+` where files have been changed since."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607 - git from the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def taken() -> dict[str, Measurement]:
    """Reads all measurements from docs/accuracy."""
    return {
        file.stem: Measurement(**json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(FIGURES.glob("*.json"), key=lambda file: file.stem)
    }


def write() -> None:
    """Writes docs/accuracy.md and its curves, and the table of the READMEs."""
    found = taken()
    (DOCS / "accuracy.md").write_text(accuracy(found), encoding="utf-8")
    for name, table in READMES.items():
        readme = ROOT / name
        readme.write_text(with_summary(readme.read_text(encoding="utf-8"), table(found)))
    for what, measurement in found.items():
        figures, file = measurement.figures, FIGURES / f"{what}.svg"
        if "codes" in figures:
            det({each["code"]: each["det"] for each in figures["codes"]}, what, file)
        if "galleries" in figures:
            galleries = {
                f"{each['people']:,} people": each["det"]
                for each in figures["galleries"]
                if each["presentations"] == 1
            }
            det(galleries, what, file, "FPIR", "FNIR")
        if "distances" in figures:
            likeness(figures, file)


def main() -> int:
    known = commands()
    parser = argparse.ArgumentParser(
        prog="accuracy", description="Measures recognition, and writes docs/accuracy.md."
    )
    parser.add_argument(
        "what", nargs="*", metavar="WHAT", help=f"{', '.join(known)} (default: all)"
    )
    parser.add_argument(
        "--write", action="store_true", help="only write the document, from earlier measurements"
    )
    asked = parser.parse_args()
    if strange := set(asked.what) - set(known):
        parser.error(f"there is no measurement named {', '.join(sorted(strange))}")
    try:
        for what in () if asked.write else asked.what or known:
            take(what, known[what])
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
