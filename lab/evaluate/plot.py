"""Measurements as curves."""

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
    """Draws the rate `up` over the rate `across` (Martin et al., "The DET curve in assessment of
    detection task performance", 1997), on axes where normal scores give straight lines, into an
    image file: a line for each curve, a sentence for
    one without errors. The same curves make the same file."""
    low, high = _deviates([TICKS[0] / 2, 0.6])
    # An SVG's own names and date would else be new each time; its letters are left to the reader.
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
    """Draws what lab.evaluate.realism measured into an image file: spectra, directions of lines,
    and scores by each code as shares of the most frequent one. Real sets are in solid lines, drawn
    ones in broken ones, dotted in near infrared."""
    codes = [each["code"] for each in figures["sets"][0]["codes"]]
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
            for axes, code in zip(of_scores, each["codes"], strict=True):
                for kind in ("impostor", "genuine"):
                    density = np.array(code[kind]["histogram"])
                    met = np.flatnonzero(density)
                    at = slice(met[0] - 1, met[-1] + 2)
                    axes.plot((edges[:-1] + edges[1:])[at] / 2, density[at] / density.max(), **look)
        of_spectra.set(xscale="log", xlabel="waves across the ROI", ylabel="power, dB")
        of_spectra.set_xticks(bands, [f"{band:.0f}" for band in bands], minor=False)
        of_spectra.minorticks_off()
        of_spectra.legend(loc="lower left")
        of_directions.set(xlabel="direction of lines, degrees", ylabel="share of strength, %")
        of_directions.set(ylim=(0, None), xticks=range(0, 181, 30))
        for axes, code in zip(of_scores, codes, strict=True):
            axes.set(xlabel=f"score by the {code}: strangers left, the same palm right")
            axes.set(ylabel="share of the most frequent", ylim=(0, 1.05))
        for axes in (of_spectra, of_directions, *of_scores):
            axes.grid(color="0.9")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=90, metadata=metadata)


def _deviates(rates: Sequence[float]) -> list[float]:
    normal = NormalDist()
    return [normal.inv_cdf(min(max(rate, 1e-9), 1 - 1e-9)) for rate in rates]
