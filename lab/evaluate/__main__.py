"""`python -m lab.evaluate DIR`; `--help` lists the options."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.evaluate import dataset, pairs
from lab.evaluate.acquisition import Reading
from lab.evaluate.algorithm import PARTS, PEERS, PRODUCT
from lab.evaluate.dataset import Subset, Unmeasurable
from lab.evaluate.pictures import InRepository
from lab.evaluate.trial import measure
from palm.hand.landmarks import Side


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _asked(arguments)
    try:
        same = dataset.joined(asked.joined, asked.folder) if asked.joined else None
        without = dataset.excluded(asked.exclude) if asked.exclude else []
        samples = dataset.read(
            asked.folder,
            same,
            dataset.people(asked.people, asked.folder) if asked.people else None,
            without,
        )
        chosen = [f"left out {', '.join(without)}"] if without else []
        chosen += [str(asked.subset)] if asked.subset != Subset() else []
        report = measure(
            asked.subset.of(samples),
            (PRODUCT, *PARTS, *PEERS),
            reading=Reading(asked.roi, asked.palmar, asked.side),
            frames=asked.frames,
            thresholds=asked.threshold,
            joined=same,
            chosen=chosen,
            workers=asked.workers,
            tell=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201 - the output of this command
        )
        worst = pairs.worst(report.single.scored, PRODUCT.name, asked.worst)
        if asked.pictures:
            pairs.write_pictures(worst, report.palms, asked.pictures)
    except (Unmeasurable, InRepository) as failure:
        print(f"evaluate: {failure}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    for warning in report.warnings():
        print(f"evaluate: {warning}", file=sys.stderr)  # noqa: T201 - as above
    print(report.text())  # noqa: T201 - as above
    for number, pair in enumerate(worst, 1):
        told = [report.single.scored.name(burst) for burst in (pair.probe, pair.reference)]
        kind = pairs.KINDS[pair.kind]
        print(f"{number:03} {kind:<8} {pair.score:8.3f}  {told[0]}  {told[1]}")  # noqa: T201 - as above
    if asked.scores:
        experiments = [each.scored for each in (report.single, *report.bursts)]
        pairs.write_scores(experiments, asked.scores)
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from lab.evaluate.plot import det  # noqa: PLC0415 - matplotlib is needed for plots only

        det(report.curves(), report.folder, asked.plot)
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options; ends the program where they cannot be met."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.frames is not None and asked.frames < 2:
        parser.error("--frames has to be two or more")
    if asked.workers < 1:
        parser.error("--workers has to be one or more")
    if asked.worst < 0:
        parser.error("--worst has to be zero or more")
    for option in ("json", "plot", "scores"):
        file: Path | None = getattr(asked, option)
        if file and not file.parent.is_dir():
            parser.error(f"--{option}: there is no folder {file.parent} to write to")
    if asked.pictures and not asked.worst:
        parser.error("--pictures shows the pairs of --worst: say how many")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluate",
        description="Measures how well the palms in a folder are recognised.",
        epilog="Images are read as HAND/SAMPLE. Samples named sS_K are compared across sessions "
        "only. HAND/palmar-left_N and HAND/palmar-right_N are the two hands of one subject, and so "
        "are folders named PERSON-left and PERSON-right; dorsal-… images have to be refused. See "
        "docs/palm-sets.md.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of images")
    which = parser.add_argument_group("which images, and what is known of them")
    which.add_argument(
        "--subset",
        type=dataset.subset,
        metavar="hands=H,samples=K,seed=S",
        default=Subset(),
        help="only H hands and K samples of each in each session, drawn by the seed; each part is "
        "optional",
    )
    which.add_argument(
        "--exclude",
        metavar="LIST",
        help="leave out HANDs or HAND/SAMPLEs: separated by commas, or a file with one on each "
        "line",
    )
    which.add_argument(
        "--joined",
        type=Path,
        metavar="FILE",
        help="a table (set,hand,same_as) of folders that show the hand of another folder",
    )
    which.add_argument(
        "--people",
        type=Path,
        metavar="FILE",
        help="a table (set,hand,person,side) of whose hand each folder shows; side may be empty",
    )
    which.add_argument(
        "--roi", action="store_true", help="take every image for an ROI, whatever its size"
    )
    which.add_argument(
        "--palmar", action="store_true", help="take every hand for a palm, but for dorsal-… images"
    )
    which.add_argument(
        "--side", type=Side, choices=list(Side), help="take every hand for one of this side"
    )
    what = parser.add_argument_group("what is measured and written")
    what.add_argument(
        "--frames", type=int, metavar="K", help="measure templates of K images as well"
    )
    what.add_argument(
        "--threshold",
        type=float,
        metavar="SCORE",
        action="append",
        default=[],
        help="give the error rates of the product at this score, too; may be given several times",
    )
    what.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    what.add_argument("--plot", type=Path, metavar="FILE", help="draw the DET curves to this file")
    what.add_argument(
        "--scores",
        type=Path,
        metavar="FILE",
        help="write every score with its pair to this file, as CSV",
    )
    what.add_argument(
        "--worst",
        type=int,
        metavar="N",
        default=0,
        help="list the N genuine pairs with the lowest scores and the N impostors with the highest",
    )
    what.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="write the palms of these pairs to this folder, outside any repository",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        default=os.cpu_count() or 1,
        help="the number of processes that share the work (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
