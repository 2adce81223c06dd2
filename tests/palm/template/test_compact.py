import numpy as np
import pytest

from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.template import compact
from palm.template.compact import BITS, BYTES, FieldWriter
from palm.template.linefield import (
    Code,
    LineFieldExtractor,
    LineFieldMatcher,
    from_tiles,
    in_tiles,
)
from tests.support.creases import palm

writer = FieldWriter()


def field(seed: int, turned: float = 0.0) -> Code:
    return LineFieldExtractor().extract_code([Roi(palm(seed, turned=turned), Side.RIGHT, 1.0)])


def read(*written: bytes) -> Code:
    return writer.read(np.array([np.frombuffer(each, np.uint8) for each in written]))


def lost(field: Code, back: Code) -> float:
    """Returns the share of the energy that is lost."""
    wide = field.astype(np.float64)
    return float(((wide - back) ** 2).sum() / (wide**2).sum())


def test_a_field_is_compressed_into_736_bytes_with_little_loss():
    written = [writer.write(field(seed)) for seed in range(4)]
    assert {len(each) for each in written} == {BYTES} == {736}
    for seed, back in enumerate(read(*written)):
        assert lost(field(seed), back) < 0.25


def test_compressing_a_decompressed_field_changes_nothing():
    written = writer.write(field(1))
    assert writer.write(read(written)[0]) == written


def test_a_palm_matches_its_compressed_field_nearly_as_well_as_the_full_one():
    matcher = LineFieldMatcher()
    fields = np.array([field(seed) for seed in range(6)])
    small = read(*(writer.write(each) for each in fields))
    probe = field(0, turned=4.0)
    to_whole, to_small = (
        matcher.compare_code(probe, matcher.prepare_codes(each)) for each in (fields, small)
    )
    assert to_small.argmax() == 0
    assert to_small[0] > 0.85 * to_whole[0]


def test_axes_learnt_from_some_fields_lose_less_of_these_than_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
):
    rng = np.random.default_rng(0)
    ways = rng.standard_normal((20, 32 * 32 * 4))
    fields = np.clip(rng.standard_normal((300, 20)) @ ways * 8, -120, 120).astype(np.int8)
    learnt = compact.learn(fields.reshape(-1, 32, 32, 4))
    assert int(learnt.bits.sum()) == BITS
    assert learnt.axes.T @ learnt.axes == pytest.approx(np.eye(len(learnt.bits)), abs=1e-4)
    other = fields[0].reshape(32, 32, 4)
    before = lost(other, read(writer.write(other))[0])
    monkeypatch.setattr(compact, "axes", lambda: learnt)
    of_its_own = FieldWriter()
    back = of_its_own.read(np.frombuffer(of_its_own.write(other), np.uint8))[0]
    assert lost(other, back) < before


def test_fields_are_read_in_tiles_as_they_are_read_in_cells():
    written = [writer.write(field(seed)) for seed in range(compact.BATCH + 1)]
    rows = np.array([np.frombuffer(each, np.uint8) for each in written])
    back = read(*written)
    assert (in_tiles(back) == writer.read_tiles(rows)).all()
    assert (from_tiles(in_tiles(back)) == back).all()
    # A block by its definition: the level of each coordinate, in steps from the middle of all.
    learnt = compact.axes()
    bits = np.unpackbits(rows[3].reshape(compact.BLOCKS, -1), axis=1)[0]
    ends = np.cumsum(learnt.bits.astype(int))
    levels = [
        int("".join(map(str, bits[end - count : end])), 2)
        for end, count in zip(ends, learnt.bits.tolist(), strict=True)
    ]
    from_middle = np.array(levels) - (2.0**learnt.bits - 1) / 2
    along = from_middle * np.array(compact.STEPS)[learnt.bits] * learnt.deviation
    first = np.rint(learnt.axes @ along).reshape(8, 8, 4)
    assert abs(back[3, :8, :8] - first).max() <= 1


def test_an_empty_field_is_restored_as_empty():
    half = field(1).copy()
    half[16:] = 0
    back = read(writer.write(half))[0]
    assert not back[16:].any()
    assert lost(half, back) < 0.25
