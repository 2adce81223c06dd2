"""The recogniser in five names: `Palm`, `match`, `Gallery`, and `pack` and `unpack` to store.

A picture becomes a palm, a palm becomes a template, and two templates become a comparison:

    template = Palm.from_file("hand.jpg").template()
    match(template, another).false_match_rate

It puts together what `palm.hand`, `palm.template` and `palm.calibration` do, in the way in which
the kiosk and its service do it. The models are loaded when they are first needed, once for each
thread.
"""

import struct
import threading
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from palm.calibration import CALIBRATIONS
from palm.hand.align import NotAPalm, align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand, Shown, Side
from palm.hand.roi import SIZE, Roi
from palm.image import Colour
from palm.template import fused, levelled
from palm.template.current import pair
from palm.template.interfaces import Extractor, Matcher, Template, VersionMismatch
from palm.template.linefield import CELLS, PARTS

SHORTLIST = 256
"""The number of palms that a search compares in full: those with the most similar embeddings."""

RAREST = 1e-9
"""The lowest false-match rate that is told. Lower ones could not be told apart by anything that has
been measured, and there are not many more people than that."""

EARLIER: dict[int, tuple[type[Extractor], type[Matcher]]] = {
    fused.VERSION: (fused.FusedExtractor, fused.FusedMatcher)
}
"""What makes and compares templates of earlier versions whose score is a log-likelihood ratio."""

LINES_BYTES = CELLS * CELLS * PARTS
"""The first bytes of a template, which hold the lines; zeros where there are none."""

STORED = {levelled.VERSION: levelled.REFERENCE_BYTES, fused.VERSION: fused.REFERENCE_BYTES}
"""The bytes of a template as it is stored, by version."""

MAGIC = b"PALM"
"""The first bytes of a packed template. The version follows in one byte, then a CRC-32 of all that
comes after it, then the template's own bytes."""
_HEADER = struct.Struct(">4sBI")


class Unreadable(ValueError):
    """A file is not a picture that can be read."""


class NoHand(NotAPalm):
    """There is no hand in the picture."""


class ShownBack(NotAPalm):
    """The hand in the picture shows its back."""


@dataclass(frozen=True, slots=True)
class Palm:
    """One palm in one picture, found and aligned."""

    roi: Roi
    """The aligned palm, of which the template is made."""
    hand: Hand | None = None
    """The hand as it was found; None where the picture was an aligned palm already."""

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Finds and aligns the palm in a picture file, as `from_image` does. Raises Unreadable,
        too."""
        return cls.from_image(picture(Path(path)))

    @classmethod
    def from_image(cls, image: MatLike) -> Self:
        """Finds and aligns the palm in a picture, in any turn, as OpenCV reads it: 8 bits, either
        (height, width, 3) with blue, green and red, or (height, width) grey or near infrared.

        Of several palms it takes the one that is surest to be a hand. Raises NoHand, ShownBack, and
        NotAPalm for a fist (it is the class of the other two as well), TypeError for an array of
        another kind, and ModelMissing where the models have not been built.
        """
        taken = _colour_or_grey(image)
        hands = found(taken)
        palms = [hand for hand in hands if hand.shown is Shown.PALM]
        if not palms:
            raise _refusal(taken, hands)
        hand = max(palms, key=lambda hand: hand.presence)
        return cls(align(taken, hand), hand)

    @classmethod
    def from_aligned(cls, image: MatLike, side: Side | None = None) -> Self:
        """Takes a square picture that holds an aligned palm and nothing else, as some public sets
        have them: fingers up and thumb to the right (a left palm mirrored).

        It is scaled to SIZE. Raises TypeError for an array that is no picture, and ValueError for
        one that is not square.
        """
        grey = _colour_or_grey(image)
        if grey.ndim == 3:
            grey = np.asarray(cv2.cvtColor(grey, cv2.COLOR_BGR2GRAY), np.uint8)
        height, width = grey.shape
        if height != width:
            raise ValueError(
                f"An aligned palm is square, and this picture has {width} x {height} pixels. "
                "Palm.from_image finds the palm in a picture of a hand."
            )
        if height != SIZE:
            how = cv2.INTER_AREA if height > SIZE else cv2.INTER_CUBIC
            grey = np.asarray(cv2.resize(grey, (SIZE, SIZE), interpolation=how), np.uint8)
        return cls(Roi(grey, side, quality=1.0))

    @property
    def side(self) -> Side | None:
        """Whose hand it is of its owner's two; None where the picture does not tell."""
        return self.roi.side

    @property
    def quality(self) -> float:
        """The share of the aligned palm that lies in the picture and is neither black nor burnt
        out, less what blur and low contrast take (`palm.hand.align.align`), 0 to 1. The palm
        service takes palms from 0.6 on. It is 1 after `from_aligned`, which does not judge."""
        return self.roi.quality

    def template(self, *others: Self, version: int | None = None) -> Template:
        """Returns the template of this palm. Given others, which are further pictures of the same
        palm, returns one template of them all, which is surer: enrol three where you can.

        A version is that of a template that was stored by an earlier release and is to be compared
        with this one. Raises VersionMismatch for one that is not known any more, ValueError when
        left and right palms are mixed or no picture shows a line of the palm, and ModelMissing.
        """
        extractor, _ = _loaded.pair(version)
        made = extractor.extract([self.roi, *(each.roi for each in others)])
        # What shows no line is unlike all strangers, so any two of them would match.
        if not any(made.data[:LINES_BYTES]):
            raise ValueError("The picture shows no line of a palm.")
        return made


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the comparison of two templates tells."""

    log_likelihood_ratio: float
    """The score: the natural logarithm of how much more often one palm looks like this twice than
    two palms do. Its weights were learnt on drawn palms (`palm.template.levelled`)."""
    false_match_rate: float
    """The share of pairs of different palms that score as high or higher, as measured on public
    sets of photographs and on drawn palms (`palm.calibration`), RAREST at least; above 1e-3 it is a
    high guess.
    Decide by it: accept where it is below what you can bear, such as 1e-4 to verify a claim."""
    is_extrapolated: bool
    """Whether that rate is lower than the lowest that was read off the sets, so that it is an
    assumption: few pairs of different palms of the sets score as high, or none."""


def match(probe: Template, reference: Template) -> Comparison:
    """Compares the palm that is shown with one that was enrolled.

    The reference is compressed first as `pack` does it, so that a comparison does not depend on
    whether it was stored. Exchanging the two changes the score by little. Raises VersionMismatch
    for templates of two versions, or of one that is not known any more, and ModelMissing.
    """
    _, matcher = _loaded.pair(reference.version)
    return _judged(matcher.score(probe, reference), reference.version)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name that a search has found."""

    name: str
    comparison: Comparison
    false_positive_rate: float
    """The share of searches by strangers that find anybody who scores as high (FPIR, ISO/IEC
    19795-1): the false-match rate times the number of enrolled palms."""


class Gallery:
    """Enrolled templates under names. An instance belongs to one thread.

    A search compares the embedding of the probe with those of all, and the SHORTLIST most similar
    in full; that takes about 20 ms, and little more among thousands. `palm.search` is for a million
    and keeps codes under a secret instead.
    """

    def __init__(self) -> None:
        self._enrolled: dict[str, tuple[Template, npt.NDArray[np.float32]]] = {}

    def __len__(self) -> int:
        return len(self._enrolled)

    def add(self, name: str, template: Template) -> None:
        """Enrols a template, in place of the one that the name had. Give each palm a name of its
        own. Raises VersionMismatch for a version that is not known any more."""
        _, matcher = _loaded.pair(template.version)
        kept = matcher.keep(template)
        self._enrolled[name] = kept, matcher.vectors([kept])[0]

    def remove(self, name: str) -> None:
        """Raises KeyError when the name is not enrolled."""
        del self._enrolled[name]

    def search(self, probe: Template, count: int = 1) -> list[Candidate]:
        """Returns up to `count` candidates, best first, whoever they are: it is for the caller to
        decide which false-positive rate is low enough. Raises VersionMismatch where a template of
        another version than the probe's is enrolled, and ValueError for a `count` below 1."""
        if count < 1:
            raise ValueError(f"A search returns one candidate or more, and {count} were asked for.")
        if not self._enrolled:
            return []
        others = {kept.version for kept, _ in self._enrolled.values()} - {probe.version}
        if others:
            raise VersionMismatch(
                f"A probe of version {probe.version} is not compared with templates of version "
                f"{min(others)}: make it with template(version={min(others)}), and keep a gallery "
                "for each version."
            )
        _, matcher = _loaded.pair(probe.version)
        names = list(self._enrolled)
        vectors = np.stack([vector for _, vector in self._enrolled.values()])
        nearest = np.argsort(-(vectors @ matcher.vectors([probe])[0]))[:SHORTLIST].tolist()
        shortlist = matcher.prepare([self._enrolled[names[each]][0] for each in nearest])
        scores = matcher.compare(probe, shortlist).tolist()
        best = sorted(zip(scores, nearest, strict=True), reverse=True)[:count]
        told = [(names[each], _judged(score, probe.version)) for score, each in best]
        return [
            Candidate(name, each, min(len(self) * each.false_match_rate, 1.0))
            for name, each in told
        ]


def pack(template: Template) -> bytes:
    """Returns a template as it is stored: compressed to what a reference needs (under a kilobyte),
    with its version and a checksum.

    It is personal data of a special kind (GDPR, article 9), and is not encrypted here. Raises
    VersionMismatch for a template of a version that is not known any more.
    """
    _, matcher = _loaded.pair(template.version)
    kept = matcher.keep(template)
    return _HEADER.pack(MAGIC, kept.version, zlib.crc32(kept.data)) + kept.data


def unpack(data: bytes) -> Template:
    """Returns the template that `pack` has packed. Raises ValueError for other bytes."""
    if not data.startswith(MAGIC) or len(data) <= _HEADER.size:
        raise ValueError("These bytes are no packed template.")
    _, version, checksum = _HEADER.unpack_from(data)
    kept = data[_HEADER.size :]
    if zlib.crc32(kept) != checksum:
        raise ValueError("The packed template is damaged: its checksum is another one.")
    # The checksum is not over the version.
    if len(kept) != STORED.get(version, len(kept)):
        raise ValueError(
            f"The packed template is damaged: it has {len(kept)} bytes, and one of version "
            f"{version} has {STORED[version]}."
        )
    return Template(version, kept)


def picture(path: Path) -> Colour:
    """Reads a picture file, upright as its camera says. Raises Unreadable."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    except cv2.error as refused:
        raise Unreadable(f"{path} has more pixels than OpenCV reads") from refused
    if image is None:
        raise Unreadable(f"{path} is not a picture that can be read")
    return np.asarray(image, np.uint8)


def found(image: MatLike) -> list[Hand]:
    """Returns the hands in a picture, as `Palm.from_image` takes it. Raises TypeError and
    ModelMissing."""
    taken = _colour_or_grey(image)
    if taken.ndim == 2:
        taken = np.asarray(cv2.cvtColor(taken, cv2.COLOR_GRAY2BGR), np.uint8)
    return _loaded.finder.find(taken)


class _Loaded(threading.local):
    """The parts that load models, for each thread."""

    @cached_property
    def finder(self) -> HandFinder:
        return HandFinder()

    @cached_property
    def _today(self) -> tuple[Extractor, Matcher]:
        return pair()

    @cached_property
    def _earlier(self) -> dict[int, tuple[Extractor, Matcher]]:
        return {}

    def pair(self, version: int | None = None) -> tuple[Extractor, Matcher]:
        """Returns the extractor and the matcher of a version, or those of today. Raises
        VersionMismatch."""
        today, _ = self._today
        if version in (None, today.version):
            return self._today
        if version not in EARLIER:
            raise VersionMismatch(
                f"Templates of version {version} are not known here: enrol the palm anew."
            )
        if version not in self._earlier:
            extractor, matcher = EARLIER[version]
            self._earlier[version] = extractor(), matcher()
        return self._earlier[version]


_loaded = _Loaded()


def _judged(score: float, version: int) -> Comparison:
    calibration = CALIBRATIONS[version]
    rate = min(max(10 ** -calibration.rarity(score), RAREST), 1.0)
    return Comparison(score, rate, calibration.is_extrapolated(score))


def _colour_or_grey(image: object) -> npt.NDArray[np.uint8]:
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.size == 0
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
    ):
        raise TypeError(
            f"{_kind(image)} is no picture: give an array of 8 bits as OpenCV reads it, (height, "
            "width, 3) with blue, green and red, or (height, width) grey. Other arrays are turned "
            "into one by cv2.cvtColor and cv2.convertScaleAbs; cv2.imread returns None where it "
            "cannot read a file."
        )
    return image


def _kind(image: object) -> str:
    if isinstance(image, np.ndarray):
        return f"An array of {image.dtype} in the shape {image.shape}"
    return repr(image) if image is None else f"A {type(image).__name__}"


def _refusal(image: MatLike, hands: list[Hand]) -> NotAPalm:
    height, width = image.shape[:2]
    if not hands:
        return NoHand(
            f"There is no hand in the picture ({width} x {height} pixels). A hand is found best "
            "when all of it is in the picture, in even light, and its palm is as long as a fifth "
            "to a half of the picture's shorter side."
        )
    if any(hand.shown is Shown.BACK for hand in hands):
        return ShownBack(
            "The hand in the picture shows its back. What tells people apart is in the palm: ask "
            "for the hand to be turned over."
        )
    return NotAPalm("The hand in the picture is a fist. Ask for an open hand.")
