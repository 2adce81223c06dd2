from typing import Any

import numpy as np
import pytest

from palm.hand.landmarks import Side
from palm.hand.roi import SIZE, Roi
from palm.template.interfaces import Template, VersionMismatch
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher
from tests.support.creases import palm

STRANGERS = range(100, 140)

extractor, matcher = LineFieldExtractor(), LineFieldMatcher()


def template(seed: int, **seen: Any) -> Template:
    return extractor.extract([Roi(palm(seed, **seen), Side.RIGHT, 1.0)])


@pytest.fixture(scope="module")
def highest_stranger() -> float:
    probe = template(1)
    return max(matcher.score(probe, template(seed)) for seed in STRANGERS)


@pytest.mark.parametrize(
    "seen",
    [
        {"turned": 8.0},
        {"turned": -8.0},
        {"scaled": 1.08},
        {"scaled": 0.92},
        {"shifted": (12.0, -9.0)},
        {"bent": 6.0},
        {"noise": 12.0},
        {"turned": 5.0, "scaled": 0.95, "shifted": (-7.0, 5.0), "bent": 3.0, "noise": 6.0},
    ],
    ids=str,
)
def test_a_changed_view_of_a_palm_scores_above_all_impostors(
    seen: dict[str, float], highest_stranger: float
):
    assert matcher.score(template(1, **seen), template(1)) > highest_stranger + 0.1


def test_the_same_picture_scores_nearly_one():
    assert matcher.score(template(1), template(1)) == pytest.approx(1, abs=0.1)


def test_scores_are_nearly_symmetric():
    one, other = template(1), template(1, turned=5.0, bent=3.0)
    assert matcher.score(one, other) == pytest.approx(matcher.score(other, one), abs=0.05)


def test_parts_outside_the_frame_are_not_compared(highest_stranger: float):
    visible = np.ones((SIZE, SIZE), np.bool_)
    visible[SIZE // 2 :] = False
    one, other = (
        extractor.extract([Roi(np.where(visible, palm(1), beyond), Side.RIGHT, 1.0, visible)])
        for beyond in (palm(2), palm(3))
    )
    assert matcher.score(one, other) > 0.85
    assert matcher.score(one, template(1)) > highest_stranger + 0.1
    whole = extractor.extract([Roi(palm(1), Side.RIGHT, 1.0, np.ones((SIZE, SIZE), np.bool_))])
    assert whole == template(1)


def test_light_that_falls_off_to_one_side_changes_little():
    lit = palm(1) * np.linspace(0.5, 1.0, SIZE)
    lopsided = extractor.extract([Roi(lit.astype(np.uint8), Side.RIGHT, 1.0)])
    assert matcher.score(lopsided, template(1)) > 0.8


def test_a_burst_is_better_separated_from_impostors_than_its_noisy_frames():
    strangers = matcher.prepare([template(seed) for seed in STRANGERS])

    def stands_out(frames: list[Roi]) -> float:
        probe = extractor.extract(frames)
        others = matcher.compare(probe, strangers)
        return matcher.score(probe, template(1)) - float(others.max())

    shifts = [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0), (-3.0, 1.0), (1.0, -3.0)]
    seen = [palm(1, shifted=shift, noise=45.0) for shift in shifts]
    frames = [Roi(image, Side.RIGHT, 1.0) for image in seen]
    alone = [stands_out([frame]) for frame in frames]
    assert stands_out(frames) > 1.1 * np.mean(alone)


def test_a_template_has_4096_bytes_whatever_the_length_of_the_burst():
    one = Roi(palm(1), Side.LEFT, 1.0)
    assert {len(extractor.extract([one] * n).data) for n in (1, 2, 5)} == {4096}


def test_a_plain_picture_matches_nobody():
    plain = extractor.extract([Roi(np.zeros((SIZE, SIZE), np.uint8), None, 1.0)])
    assert matcher.score(plain, template(1)) < 0.1
    assert matcher.score(plain, plain) < 0.1


def test_a_burst_that_shows_no_palm_is_refused():
    with pytest.raises(ValueError, match="shows no palm"):
        extractor.extract([Roi(palm(1), None, 0.0)] * 2)


def test_an_empty_burst_is_refused():
    with pytest.raises(ValueError, match="at least one palm"):
        extractor.extract([])


def test_a_burst_of_both_hands_is_refused():
    both = [Roi(palm(1), side, 1.0) for side in Side]
    with pytest.raises(ValueError, match="one hand"):
        extractor.extract(both)


def test_templates_of_another_version_are_not_compared():
    ours = template(1)
    theirs = Template(ours.version + 1, ours.data)
    gallery = matcher.prepare([ours])
    for comparison in (
        lambda: matcher.score(theirs, ours),
        lambda: matcher.score(ours, theirs),
        lambda: matcher.prepare([theirs]),
        lambda: matcher.compare(theirs, gallery),
    ):
        with pytest.raises(VersionMismatch):
            comparison()


def test_batches_score_like_single_comparisons():
    references = [template(seed) for seed in (1, *STRANGERS[:5])]
    probe = template(1, turned=3.0)
    scores = matcher.compare(probe, matcher.prepare(references))
    assert scores.tolist() == pytest.approx([matcher.score(probe, each) for each in references])
    assert scores.argmax() == 0


def test_an_empty_gallery_gives_no_scores():
    assert matcher.compare(template(1), matcher.prepare([])).shape == (0,)
