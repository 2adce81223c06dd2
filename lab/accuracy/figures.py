"""What docs/accuracy/*.json hold, and how a figure is read from them and written in a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from palm.rates import Estimate, Interval

Figures = Mapping[str, Any]
"""What a measurement wrote with `--json`, or a part of it."""

JOINED = "-joined"
"""The end of the name of a set in which the folders of one hand are joined."""
NOTHING = "-"
"""Stands in a table for a figure that was not measured."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: the command that took it, where, on which commit, and its figures."""

    command: str
    machine: str
    commit: str
    figures: Any


Found = Mapping[str, Measurement]
"""All measurements, by the name of their file."""


def renewed(found: Found) -> str:
    """Returns a sentence that says at which commits the figures were measured."""
    commits: dict[str, list[str]] = {}
    for what, one in found.items():
        commits.setdefault(one.commit, []).append(what)
    if not commits:
        return "Nothing was measured yet."
    if len(commits) == 1:
        return f"All of it was measured at commit {next(iter(commits))}."
    told = "; ".join(f"{', '.join(what)} at {commit}" for commit, what in commits.items())
    return (
        f"**Not all of it was measured at one commit**: {told}. A table says what the code of its "
        "own commit does."
    )


def estimate(figures: Figures, name: str, at: str | None = None) -> Estimate | None:
    """Returns the rate `name` and its interval, or None where it was not measured.

    `at` is the key of a rate that is given at several operating points, as "1e-3".
    """
    rate, ci95 = figures.get(name), figures.get(f"{name}_ci95")
    if at is not None and rate is not None and ci95 is not None:
        rate, ci95 = rate.get(at), ci95.get(at)
    if rate is None or ci95 is None:
        return None
    low, high = ci95
    return Estimate(rate, Interval(low, high))


def attack_estimate(rate: Figures | None) -> Estimate | None:
    """Returns the rate and the interval of an entry of `lab.attacks`, or None for no entry."""
    if rate is None:
        return None
    ci95 = rate["estimate"]["ci95"]
    return Estimate(rate["estimate"]["rate"], Interval(ci95["low"], ci95["high"]))


def percent(rate: float | None) -> str:
    """Returns a share in percent, as `0.12 %`."""
    return NOTHING if rate is None else f"{_digits(rate)} %"


def interval(estimate: Estimate | None) -> str:
    """Returns a rate in percent and its interval, as `0.12 % [0, 0.19]`."""
    if estimate is None:
        return NOTHING
    ends = f"{_digits(estimate.ci95.low)}, {_digits(estimate.ci95.high)}"
    return f"{percent(estimate.rate)} [{ends}]"


def count(number: int) -> str:
    """Returns a whole number with its thousands set apart, as `10,534`."""
    return f"{number:,}"


def fixed(number: float | None, decimals: int) -> str:
    """Returns a number with so many decimals, as `3.668`."""
    return NOTHING if number is None else f"{number:.{decimals}f}"


def algorithm(figures: Figures) -> str:
    """Returns the name of an algorithm, with the template version for the product and its parts.

    Peers have negative versions.
    """
    name, version = figures["code"], figures["template_version"]
    return f"{name}, version {version}" if version > 0 else name


def _digits(rate: float) -> str:
    """Returns a share in percent with two significant digits of it, or of what it lacks of 100."""
    value = 100 * rate
    return f"{value:.{2 if value < 10 else 3 if value < 99 else 4}g}"
