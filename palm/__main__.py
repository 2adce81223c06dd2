"""`palm` or `python -m palm`: finds, compares and searches palms in picture files. `--help` lists
the verbs."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from palm import evaluation
from palm.evaluation import IMAGES, Unmeasurable
from palm.hand.align import NotAPalm
from palm.hand.landmarks import Hand, Shown
from palm.models import ModelMissing
from palm.recogniser import (
    MAGIC,
    Comparison,
    Gallery,
    Palm,
    Unreadable,
    found,
    match,
    pack,
    picture,
    unpack,
)
from palm.template.interfaces import Template, VersionMismatch

GUESSED = 1e-3
"""The false-match rate above which none is told: no calibration was measured there."""
TEMPLATE = ".palm"
"""The ending of the files that `palm template` writes."""


class Unusable(ValueError):
    """A file cannot be used; the message says which and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        return asked.run(asked)
    except KeyboardInterrupt:
        return 130
    except (ModelMissing, Unmeasurable, Unreadable, Unusable, VersionMismatch) as problem:
        print(f"palm: {problem}", file=sys.stderr)
    except OSError as problem:
        print(f"palm: {problem.filename}: {problem.strerror}", file=sys.stderr)
    return 1


def find(asked: argparse.Namespace) -> int:
    """Prints the hands in each picture. Returns 1 where a picture shows no palm."""
    palms = True
    for path in asked.images:
        hands = found(picture(path))
        palms &= any(hand.shown is Shown.PALM for hand in hands)
        if asked.json:
            print(json.dumps({"file": str(path), "hands": [_as_json(hand) for hand in hands]}))
        elif not hands:
            print(f"{path}: no hand")
        for hand in [] if asked.json else hands:
            x, y = hand.palm_centre.round().astype(int).tolist()
            print(
                f"{path}: {hand.shown} of a {hand.side} hand at {x}, {y}, "
                f"{hand.palm_length:.0f} pixels long"
            )
    return 0 if palms else 1


def template(asked: argparse.Namespace) -> int:
    """Writes one template of all pictures."""
    asked.out.write_bytes(pack(_template_of(asked.images)))
    return 0


def compare(asked: argparse.Namespace) -> int:
    """Prints what the comparison of two files tells."""
    reference = _template(asked.reference)
    told = match(_template(asked.probe, reference.version), reference)
    if asked.json:
        print(json.dumps(_told(told)))
    else:
        print(_in_words(told))
    return 0


def search(asked: argparse.Namespace) -> int:
    """Prints the most alike of many files, best first. Those that cannot be used are named."""
    probe, gallery = _template(asked.probe), Gallery()
    for path in _files(asked.references):
        try:
            gallery.add(str(path), _template(path, probe.version))
        except (Unreadable, Unusable) as problem:
            print(f"palm: left out: {problem}", file=sys.stderr)
    if not len(gallery):
        raise Unusable("there is nothing to search: no picture or template is left")
    for candidate in gallery.search(probe, asked.count):
        if asked.json:
            rate = {"false_positive_rate": candidate.false_positive_rate}
            print(json.dumps({"name": candidate.name} | _told(candidate.comparison) | rate))
        else:
            print(f"{candidate.name}: {_in_words(candidate.comparison)}")
    return 0


def evaluate(asked: argparse.Namespace) -> int:
    """Prints the error rates on a folder, or lists its comparisons."""
    if asked.threshold is not None and not asked.scores:
        raise Unusable("--threshold is the score from which those of --scores match: give them")
    same = evaluation.joined(asked.joined, asked.folder) if asked.joined else None
    samples = evaluation.read(asked.folder, same)
    compared = evaluation.pairs(samples)
    if asked.pairs:
        names = [str(sample.path.relative_to(asked.folder)) for sample in samples]
        with asked.pairs.open("w", encoding="utf-8") as file:
            file.writelines(
                f"{names[probe]}\t{names[reference]}\n"
                for probe, reference in zip(compared.probe, compared.reference, strict=True)
            )
        return 0
    if asked.scores:
        made = evaluation.given(asked.scores, samples, compared, asked.threshold)
    else:
        made = evaluation.recognise(samples, compared, _progress())
    measured = evaluation.measure(asked.folder.resolve().name, samples, compared, made)
    print(json.dumps(measured.json()) if asked.json else measured.text())
    return 0


def models(_: argparse.Namespace) -> int:
    """Builds the models that are missing."""
    try:
        from palm.models import __main__ as building  # noqa: PLC0415 - needs an extra
    except ImportError as missing:
        raise Unusable(
            f"building models needs {missing.name}: install the package with its extra `models`, "
            "as with pip install './palm[models]'"
        ) from missing
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return building.main()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="palm",
        description="Finds, compares and searches palms in picture files.",
        epilog="Everywhere FILE is a picture of a hand or a template that `palm template` wrote.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str, run: Callable[[argparse.Namespace], int], says: str
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        added.set_defaults(run=run)
        return added

    def in_json(*parsers: argparse.ArgumentParser) -> None:
        for each in parsers:
            each.add_argument("--json", action="store_true", help="print a line of JSON for each")

    finding = verb("find", find, "say which hands are in pictures, and what they show")
    finding.add_argument("images", type=Path, nargs="+", metavar="IMAGE")

    making = verb("template", template, "write the template of a palm")
    making.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGE", help="a picture of this palm"
    )
    making.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=f"such as anna-left{TEMPLATE}"
    )

    matching = verb("match", compare, "compare two palms")
    matching.add_argument("probe", type=Path, metavar="FILE", help="the palm that is shown")
    matching.add_argument("reference", type=Path, metavar="FILE", help="the palm that is known")

    searching = verb("search", search, "find the palms that are most like one")
    searching.add_argument("probe", type=Path, metavar="FILE", help="the palm that is shown")
    searching.add_argument(
        "references", type=Path, nargs="+", metavar="FILE", help="a known palm, or a folder of them"
    )
    searching.add_argument("--count", type=_count, default=5, metavar="N", help="how many (5)")

    evaluating = verb(
        "evaluate", evaluate, "measure error rates on a folder of HAND/SAMPLE pictures"
    )
    evaluating.epilog = (
        "The names of samples and the protocol are those of docs/benchmark.md. To measure another "
        "recogniser: list the pairs with --pairs, score each, and give --scores."
    )
    evaluating.add_argument("folder", type=Path, metavar="DIR")
    evaluating.add_argument(
        "--joined",
        type=Path,
        metavar="TABLE",
        help="a table (set,hand,same_as) of folders that show the hand of another folder",
    )
    others = evaluating.add_mutually_exclusive_group()
    others.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE",
        help="only write the pairs that are compared, one a line",
    )
    others.add_argument(
        "--scores", type=Path, metavar="FILE", help="measure these scores, one a line, nan for none"
    )
    evaluating.add_argument(
        "--threshold", type=float, metavar="SCORE", help="the score from which --scores match"
    )

    verb("models", models, "build the models that are missing, from MediaPipe's published wheel")
    in_json(finding, matching, searching, evaluating)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a number of palms: one or more")
    return int(text)


def _progress() -> evaluation.Progress:
    """Returns what tells of progress: on a terminal in place, elsewhere a line for each tenth."""
    told: dict[str, int] = {}

    def tell(what: str, done: int, of: int) -> None:
        tenth = 10 * done // of
        if sys.stderr.isatty():
            print(f"\r{what} {done:,}/{of:,}", end="\n" * (done == of), file=sys.stderr, flush=True)
        elif told.get(what) != tenth:
            told[what] = tenth
            print(f"{what} {done:,}/{of:,}", file=sys.stderr, flush=True)

    return tell


def _palm(path: Path) -> Palm:
    try:
        return Palm.from_image(picture(path))
    except NotAPalm as refused:
        raise Unusable(f"{path}: {refused}") from refused


def _template_of(images: Sequence[Path], version: int | None = None) -> Template:
    first, *others = [_palm(path) for path in images]
    try:
        return first.template(*others, version=version)
    except ValueError as refused:
        raise Unusable(f"{', '.join(map(str, images))}: {refused}") from refused


def _template(path: Path, version: int | None = None) -> Template:
    """Returns the template of a picture, or the one that a file holds. It has this version."""
    data = path.read_bytes() if path.is_file() else b""
    if not data.startswith(MAGIC):
        return _template_of([path], version)
    try:
        stored = unpack(data)
    except ValueError as refused:
        raise Unusable(f"{path}: {refused}") from refused
    if version not in (None, stored.version):
        raise Unusable(f"{path} is of version {stored.version}, and the other of {version}")
    return stored


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yields the files, and those of pictures and templates in folders."""
    for path in paths:
        if path.is_dir():
            known = {*IMAGES, TEMPLATE}
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in known)
        else:
            yield path


def _as_json(hand: Hand) -> dict[str, object]:
    return {
        "shown": hand.shown,
        "side": hand.side,
        "presence": round(hand.presence, 4),
        "landmarks": hand.landmarks.astype(float).round(1).tolist(),
    }


def _told(comparison: Comparison) -> dict[str, object]:
    return {
        "log_likelihood_ratio": comparison.log_likelihood_ratio,
        "false_match_rate": comparison.false_match_rate,
        "is_extrapolated": comparison.is_extrapolated,
    }


def _in_words(comparison: Comparison) -> str:
    rate = comparison.false_match_rate
    share = f"1 in {1 / rate:,.0f}" if rate <= GUESSED else f"more than 1 in {1 / GUESSED:,.0f}"
    note = ", as extrapolated: too few were seen to" if comparison.is_extrapolated else ""
    return (
        f"log-likelihood ratio {comparison.log_likelihood_ratio:.1f}; "
        f"{share} pairs of different palms scores as high{note}"
    )


if __name__ == "__main__":
    sys.exit(main())
