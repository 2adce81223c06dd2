"""The detection error trade-off, on axes where normal scores give straight lines."""

from pathlib import Path
from statistics import NormalDist

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from palm.evaluate.rates import Curve

TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)


def det(curve: Curve, title: str, path: Path) -> None:
    """Draws FNMR over FMR (Martin et al., "The DET curve in assessment of detection task
    performance", 1997) into an image file."""
    seen = (curve.fmr > 0) & (curve.fnmr > 0)
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(6, 6), layout="constrained")
        axes = figure.subplots()
        axes.plot(_deviates(curve.fmr[seen]), _deviates(curve.fnmr[seen]), linewidth=2)
        low, high = _deviates(np.array([TICKS[0] / 2, 0.6]))
        axes.plot([low, high], [low, high], color="0.7", linewidth=1, linestyle=":")
        axes.set(xlim=(low, high), ylim=(low, high), title=title, aspect="equal")
        axes.set(xlabel="false match rate", ylabel="false non-match rate")
        ticks, names = _deviates(np.array(TICKS)).tolist(), [f"{tick:.4%}" for tick in TICKS]
        names = [name.rstrip("0%").rstrip(".") + " %" for name in names]
        axes.set_xticks(ticks, names, rotation=45)
        axes.set_yticks(ticks, names)
        axes.grid(color="0.9")
        if not seen.any():
            axes.text(0.5, 0.5, "no errors at any threshold", transform=axes.transAxes, ha="center")
        figure.savefig(path, dpi=120)


def _deviates(rates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    normal = NormalDist()
    return np.array([normal.inv_cdf(min(max(rate, 1e-9), 1 - 1e-9)) for rate in rates.tolist()])
