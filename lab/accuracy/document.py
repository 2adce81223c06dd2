"""docs/accuracy.md and the README's summary, rendered from the figures in docs/accuracy."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from lab.accuracy import figures, goals
from lab.accuracy.figures import Figures, Found
from lab.evaluate.algorithm import PEERS

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
    return _template("accuracy.md.jinja").render(
        found=found,
        goals=[goals.outcome(goal, found) for goal in goals.GOALS],
        sets=_sets(found),
        galleries={what: one.figures for what, one in found.items() if "galleries" in one.figures},
        realism=realism,
        distances=distances,
        attacks=found["attacks"].figures if "attacks" in found else None,
        protection=found["protection"].figures if "protection" in found else None,
    )


def summary(found: Found) -> str:
    """Returns the README's table: each set by the product and by its best peer."""
    best = {
        what: min(
            (each for each in measured["codes"] if each["code"] in _PEERS),
            key=lambda each: each["eer"],
        )
        for what, measured in _sets(found).items()
    }
    return _template("summary.md.jinja").render(sets=_sets(found), best=best)


def with_summary(readme: str, table: str) -> str:
    """Returns the README with its summary replaced.

    Raises ValueError where the README does not have the marks.
    """
    begin, end = (readme.index(mark) for mark in SUMMARY)
    return readme[: begin + len(SUMMARY[0])] + table + readme[end:]


def _sets(found: Found) -> dict[str, Figures]:
    """Returns the figures of `lab.evaluate`, by set."""
    return {what: each.figures for what, each in found.items() if "codes" in each.figures}


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
