import numpy as np
import pytest

from lab.peers import bocv, competitive, ordinal
from lab.peers.planes import CELLS, PlanesMatcher, template
from palm.hand.roi import SIZE, Roi
from palm.image import Grey
from palm.template.interfaces import VersionMismatch
from tests.support.creases import palm

PEERS = pytest.mark.parametrize("peer", [competitive, bocv, ordinal])


def roi(image: Grey) -> Roi:
    return Roi(image, None, 1.0)


def line(degrees: float) -> Roi:
    """Returns a dark line through the middle cell, which rises by `degrees` toward the right."""
    y, x = np.mgrid[:SIZE, :SIZE] - (CELLS // 2 + 0.5) * SIZE / CELLS
    away = x * np.sin(np.radians(degrees)) + y * np.cos(np.radians(degrees))
    return roi((200 - 120 * np.exp(-(away**2) / 2 / 2.5**2)).astype(np.uint8))


@PEERS
def test_a_shifted_and_noisy_palm_scores_higher_with_itself_than_with_others(peer):
    extractor, matcher = peer.pair()
    gallery = matcher.prepare([extractor.extract([roi(palm(each))]) for each in range(6)])
    for each in range(6):
        probe = extractor.extract([roi(palm(each, shifted=(8, -8), noise=6.0))])
        scores = matcher.compare(probe, gallery)
        assert scores.argmax() == each
        assert scores[each] > np.delete(scores, each).max() + 0.05


@PEERS
def test_a_template_matches_itself_and_is_refused_by_another_version(peer):
    extractor, matcher = peer.pair()
    own = extractor.extract([roi(palm(1))])
    assert matcher.score(own, own) == 1
    with pytest.raises(VersionMismatch):
        PlanesMatcher(version=7).score(own, own)


@PEERS
def test_a_burst_of_several_palms_is_refused(peer):
    extractor, _ = peer.pair()
    with pytest.raises(ValueError, match="not of 2"):
        extractor.extract([roi(palm(1)), roi(palm(1))])


@pytest.mark.parametrize(("step", "differing"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 1)])
def test_competitive_code_counts_the_steps_between_directions(step: int, differing: int):
    for first in range(6):
        pair = competitive.BITS[[first, (first + step) % 6]]
        assert np.count_nonzero(pair[0] ^ pair[1]) == differing


def test_competitive_code_names_the_direction_of_a_line():
    extractor, _ = competitive.pair()
    middle = CELLS // 2
    codes = []
    for degrees in range(0, 180, 30):
        bits = np.unpackbits(np.frombuffer(extractor.extract([line(degrees)]).data, np.uint8))
        code = bits.reshape(3, CELLS, CELLS)[:, middle, middle].astype(bool)
        codes.append(int(np.flatnonzero((code == competitive.BITS).all(axis=1))[0]))
    assert sorted(codes) == [0, 1, 2, 3, 4, 5]
    steps = np.diff([*codes, codes[0]]) % 6
    assert len(set(steps.tolist())) == 1, "neighbouring directions have neighbouring codes"


def test_only_bits_where_the_palms_overlap_are_counted():
    rng = np.random.default_rng(0)
    wide = rng.random((1, CELLS + 3, CELLS)) < 0.5
    matcher = PlanesMatcher(version=7)
    upper, lower = (template(7, wide[:, at : at + CELLS]) for at in (0, 3))
    assert matcher.score(upper, lower) == 1
    beyond = np.roll(wide[:, :CELLS], 4, axis=1)
    assert matcher.score(upper, template(7, beyond)) < 0.7
