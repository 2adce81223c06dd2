from collections.abc import Callable

import numpy as np
import pytest

from drawn import roi
from drawn.roi import Placement
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.template.fused import PROBE_BYTES, REFERENCE_BYTES, FusedExtractor, FusedMatcher
from palm.template.interfaces import Template, VersionMismatch
from palm.template.linefield import LineFieldExtractor

PEOPLE = range(9_000, 9_008)

extractor, matcher = FusedExtractor(), FusedMatcher()
Palm = Callable[..., Roi]


@pytest.fixture(scope="module")
def palm() -> Palm:
    skins = {person: roi.swatch(person, Side.RIGHT) for person in PEOPLE}

    def shown(
        person: int, seed: int, *, infrared: bool = False, placement: Placement | None = None
    ) -> Roi:
        rng = np.random.default_rng((person, seed))
        placement = placement or roi.jittered(Placement(), rng, 0.7)
        return Roi(roi.show(skins[person], rng, placement, infrared, 0.25), Side.RIGHT, 1.0)

    return shown


@pytest.fixture(scope="module")
def enrolled(palm: Palm) -> dict[int, Template]:
    return {
        person: extractor.extract([palm(person, seed) for seed in range(3)]) for person in PEOPLE
    }


@pytest.mark.parametrize("infrared", [False, True], ids=["colour", "near infrared"])
def test_genuine_scores_exceed_impostor_scores(
    palm: Palm, enrolled: dict[int, Template], infrared: bool
):
    gallery = matcher.prepare(list(enrolled.values()))
    scores = [
        matcher.compare(extractor.extract([palm(person, 9, infrared=infrared)]), gallery)
        for person in PEOPLE
    ]
    assert np.argmax(scores, axis=1).tolist() == list(range(len(PEOPLE)))


def test_the_sign_of_a_score_tells_genuine_from_impostor(palm: Palm, enrolled: dict[int, Template]):
    probe = extractor.extract([palm(PEOPLE[0], 5)])
    assert matcher.score(probe, enrolled[PEOPLE[0]]) > 0
    assert matcher.score(probe, enrolled[PEOPLE[1]]) < 0


def test_a_rotated_and_shifted_palm_still_matches(palm: Palm, enrolled: dict[int, Template]):
    moved = extractor.extract(
        [palm(PEOPLE[2], 5, placement=Placement(turn=6, zoom=1.05, right=5, down=-4))]
    )
    gallery = matcher.prepare(list(enrolled.values()))
    assert int(np.argmax(matcher.compare(moved, gallery))) == 2


def test_a_reference_is_small_and_scores_like_a_probe(palm: Palm, enrolled: dict[int, Template]):
    probe = extractor.extract([palm(PEOPLE[3], 5)])
    whole = list(enrolled.values())
    kept = [matcher.keep(each) for each in whole]
    assert {len(each.data) for each in whole} == {PROBE_BYTES}
    assert {len(each.data) for each in kept} == {REFERENCE_BYTES}
    assert REFERENCE_BYTES == 864
    assert matcher.keep(kept[0]) == kept[0]
    as_kept = matcher.compare(probe, matcher.prepare(kept))
    assert as_kept == pytest.approx(matcher.compare(probe, matcher.prepare(whole)))


def test_vectors_are_of_length_one_and_nearest_to_the_same_palm(
    palm: Palm, enrolled: dict[int, Template]
):
    probes = matcher.vectors([extractor.extract([palm(person, 7)]) for person in PEOPLE])
    references = matcher.vectors([matcher.keep(each) for each in enrolled.values()])
    assert np.linalg.norm(probes, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.argmax(probes @ references.T, axis=1).tolist() == list(range(len(PEOPLE)))
    assert matcher.vectors([]).shape == (0, probes.shape[1])


def test_the_clearest_palms_of_a_burst_count_most(palm: Palm, enrolled: dict[int, Template]):
    clear, other = palm(PEOPLE[4], 5), palm(PEOPLE[5], 5)
    unclear = Roi(other.image, other.side, quality=0.02)
    template = extractor.extract([clear, unclear])
    assert matcher.vectors([template])[0] @ matcher.vectors([extractor.extract([clear])])[0] > 0.95


def test_templates_of_another_version_are_refused(palm: Palm):
    old = LineFieldExtractor().extract([palm(PEOPLE[0], 0)])
    with pytest.raises(VersionMismatch):
        matcher.prepare([old])
    with pytest.raises(VersionMismatch):
        matcher.keep(old)


def test_an_empty_burst_and_a_burst_of_two_hands_are_refused(palm: Palm):
    right = palm(PEOPLE[0], 0)
    with pytest.raises(ValueError, match="at least one"):
        extractor.extract([])
    with pytest.raises(ValueError, match="one hand"):
        extractor.extract([right, Roi(right.image, Side.LEFT, 1.0)])
