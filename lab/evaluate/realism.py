"""Measures how real drawn palms are, by describing drawn and real ROIs with the same measures.

`python -m lab.evaluate.realism [SET_DIR ...]` describes each real set, and drawn palms in gentle to
harsh conditions, held still or in the air, in colour and in near infrared: their texture
(`lab.evaluate.texture`), and the scores that two algorithms give them. Then it reports the distance
of each to each real set. The distances between real sets are the yardstick, because real sets
differ as well.

Real palms are only measured. `--pictures`, which shows them beside drawn ones, refuses to write
into a repository.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.evaluate import comparison, dataset, extraction, pairing, pictures
from lab.evaluate.algorithm import PEERS, Algorithm, lines_alone
from lab.evaluate.collection import Palms, drawn, real
from lab.evaluate.dataset import Unmeasurable
from lab.evaluate.pairing import Kind
from lab.evaluate.processes import processes, progress
from lab.evaluate.report import Json, rate, said
from lab.evaluate.texture import BANDS, Texture, spread, texture
from palm.rates import Comparisons, Estimate, estimate

PEOPLE = 100
ALGORITHMS = (PEERS[0], Algorithm("line field", lines_alone, fuses=True))
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
SCORES = np.linspace(-0.2, 1.0, 61)
"""The edges of the bins of a histogram of scores."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one algorithm in all allowed comparisons."""

    algorithm: str
    genuine: Floats
    impostor: Floats
    eer: Estimate

    @property
    def d_prime(self) -> float:
        """The distance of the means over the root mean square of both deviations."""
        spread = np.hypot(self.genuine.std(), self.impostor.std()) / np.sqrt(2)
        return float((self.genuine.mean() - self.impostor.mean()) / spread)

    def json(self) -> Json:
        return {
            "code": self.algorithm,
            "genuine": _distribution(self.genuine),
            "impostor": _distribution(self.impostor),
            "d_prime": self.d_prime,
            **rate("eer", self.eer),
        }


def _distribution(scores: Floats) -> Json:
    counts, _ = np.histogram(np.clip(scores, SCORES[0], SCORES[-1]), SCORES)
    return {
        "comparisons": len(scores),
        "mean": float(scores.mean()),
        "deviation": float(scores.std()),
        "quantiles": {str(q): float(np.quantile(scores, q)) for q in QUANTILES},
        "histogram": [round(share, 5) for share in (counts / len(scores)).tolist()],
    }


def scores(algorithm: Algorithm, palms: Palms, workers: int) -> Scores:
    """Compares each picture with all others that it may be compared with. Raises Unmeasurable."""
    plan = pairing.singles(palms.samples)
    whose = pairing.whose(palms.samples, [roi.side for roi in palms.rois])
    kinds = plan.kinds(whose)
    counted = (kinds == Kind.GENUINE) | (kinds == Kind.IMPOSTOR)
    genuine = kinds[counted] == Kind.GENUINE
    if not genuine.any() or genuine.all():
        raise Unmeasurable(f"{palms.name} needs two hands, and two pictures of one, to be compared")
    tried = extraction.extract([algorithm], [[roi] for roi in palms.rois], workers)
    templates = [each[0].template for each in tried]
    rows = comparison.compare(
        algorithm, templates[: len(plan.references)], templates, plan.counts, workers
    )
    met = progress(f"{palms.name} by {algorithm.name}", rows, len(templates))
    values = np.concatenate([row.scores for row in met])[counted]
    probe, reference = (whose.subject[each[counted]] for each in plan.pairs())
    comparisons = Comparisons(values, genuine, probe, reference)
    return Scores(
        algorithm=algorithm.name,
        genuine=values[genuine].astype(np.float64),
        impostor=values[~genuine].astype(np.float64),
        eer=estimate(comparisons, ()).eer,
    )


@dataclass(frozen=True, slots=True)
class Description:
    """What one set of palms is like."""

    palms: Palms
    mean: Texture
    deviation: Texture
    """The standard deviation between hands."""
    scores: list[Scores]

    def json(self) -> Json:
        return {
            "name": self.palms.name,
            "real": self.palms.real,
            "hands": len({each.hand for each in self.palms.samples}),
            "pictures": len(self.palms.rois),
            "contrast": [self.mean.contrast, self.deviation.contrast],
            "strength": [self.mean.strength, self.deviation.strength],
            "covered": [self.mean.covered, self.deviation.covered],
            "spectrum": _rounded(self.mean.spectrum),
            "spectrum_deviation": _rounded(self.deviation.spectrum),
            "directions": _rounded(self.mean.directions),
            "directions_by_place": [_rounded(each) for each in self.mean.at_each_place],
            "codes": [each.json() for each in self.scores],
        }


def _rounded(values: Floats) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def describe(palms: Palms, workers: int) -> Description:
    """Describes one set of palms. Raises Unmeasurable."""
    with processes(workers) as pool:
        textures = list(pool.map(texture, [roi.image for roi in palms.rois], chunksize=16))
    mean, deviation = spread(textures, [each.hand for each in palms.samples])
    return Description(
        palms, mean, deviation, [scores(algorithm, palms, workers) for algorithm in ALGORITHMS]
    )


@dataclass(frozen=True, slots=True)
class Distance:
    """The distances of one set of palms to a real set."""

    from_set: str
    to: str
    spectrum: float
    """The root mean square difference over the bands, in dB."""
    spectrum_deviations: float
    """The root mean square difference, in deviations between the hands of the real set."""
    directions: float
    """The total variation distance of the lines' strength over directions."""
    by_place: float
    """The mean over the places of the same distance at each place."""
    genuine: dict[str, tuple[float, float]]
    """The Wasserstein-1 and the Kolmogorov-Smirnov distance of genuine scores, by algorithm."""
    impostor: dict[str, tuple[float, float]]
    """Both distances of impostor scores, by algorithm."""

    def json(self) -> Json:
        return {
            "from": self.from_set,
            "to": self.to,
            "spectrum_db": self.spectrum,
            "spectrum_deviations": self.spectrum_deviations,
            "directions": self.directions,
            "directions_by_place": self.by_place,
            "codes": [
                {
                    "code": algorithm,
                    "genuine": dict(zip(("w1", "ks"), self.genuine[algorithm], strict=True)),
                    "impostor": dict(zip(("w1", "ks"), self.impostor[algorithm], strict=True)),
                }
                for algorithm in self.genuine
            ],
        }


def distance(real_set: Description, other: Description) -> Distance:
    apart = other.mean.spectrum - real_set.mean.spectrum
    places = np.abs(other.mean.at_each_place - real_set.mean.at_each_place).sum(axis=1) / 2
    pairs = list(zip(real_set.scores, other.scores, strict=True))
    return Distance(
        from_set=real_set.palms.name,
        to=other.palms.name,
        spectrum=_rms(apart),
        spectrum_deviations=_rms(apart / real_set.deviation.spectrum),
        directions=float(np.abs(other.mean.directions - real_set.mean.directions).sum() / 2),
        by_place=float(places.mean()),
        genuine={a.algorithm: between(a.genuine, b.genuine) for a, b in pairs},
        impostor={a.algorithm: between(a.impostor, b.impostor) for a, b in pairs},
    )


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def between(a: Floats, b: Floats) -> tuple[float, float]:
    """Returns the Wasserstein-1 and the Kolmogorov-Smirnov distance of two samples.

    These are the area between the cumulative distributions, and their largest difference.
    """
    every = np.sort(np.concatenate([a, b]))
    shares = [np.searchsorted(np.sort(each), every, side="right") / len(each) for each in (a, b)]
    apart = np.abs(shares[0] - shares[1])
    return float(apart[:-1] @ np.diff(every)), float(apart.max())


@dataclass(frozen=True, slots=True)
class RealismReport:
    """The descriptions of all sets, and their distances to the real ones."""

    descriptions: list[Description]
    distances: list[Distance]

    def json(self) -> Json:
        return {
            "bands": BANDS.tolist(),
            "scores": [round(edge, 3) for edge in SCORES.tolist()],
            "sets": [each.json() for each in self.descriptions],
            "distances": [each.json() for each in self.distances],
        }

    def text(self) -> str:
        lines: list[str] = []
        for each in self.descriptions:
            lines.append(
                f"{each.palms.name:<26} {len(each.palms.rois)} pictures, contrast "
                f"{_plus_minus(each.mean.contrast, each.deviation.contrast)}, lines "
                f"{_plus_minus(each.mean.strength, each.deviation.strength)} over "
                f"{_plus_minus(each.mean.covered, each.deviation.covered)} of the ROI"
            )
            lines += [
                f"    {by.algorithm:<18} "
                f"genuine {_plus_minus(by.genuine.mean(), by.genuine.std())}, "
                f"impostor {_plus_minus(by.impostor.mean(), by.impostor.std())}, "
                f"d' {by.d_prime:.2f}, EER {said(by.eer)}"
                for by in each.scores
            ]
        for apart in self.distances:
            of_algorithms = ", ".join(
                f"{name} {apart.genuine[name][0]:.3f} / {apart.impostor[name][0]:.3f}"
                for name in apart.genuine
            )
            lines.append(
                f"{apart.from_set} to {apart.to}: spectrum {apart.spectrum:.1f} dB, directions "
                f"{apart.directions:.3f} (by place {apart.by_place:.3f}), "
                f"scores genuine / impostor {of_algorithms}"
            )
        return "\n".join(lines)


def _plus_minus(mean: float, deviation: float) -> str:
    return f"{mean:.3g} ± {deviation:.2g}"


def measure(sets: Sequence[Palms], made: Sequence[Palms], workers: int = 1) -> RealismReport:
    """Describes real sets and drawn palms, and compares them. Raises Unmeasurable."""
    described = [describe(each, workers) for each in (*sets, *made)]
    return RealismReport(
        descriptions=described,
        distances=[
            distance(one, other)
            for one in described[: len(sets)]
            for other in described
            if other is not one
        ],
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="realism", description="Measures how similar drawn palms are to real ones."
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="SET_DIR", help="sets of real palms"
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help="drawn people (%(default)s)")
    parser.add_argument("--joined", type=Path, metavar="FILE", help="as in lab.evaluate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the distributions to this file"
    )
    parser.add_argument(
        "--sheets",
        type=Path,
        metavar="DIR",
        help="only write contact sheets of drawn palms to this folder",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FILE",
        help="only write real palms beside drawn ones to this file, outside any repository",
    )
    asked = parser.parse_args()
    workers = os.cpu_count() or 1
    if asked.people < 2:
        parser.error("--people has to be two or more")
    try:
        if asked.sheets:
            pictures.write_sheets(asked.sheets)
            return 0
        sets = [
            real(folder, dataset.joined(asked.joined, folder) if asked.joined else {}, workers)
            for folder in asked.folders
        ]
        if asked.pictures:
            pictures.write_beside(sets, asked.pictures)
            return 0
        report = measure(sets, drawn(asked.people, workers), workers)
    except (Unmeasurable, pictures.InRepository) as failure:
        print(f"realism: {failure}", file=sys.stderr)  # noqa: T201 - the output of this command
        return 1
    print(report.text())  # noqa: T201 - as above
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=1) + "\n", encoding="utf-8")
    if asked.plot:
        from lab.evaluate.plot import likeness  # noqa: PLC0415 - matplotlib is needed for plots only

        likeness(report.json(), asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
