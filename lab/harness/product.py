"""The product as it is tested: decides as the vault and the service do.

It tells accept or reject and no score: whoever tests learns nothing that a shopper does not.
"""

from dataclasses import dataclass

from cloud.policy import Policy
from cloud.vault.examiner import Flaw, Unusable
from cloud.vault.palms import PalmExaminer
from lab.harness.journal import Outcome
from lab.harness.people import Kept
from lab.harness.plan import AskPulse, Plan
from palm.calibration import CALIBRATIONS
from palm.hand.landmarks import Side
from palm.liveness.signed import Signer
from palm.template import current
from protocol.binding import answer_of, commitment_of, is_bound
from protocol.capture import Burst, Spectrum
from protocol.challenge import steps
from protocol.ring import Levels


@dataclass(frozen=True, slots=True)
class Shown:
    """One presentation: what the cameras saw, and the seed of the light challenge that was played;
    None without a ring."""

    burst: Burst
    seed: bytes | None

    @property
    def steps(self) -> tuple[Levels, ...]:
        return () if self.seed is None else steps(self.seed)


@dataclass(frozen=True, slots=True)
class Acquired:
    """A palm that was read and judged alive."""

    side: Side
    kept: Kept


@dataclass(frozen=True, slots=True)
class Refused:
    """A presentation of which no template was made."""

    outcome: Outcome
    why: str
    """What was wrong with it."""


NOT_LIVE = Refused(Outcome.NOT_LIVE, Flaw.NOT_LIVE.value)


class AskLonger(Exception):
    """The same palm has to be shown once more, longer, so that its pulse is seen."""


class Product:
    """The decisions at the service's own policy, for 1:1 comparison."""

    def __init__(self, plan: Plan) -> None:
        """Raises ModelMissing."""
        self._plan = plan
        self._examiner = PalmExaminer()
        self._extractor, self._matcher = current.pair()
        self._signer = Signer()
        self._policy = Policy(CALIBRATIONS)
        self._threshold = self._policy.score(self._extractor.version, self._policy.verify())

    def examine(self, shown: Shown) -> Acquired | Refused:
        """Reads and judges a presentation. Raises AskLonger where the plan asks for a pulse that
        the presentation does not have."""
        plan = self._plan
        if plan.liveness and not shown.steps:
            return NOT_LIVE
        if plan.infrared and all(f.spectrum is not Spectrum.INFRARED for f in shown.burst.frames):
            return NOT_LIVE
        if shown.steps and not _keeps_order_and_pace(shown.burst):
            return NOT_LIVE
        try:
            found = self._examiner.examine(shown.burst, shown.steps)
        except Unusable as unusable:
            if unusable.flaw is Flaw.NOT_LIVE:
                return NOT_LIVE
            return Refused(Outcome.NOT_ACQUIRED, unusable.flaw.value)
        unsure = not self._policy.is_sure(found.score)
        if not found.pulse and (
            plan.pulse is AskPulse.ALWAYS or (plan.pulse is AskPulse.UNSURE and unsure)
        ):
            raise AskLonger
        return Acquired(found.side, Kept(self._extractor.extract(found.palms), found.signs))

    def accepts(self, palm: Kept, enrolled: Kept) -> bool:
        """Returns whether a palm is that of somebody who is enrolled. Raises VersionMismatch."""
        return self._matcher.score(palm.template, enrolled.template) >= self._threshold

    def confirms(self, palm: Kept, enrolled: Kept) -> bool:
        """Returns whether no sign speaks against a palm that is accepted."""
        if palm.signs is None or enrolled.signs is None:
            return True
        return self._signer.compare(enrolled.signs, palm.signs).agrees


def _keeps_order_and_pace(burst: Burst) -> bool:
    """Returns whether the pictures come as a kiosk takes them under a challenge, which the vault
    asks before it looks at any of them. Nothing was committed to here."""
    return is_bound(burst, commitment_of(burst), answer_of(burst))
