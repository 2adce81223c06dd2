"""Draws measurements as curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)


def det(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    path: Path,
    across: str = "FMR",
    up: str = "FNMR",
) -> None:
    """Draws detection error trade-off curves into an image file.

    Each curve is a sequence of points (rate `across`, rate `up`), drawn on axes where normally
    distributed scores give straight lines (Martin et al., "The DET curve in assessment of detection
    task performance", 1997). A curve without points is named in the legend. The file has no date in
    it: equal curves give equal files.
    """
    low, high = _deviates([TICKS[0] / 2, 0.6])
    # A fixed salt keeps the names in an SVG the same; text stays text.
    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "det", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 6), layout="constrained")
        axes = figure.subplots()
        axes.plot([low, high], [low, high], color="0.7", linewidth=1, linestyle=":")
        for name, points in curves.items():
            x, y = (_deviates(rates) for rates in np.array(points).reshape(-1, 2).T.tolist())
            label = name if len(points) else f"{name}: no errors at any threshold"
            axes.plot(x, y, linewidth=2, label=label)
        axes.legend(loc="upper right")
        axes.set(xlim=(low, high), ylim=(low, high), title=title, aspect="equal")
        axes.set(xlabel=across, ylabel=up)
        ticks, names = _deviates(TICKS), [f"{tick:.4%}" for tick in TICKS]
        names = [name.rstrip("0%").rstrip(".") + " %" for name in names]
        axes.set_xticks(ticks, names, rotation=45)
        axes.set_yticks(ticks, names)
        axes.grid(color="0.9")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=120, metadata=metadata)


def likeness(figures: Mapping[str, Any], path: Path) -> None:
    """Draws the figures of `lab.evaluate.realism` into an image file.

    It shows spectra, directions of lines, and the distributions of scores by each algorithm as
    shares of the most frequent score. Lines are solid for real sets, dashed for drawn palms and
    dotted for drawn palms in near infrared.
    """
    algorithms = [each["code"] for each in figures["sets"][0]["codes"]]
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "likeness", "svg.fonttype": "none"}):
        figure = Figure(figsize=(11, 8), layout="constrained")
        (of_spectra, of_directions), of_scores = figure.subplots(2, 2)
        bands = np.array(figures["bands"])
        turns = np.arange(len(figures["sets"][0]["directions"]) + 1)
        edges = np.array(figures["scores"])
        for number, each in enumerate(figures["sets"]):
            look: dict[str, Any] = {
                "color": f"C{number}",
                "linestyle": "-" if each["real"] else ":" if "infrared" in each["name"] else "--",
                "linewidth": 2.2 if each["real"] else 1.2,
            }
            middles = np.sqrt(bands[:-1] * bands[1:])
            of_spectra.plot(middles, each["spectrum"], label=each["name"], **look)
            directions = [*each["directions"], each["directions"][0]]
            of_directions.plot(turns * 180 / turns[-1], 100 * np.array(directions), **look)
            for axes, scores in zip(of_scores, each["codes"], strict=True):
                for kind in ("impostor", "genuine"):
                    density = np.array(scores[kind]["histogram"])
                    met = np.flatnonzero(density)
                    at = slice(met[0] - 1, met[-1] + 2)
                    axes.plot((edges[:-1] + edges[1:])[at] / 2, density[at] / density.max(), **look)
        of_spectra.set(xscale="log", xlabel="waves across the ROI", ylabel="power, dB")
        of_spectra.set_xticks(bands, [f"{band:.0f}" for band in bands], minor=False)
        of_spectra.minorticks_off()
        of_spectra.legend(loc="lower left")
        of_directions.set(xlabel="direction of lines, degrees", ylabel="share of strength, %")
        of_directions.set(ylim=(0, None), xticks=range(0, 181, 30))
        for axes, algorithm in zip(of_scores, algorithms, strict=True):
            axes.set(xlabel=f"score by the {algorithm}: strangers left, the same palm right")
            axes.set(ylabel="share of the most frequent", ylim=(0, 1.05))
        for axes in (of_spectra, of_directions, *of_scores):
            axes.grid(color="0.9")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=90, metadata=metadata)


def _deviates(rates: Sequence[float]) -> list[float]:
    normal = NormalDist()
    return [normal.inv_cdf(min(max(rate, 1e-9), 1 - 1e-9)) for rate in rates]
