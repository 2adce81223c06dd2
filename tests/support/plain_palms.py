"""Palms without pictures, for tests that are not about palms.

A "JPEG" says whose palm it is and how alike it looks. The vault makes a ROI of random bits of it,
and templates of these bits, in an old version and in the current one.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cloud.vault.examiner import Flaw, Presentation, Unusable
from palm.hand.landmarks import Side
from palm.hand.roi import SIZE, Roi
from palm.liveness.signed import Signs
from palm.template.compact import BYTES as BYTES_OF_SIGN
from palm.template.interfaces import Template, VersionMismatch
from protocol import messages
from protocol.capture import PULSE_SIDE, Burst, Frame, Pulse, Spectrum
from protocol.challenge import steps
from protocol.encoding import from_base64
from protocol.messages import Challenge
from protocol.ring import Levels

BYTES = 512
OLD, VERSION = 899, 900
CALIBRATION = ((1e-2, 0.1), (1e-6, 0.5))
"""Impostor scores are 0 on average, with a standard deviation of 1/64."""


def burst(
    who: str,
    side: Side | messages.Side = Side.LEFT,
    likeness: float = 1.0,
    flaw: Flaw | None = None,
    challenge: Challenge | None = None,
    *,
    score: float | None = None,
    pulse: bool = False,
    infrared: bool = False,
    then: float | None = None,
    signs: str | None = None,
) -> Burst:
    """Returns the burst of a palm.

    Under a challenge it has a picture for each step. `score` is the liveness score, and `then` is
    the likeness of a second picture, if there is to be one, and `signs` says whose relief and veins
    are seen, if any are.
    """
    said = {
        "who": who,
        "side": side,
        "likeness": likeness,
        "flaw": flaw,
        "score": score,
        "then": then,
        "signs": signs,
    }
    frames = [Frame(0, _jpeg(said))]
    if infrared:
        frames.append(Frame(0, _jpeg(said), None, Spectrum.INFRARED))
    if challenge:
        played = enumerate(steps(from_base64(challenge.seed)))
        frames += [Frame(100 + 60 * n, _jpeg({"step": str(step)}), n) for n, step in played]
    end = frames[-1].at_ms + 100
    beats = Pulse([end, end + 50], bytearray(2 * PULSE_SIDE**2 * 6)) if pulse else None
    if challenge and pulse:
        frames.append(Frame(end + 50, _jpeg(said)))
    return Burst(frames, challenge.challenge_id if challenge else None, beats)


def _jpeg(said: object) -> bytearray:
    return bytearray(b"\xff\xd8\xff" + json.dumps(said).encode() + b"\xff\xd9")


def _said(frame: Frame) -> Any:
    return json.loads(frame.jpeg[3:-2])


class PlainExaminer:
    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        try:
            said = _said(burst.frames[0])
            answered = [_said(frame)["step"] for frame in burst.frames if frame.light is not None]
        except ValueError:
            raise Unusable(Flaw.NOT_A_CAPTURE) from None
        if said["flaw"]:
            raise Unusable(Flaw(said["flaw"]))
        if [str(step) for step in shown] != answered:
            raise Unusable(Flaw.NOT_LIVE)
        side = Side(said["side"])
        likenesses = [each for each in (said["likeness"], said["then"]) if each is not None]
        rois = tuple(_roi(f"{said['who']} {side}", side, each) for each in likenesses)
        signs = _signs(said["who"], said["signs"]) if said["signs"] else None
        return Presentation(side, rois, said["score"], burst.pulse is not None, signs)


def _signs(who: str, whose: str) -> Signs:
    lines, relief, veins = (
        np.random.default_rng(list(each.encode())).bytes(BYTES_OF_SIGN)
        for each in (who, f"relief {whose}", f"veins {whose}")
    )
    return Signs(lines, relief, veins)


def _roi(whose: str, side: Side, likeness: float) -> Roi:
    bits = _bits(whose)
    flipped = np.arange(bits.size) >= bits.size * (1 + likeness) / 2
    image = np.zeros((SIZE, SIZE), np.uint8)
    image.flat[:BYTES] = np.packbits(bits ^ flipped)
    return Roi(image, side, 0.9)


class PlainExtractor:
    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        return Template(self.version, palms[0].image.tobytes()[:BYTES])


def template_of(who: str, side: Side = Side.LEFT) -> bytes:
    """Returns the template of a palm, as it is before it is protected."""
    return PlainExtractor().extract([_roi(f"{who} {side}", side, 1.0)]).data


class PlainMatcher:
    version = VERSION

    def keep(self, template: Template) -> Template:
        return template

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """Returns every sixteenth bit, which are as alike as all bits."""
        bits = np.unpackbits(self.prepare(templates), axis=1)[:, ::16].astype(np.float32)
        return (2 * bits - 1) / np.float32(np.sqrt(bits.shape[1]))

    def score(self, probe: Template, reference: Template) -> float:
        return float(self.compare(probe, self.prepare([reference]))[0])

    def prepare(self, references: Sequence[Template]) -> npt.NDArray[np.uint8]:
        if {reference.version for reference in references} - {self.version}:
            raise VersionMismatch("templates of another version")
        codes = b"".join(reference.data for reference in references)
        return np.frombuffer(codes, np.uint8).reshape(-1, BYTES)

    def compare(self, probe: Template, gallery: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        different = np.bitwise_count(gallery ^ np.frombuffer(probe.data, np.uint8)).sum(axis=1)
        return np.asarray(1 - 2 * different / (8 * BYTES), np.float32)


class OldExtractor(PlainExtractor):
    version = OLD


class OldMatcher(PlainMatcher):
    """A matcher whose scores need other thresholds than those of the current version."""

    version = OLD

    def compare(self, probe: Template, gallery: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return 100 * super().compare(probe, gallery)


OLD_CALIBRATION = tuple((fmr, 100 * score) for fmr, score in CALIBRATION)


def _bits(of: str) -> npt.NDArray[np.bool]:
    seed = int.from_bytes(hashlib.sha256(of.encode()).digest())
    return np.random.default_rng(seed).integers(0, 2, 8 * BYTES).astype(bool)
