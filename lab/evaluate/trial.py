"""Evaluates the images of one folder."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lab.evaluate import comparison, dataset, decisions, extraction, pairing, pairs
from lab.evaluate.acquisition import Acquisition, Reading, acquire
from lab.evaluate.algorithm import Algorithm
from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.decisions import Decided, Rules, Searched, Verified, in_visits
from lab.evaluate.differential import differentials
from lab.evaluate.extraction import Extracted
from lab.evaluate.pairing import Indices, Kind, Kinds, Pairing
from lab.evaluate.pairs import Scored
from lab.evaluate.processes import progress
from lab.evaluate.report import (
    DIFFERENTIAL_FMR,
    FMRS,
    AtScore,
    Decisions,
    EvaluationReport,
    Experiment,
    Measured,
    OtherHands,
    said,
)
from palm.hand.roi import Roi
from palm.rates import Comparisons, counted, curve, draws, estimate, share


def measure(
    samples: Sequence[Sample],
    algorithms: Sequence[Algorithm],
    *,
    reading: Reading | None = None,
    frames: int | None = None,
    thresholds: Sequence[float] = (),
    joined: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
    workers: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> EvaluationReport:
    """Measures all algorithms on the palms of a folder; the first is the product.

    With `frames`, templates of so many samples are measured as well. The error rates of the product
    are given at the score of a 1:1 comparison, and at `thresholds`. `joined` is what `dataset.read`
    was told, and `chosen` says how the samples were chosen; both are for the report. `tell` is
    called with the result of each algorithm as soon as it is there.

    Raises Unmeasurable where there is nothing to compare.
    """
    reading = reading or Reading()
    tried = acquire(samples, reading, workers)
    acquisitions = list(progress("finding palms", tried, len(samples)))
    palmar = [
        (sample, each)
        for sample, each in zip(samples, acquisitions, strict=True)
        if not sample.dorsal
    ]
    if not palmar:
        raise Unmeasurable("all images show the backs of hands")
    shown = [(sample, each.palm) for sample, each in palmar if each.palm is not None]
    if not shown:
        reasons = Counter(each.failure for _, each in palmar).most_common(1)
        raise Unmeasurable(f"no template could be made of any palm: {reasons[0][0]}")

    everyone = [sample for sample, _ in palmar]
    of_palms = _Palms(
        everyone, [sample for sample, _ in shown], [palm for _, palm in shown], workers, tell
    )
    plan = pairing.singles(of_palms.samples)
    possible = pairing.singles(everyone)
    same_hand = possible.kinds(pairing.whose(everyone)) == Kind.GENUINE
    single = of_palms.experiment(algorithms, plan, int(same_hand.sum()))
    scores = of_palms.comparisons(single.scored, algorithms[0].name)
    policy = decisions.policy()
    accepted = policy.score(single.algorithms[0].version, policy.verify())
    probe, reference = (each[single.scored.counted] for each in plan.pairs())
    enrolled_once = pairing.bursts(of_palms.samples, 1, 1)
    decided = [of_palms.decided(of_palms.experiment(algorithms[:1], enrolled_once))]
    bursts: list[Experiment] = []
    for probed_by in dict.fromkeys((1, frames)) if frames else ():
        several = pairing.bursts(of_palms.samples, frames or 1, probed_by or 1)
        if not of_palms.can_compare(several):
            tell(f"too few samples of a hand: none has {frames} to enrol and {probed_by} to show")
            continue
        fusing = [algorithm for algorithm in algorithms if algorithm.fuses]
        bursts.append(of_palms.experiment(fusing, several))
        decided.append(of_palms.decided(bursts[-1]))

    subjects = {name: number for number, name in enumerate(sorted({s.subject for s in samples}))}
    backs = [
        (subjects[sample.subject], each.palm is None)
        for sample, each in zip(samples, acquisitions, strict=True)
        if sample.dorsal
    ]
    return EvaluationReport(
        folder=samples[0].path.parent.parent.name,
        subjects=len({sample.subject for sample in everyone}),
        hands=len({sample.hand for sample in everyone}),
        images=len(samples),
        threads=workers,
        joined=dict(joined or {}),
        chosen=[*chosen, *reading.told],
        alone=dataset.alone(samples),
        alike=of_palms.alike(single),
        failure_to_acquire=share(
            np.array([each.palm is None for _, each in palmar]),
            np.array([subjects[sample.subject] for sample in everyone], np.intp),
        ),
        failures={sample.name: each.failure for sample, each in palmar if each.failure is not None},
        misread=[
            sample.name
            for sample, palm in shown
            if palm.side is not None and sample.side is not None and palm.side != sample.side
        ],
        dorsal=len(backs),
        dorsal_refused=share(
            np.array([refused for _, refused in backs]),
            np.array([number for number, _ in backs], np.intp),
        )
        if backs
        else None,
        ms=_steps(acquisitions),
        decisions=decided,
        single=single,
        other_hands=of_palms.other_hands(single),
        at_scores=[_at(score, scores) for score in (accepted, *thresholds)],
        differentials=differentials(
            of_palms.samples,
            scores,
            probe,
            reference,
            curve(scores).threshold_at(DIFFERENTIAL_FMR),
        ),
        bursts=bursts,
        palms=[palm for _, palm in shown],
    )


class _Palms:
    """The palms that were acquired, of everyone who showed one."""

    def __init__(
        self,
        everyone: list[Sample],
        samples: list[Sample],
        palms: list[Roi],
        workers: int,
        tell: Callable[[str], None],
    ) -> None:
        self._everyone = everyone
        self.samples = samples
        self._whose = pairing.whose(samples, [palm.side for palm in palms])
        self._palms = palms
        self._workers = workers
        self._tell = tell

    def experiment(
        self, algorithms: Sequence[Algorithm], plan: Pairing, possible: int | None = None
    ) -> Experiment:
        """Runs all algorithms on one plan. `possible` is the number of genuine comparisons that
        there were if every palm was acquired, and on the right side.

        Raises Unmeasurable where the plan has no genuine or no impostor comparison.
        """
        kinds = plan.kinds(self._whose)
        genuine, impostor = (int((kinds == kind).sum()) for kind in (Kind.GENUINE, Kind.IMPOSTOR))
        if not genuine:
            raise Unmeasurable("no hand has two samples that can be compared")
        if not impostor:
            raise Unmeasurable("there is only one hand: it has no impostors")
        bursts = sorted({*plan.references, *plan.probes})
        place = {burst: number for number, burst in enumerate(bursts)}
        shown = [self._shown(burst) for burst in bursts]
        tried = extraction.extract(algorithms, shown, self._workers)
        extracted = list(progress("extracting", tried, len(bursts)))
        scored = Scored(self.samples, plan, kinds, {})
        measured = [
            self._measured(
                algorithm,
                scored,
                [extracted[place[burst]][which] for burst in plan.references],
                [extracted[place[burst]][which] for burst in plan.probes],
            )
            for which, algorithm in enumerate(algorithms)
        ]
        return Experiment(
            enrolled_from=len(plan.references[0]),
            probed_by=len(plan.probes[0]),
            genuine=genuine,
            impostor=impostor,
            lost=0 if possible is None else possible - genuine,
            algorithms=measured,
            scored=scored,
        )

    def can_compare(self, plan: Pairing) -> bool:
        """Returns whether a plan has genuine and impostor comparisons."""
        return {Kind.GENUINE, Kind.IMPOSTOR} <= set(plan.kinds(self._whose).tolist())

    def decided(self, experiment: Experiment) -> Decisions:
        """Returns what the policy decides on the searches that an experiment has made, where each
        hand was enrolled once."""
        scored, product = experiment.scored, experiment.algorithms[0]
        unread = self._unread(experiment)
        visits = self._visits(scored, scored.scores[product.algorithm], unread)
        policy = decisions.policy()
        enrolled = len(scored.plan.references)
        of_sizes: list[Decided] = []
        for size in sorted({enrolled, decisions.LARGE}):
            rules = Rules(policy, product.version, size)
            of_sizes.append(decisions.decided(rules, visits, enrolled))
        least = policy.score(product.version, policy.verify())
        comparisons = self.comparisons(scored, product.algorithm)
        missed, missed_visits = decisions.missed(least, visits)
        return Decisions(
            enrolled_from=experiment.enrolled_from,
            probed_by=experiment.probed_by,
            unread=unread.total(),
            sizes=of_sizes,
            verified=Verified(
                score=least,
                missed=missed,
                missed_visits=missed_visits,
                false_matches=_at(least, comparisons).fmr,
                comparisons=experiment.impostor,
            ),
        )

    def comparisons(self, scored: Scored, algorithm: str) -> Comparisons:
        """Returns the genuine and impostor comparisons."""
        probe, reference = (each[scored.counted] for each in scored.plan.pairs())
        return Comparisons(
            scores=scored.scores[algorithm][scored.counted],
            genuine=scored.kinds[scored.counted] == Kind.GENUINE,
            probe=self._subjects(scored.plan.probes)[probe],
            reference=self._subjects(scored.plan.references)[reference],
        )

    def other_hands(self, experiment: Experiment) -> OtherHands | None:
        """Returns how a person's two hands score; None where nobody shows both."""
        product, policy = experiment.algorithms[0], decisions.policy()
        these = experiment.scored.kinds == Kind.OTHER_HAND
        if not these.any():
            return None
        probe, _ = experiment.scored.plan.pairs()
        scores = experiment.scored.scores[product.algorithm][these]
        least = policy.score(product.version, policy.verify())
        people = self._subjects(experiment.scored.plan.probes)[probe[these]]
        return OtherHands(
            comparisons=len(scores),
            people=len(np.unique(people)),
            median=float(np.median(scores)),
            highest=float(scores.max()),
            score=least,
            verified=share(scores >= least, people),
        )

    def alike(self, experiment: Experiment) -> list[tuple[str, str]]:
        """Returns the pairs of hands that the service would take for one: at least half of their
        comparisons reach the score at which it accepts."""
        product, policy = experiment.algorithms[0], decisions.policy()
        names = sorted({sample.hand for sample in self.samples})
        least = policy.score(product.version, policy.accept(len(names)))
        return pairs.alike(experiment.scored, product.algorithm, least)

    def _shown(self, burst: pairing.Burst) -> list[Roi]:
        """Returns the palms of a burst that are of its side: as in the vault, what most say."""
        palms = [self._palms[each] for each in burst]
        side, _ = Counter(palm.side for palm in palms).most_common(1)[0]
        return [palm for palm in palms if palm.side == side]

    def _measured(
        self,
        algorithm: Algorithm,
        scored: Scored,
        references: list[Extracted],
        probes: list[Extracted],
    ) -> Measured:
        plan = scored.plan
        rows = comparison.compare(
            algorithm,
            [each.template for each in references],
            [each.template for each in probes],
            plan.counts,
            self._workers,
        )
        met = list(progress(f"comparing by {algorithm.name}", rows, len(probes)))
        scored.scores[algorithm.name] = np.concatenate([row.scores for row in met])
        comparisons = self.comparisons(scored, algorithm.name)
        whole = curve(comparisons)
        impostors = int((~comparisons.genuine).sum())
        reachable = [fmr for fmr in FMRS if fmr * impostors >= 1]
        probe, reference = (each[scored.counted] for each in plan.pairs())
        hits, searched = _first_ranks(comparisons, probe, reference, plan.mutual)
        template = probes[0].template
        measured = Measured(
            algorithm=algorithm.name,
            version=template.version,
            size=len(template.data),
            errors=estimate(comparisons, reachable),
            thresholds={fmr: whole.threshold_at(fmr) for fmr in reachable},
            rank1=share(hits, self._subjects(plan.probes)[searched]),
            curve=whole,
            extract_ms=1e3 * float(np.median([each.seconds for each in [*references, *probes]])),
            match_ms=1e3 * sum(row.seconds for row in met) / len(scored.kinds),
        )
        at = f"{len(plan.references[0])} enrolled, {len(plan.probes[0])} shown"
        self._tell(f"{algorithm.name}, {at}: EER {said(measured.errors.eer)}")
        return measured

    def _unread(self, experiment: Experiment) -> Counter[str]:
        """Returns how many presentations of each hand there would be more if every palm had been
        acquired; of hands that were enrolled."""
        scored = experiment.scored
        possible = pairing.bursts(self._everyone, experiment.enrolled_from, experiment.probed_by)
        unread = Counter(self._everyone[burst[0]].hand for burst in possible.probes)
        unread.subtract(self.samples[burst[0]].hand for burst in scored.plan.probes)
        enrolled = {self.samples[burst[0]].hand for burst in scored.plan.references}
        return +Counter({hand: count for hand, count in unread.items() if hand in enrolled})

    def _visits(
        self, scored: Scored, scores: npt.NDArray[np.float32], unread: Mapping[str, int]
    ) -> list[Searched]:
        """Returns the visits of everybody who was searched for, and of the same people as if they
        were not enrolled. Where no palm was acquired, the person was not found; they show it at
        first, and the palms that were acquired after it. Strangers are searched for by palms that
        were acquired only, which makes none of their rates lower."""
        begins = np.append(0, np.cumsum(scored.plan.counts))
        made: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
        for number, burst in enumerate(scored.plan.probes):
            row = slice(begins[number], begins[number + 1])
            made[self.samples[burst[0]].hand].append(_best(scored.kinds[row], scores[row]))
        person = dict(
            zip([each.hand for each in self.samples], self._whose.subject.tolist(), strict=True)
        )
        enrolled = {self.samples[burst[0]].hand for burst in scored.plan.references}
        visits: list[Searched] = []
        for hand in sorted(made.keys() | unread.keys()):
            found = made[hand]
            if hand in enrolled:
                nobody: list[dict[str, float]] = [{}] * unread.get(hand, 0)
                tries = in_visits(nobody + found)
                visits += [Searched(person[hand], True, each) for each in tries]
            others = [
                {who: score for who, score in each.items() if who != decisions.OWN}
                for each in found
            ]
            visits += [Searched(person[hand], False, each) for each in in_visits(others)]
        return visits

    def _subjects(self, bursts: Sequence[pairing.Burst]) -> Indices:
        return self._whose.subject[[burst[0] for burst in bursts]]


def _best(kinds: Kinds, scores: npt.NDArray[np.float32]) -> dict[str, float]:
    """Returns the score of the person who searched, and the two highest of others: more people do
    not change what is decided."""
    others = np.sort(scores[kinds == Kind.IMPOSTOR])[::-1][:2].tolist()
    best = {str(number): score for number, score in enumerate(others)}
    for score in scores[kinds == Kind.GENUINE].tolist():
        best[decisions.OWN] = score
    return best


def _at(score: float, comparisons: Comparisons) -> AtScore:
    """Returns the error rates at one score."""
    subjects = int(max(comparisons.probe.max(), comparisons.reference.max())) + 1
    drawn = draws(subjects)
    matched = comparisons.scores >= score
    rates = [
        counted(
            events[which], comparisons.probe[which], comparisons.reference[which], subjects
        ).estimate(drawn)
        for events, which in (
            (matched, ~comparisons.genuine),
            (~matched, comparisons.genuine),
        )
    ]
    return AtScore(score, *rates)


def _first_ranks(
    comparisons: Comparisons, probe: Indices, reference: Indices, mutual: bool
) -> tuple[npt.NDArray[np.bool_], Indices]:
    """Returns whether a mate has the highest score, for each probe with a mate, and those probes.

    Where pairs are mutual, every sample is a probe to all others.
    """
    best = np.full((2, int(max(probe.max(), reference.max())) + 1), -np.inf, np.float32)
    for genuine in (False, True):
        these = comparisons.genuine == genuine
        np.maximum.at(best[int(genuine)], probe[these], comparisons.scores[these])
        if mutual:
            np.maximum.at(best[int(genuine)], reference[these], comparisons.scores[these])
    mated = np.flatnonzero(np.isfinite(best[1]))
    return best[1, mated] > best[0, mated], mated


def _steps(acquisitions: list[Acquisition]) -> dict[str, float | None]:
    """Returns the median processor time of each step in milliseconds."""
    steps: dict[str, float | None] = {}
    for step in ("find", "align"):
        took = [each.seconds[step] for each in acquisitions if step in each.seconds]
        steps[step] = 1e3 * float(np.median(took)) if took else None
    return steps
