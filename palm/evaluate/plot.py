"""The detection error trade-off, on axes where normal scores give straight lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

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
    detection task performance", 1997) into an image file: a line for each curve, a sentence for
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


def _deviates(rates: Sequence[float]) -> list[float]:
    normal = NormalDist()
    return [normal.inv_cdf(min(max(rate, 1e-9), 1 - 1e-9)) for rate in rates]
