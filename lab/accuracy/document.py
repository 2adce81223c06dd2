"""docs/accuracy.md and the READMEs' tables, rendered from the figures in docs/accuracy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from cloud.policy import ATTEMPTS
from lab.accuracy import figures, goals
from lab.accuracy.figures import JOINED, Figures, Found
from lab.evaluate.algorithm import PEERS
from lab.evaluate.decisions import LARGE

SUMMARY = ("<!-- accuracy -->\n", "<!-- /accuracy -->\n")
"""The marks between which the README has its summary."""

FMRS = ("1e-3", "1e-4", "1e-5", "1e-6")
"""The false-match rates at which FNMR is given where enough comparisons were made."""
FEW_FMRS = FMRS[:3]

_PEERS = {peer.name for peer in PEERS}


def accuracy(found: Found) -> str:
    """Returns the text of docs/accuracy.md."""
    realism = found["realism"].figures if "realism" in found else None
    apart = realism["distances"] if realism else []
    distances = {(each["from"], each["to"]): each for each in apart}
    decided = list(_decided(found))
    return _template("accuracy.md.jinja").render(
        found=found,
        renewed=figures.renewed(found),
        goals=[goals.outcome(goal, found) for goal in goals.GOALS],
        attempts=ATTEMPTS,
        decided=decided,
        verified=[row for row in decided if row["verified"] and row["gallery"] == LARGE],
        thresholds=sorted(
            {row["gallery"]: row for row in decided}.values(), key=lambda row: row["gallery"]
        ),
        sets=_sets(found),
        galleries={what: one.figures for what, one in found.items() if "galleries" in one.figures},
        realism=realism,
        distances=distances,
        attacks=found["attacks"].figures if "attacks" in found else None,
        protection=found["protection"].figures if "protection" in found else None,
        optimism=found["optimism"].figures if "optimism" in found else None,
    )


def summary(found: Found) -> str:
    """Returns the table of the product's README: what the policy for LARGE galleries decides, by
    one image and by as many as were measured."""
    rows = [row for row in _decided(found) if row["gallery"] == LARGE and row["presentations"]]
    last = {row["name"]: row for row in rows}
    chosen = [row for row in rows if row["probed_by"] == row["enrolled_from"] == 1]
    chosen += [row for row in last.values() if row not in chosen]
    names = list(last)
    chosen.sort(key=lambda row: names.index(row["name"]))
    return _template("summary.md.jinja").render(decided=chosen)


def rates(found: Found) -> str:
    """Returns the table of the package's README: the error rates of each set by the product, and
    the equal error rate of its best peer."""
    best = {
        what: min(
            (each for each in measured["codes"] if each["code"] in _PEERS),
            key=lambda each: each["eer"],
        )
        for what, measured in _sets(found).items()
    }
    return _template("rates.md.jinja").render(sets=_sets(found), best=best)


def with_summary(readme: str, table: str) -> str:
    """Returns the README with its summary replaced.

    Raises ValueError where the README does not have the marks.
    """
    begin, end = (readme.index(mark) for mark in SUMMARY)
    return readme[: begin + len(SUMMARY[0])] + table + readme[end:]


def _sets(found: Found) -> dict[str, Figures]:
    """Returns the figures of `lab.evaluate`, by set."""
    return {what: each.figures for what, each in found.items() if "codes" in each.figures}


def _decided(found: Found) -> Iterator[dict[str, Any]]:
    """Yields what the policy decides, by set, numbers of images and size of the gallery.

    A set whose folders have to be joined is told joined only.
    """
    for what, one in found.items():
        if "folder" in one.figures and f"{what}{JOINED}" not in found:
            for decisions in one.figures.get("decisions", []):
                for size in decisions["sizes"]:
                    yield {**size, "name": what, **decisions}
        if "galleries" in one.figures:
            frames = one.figures["frames"]
            for size in one.figures.get("decisions", []):
                numbers = {"enrolled_from": frames, "probed_by": frames, "verified": None}
                yield {**size, "name": what, **numbers}


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - the templates are Markdown, and their figures our own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "algorithm": figures.algorithm,
        "attack_estimate": figures.attack_estimate,
        "count": figures.count,
        "estimate": figures.estimate,
        "fixed": figures.fixed,
        "interval": figures.interval,
        "percent": figures.percent,
    }
    environment.filters.update(filters)
    return environment.get_template(name, globals={"FMRS": FMRS, "FEW_FMRS": FEW_FMRS})
