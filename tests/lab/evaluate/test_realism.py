"""Drawn and real palms are described and compared by the same measures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from lab.evaluate import collection, pictures, realism
from lab.evaluate.collection import Palms, drawn, real
from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.realism import between, describe, distance, measure
from lab.evaluate.texture import BANDS, DIRECTIONS, Texture, spread, texture
from palm.hand.roi import SIZE, Roi
from tests.support.creases import palm


def wave(cycles: float, degrees: float = 0.0) -> np.ndarray:
    """Returns a wave with so many cycles across the ROI.

    Its dark lines rise by `degrees` toward the right.
    """
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    across = x * np.sin(np.radians(degrees)) + y * np.cos(np.radians(degrees))
    return (128 + 40 * np.cos(2 * np.pi * cycles * across)).astype(np.uint8)


def palms(name: str, hands: int) -> Palms:
    """Returns a made-up set with two pictures of each hand."""
    samples = [Sample(Path(f"{h}/{n}"), str(h), str(h)) for h in range(hands) for n in range(2)]
    images = [palm(h, noise=3.0 * n) for h in range(hands) for n in range(2)]
    return Palms(name, True, samples, [Roi(image, None, 1.0) for image in images])


class TestTexture:
    @pytest.mark.parametrize("cycles", [7, 13, 27])
    def test_a_wave_is_in_its_band(self, cycles: int):
        loudest = int(texture(wave(cycles)).spectrum.argmax())
        assert BANDS[loudest] <= cycles < BANDS[loudest + 1]

    @pytest.mark.parametrize("degrees", range(0, 180, 45))
    def test_lines_are_counted_by_their_direction(self, degrees: int):
        directions = texture(wave(13, degrees)).directions
        assert directions.argmax() == degrees * DIRECTIONS // 180
        assert directions.max() > 0.8

    def test_lines_are_counted_by_their_place(self):
        picture = np.full((SIZE, SIZE), 128, np.uint8)
        picture[:40, :40] = wave(13)[:40, :40]
        strength = texture(picture).lines.sum(axis=2)
        assert strength[0, 0] > 0.7

    def test_contrast_is_in_grey_levels(self):
        assert texture(wave(13)).contrast == pytest.approx(40 / np.sqrt(2), rel=0.15)

    def test_noise_has_lines_by_chance_only(self):
        noise = np.random.default_rng(5).normal(128, 20, (SIZE, SIZE)).clip(0, 255)
        assert texture(noise.astype(np.uint8)).covered < 0.05
        assert texture(wave(13)).covered > 0.35, "the dark half of a wave is lines"

    def test_a_blank_picture_has_no_lines(self):
        blank = texture(np.full((SIZE, SIZE), 90, np.uint8))
        assert blank.covered == 0
        assert blank.contrast == pytest.approx(0, abs=1e-3)

    def test_each_hand_has_the_same_weight(self):
        def contrasted(contrast: float) -> Texture:
            return Texture(contrast, 0, 0, np.zeros(len(BANDS) - 1), np.zeros((3, 3, DIRECTIONS)))

        mean, deviation = spread([contrasted(c) for c in (1, 1, 1, 3)], ["a", "a", "a", "b"])
        assert mean.contrast == 2
        assert deviation.contrast == pytest.approx(np.sqrt(2))


@pytest.mark.slow
class TestDistance:
    def test_distances_of_distributions_are_those_counted_by_hand(self):
        assert between(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == (0, 0)
        w1, ks = between(np.array([0.0, 1.0]), np.array([0.5, 1.5, 0.5, 1.5]))
        assert (w1, ks) == (pytest.approx(0.5), pytest.approx(0.5))

    def test_a_set_is_near_itself_and_far_from_a_blurred_one(self):
        sharp = palms("sharp", 4)
        soft = [
            Roi(np.asarray(cv2.GaussianBlur(e.image, (0, 0), 3), np.uint8), None, 1.0)
            for e in sharp.rois
        ]
        one, blurred = (
            describe(each, 1) for each in (sharp, Palms("soft", True, sharp.samples, soft))
        )
        assert distance(one, one).spectrum == 0
        assert distance(one, one).genuine["line field"] == (0, 0)
        assert distance(one, blurred).spectrum > 3

    def test_every_real_set_is_compared_with_all_others(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(realism, "ALGORITHMS", realism.ALGORITHMS[1:])
        sets, made = [palms("one", 3), palms("two", 4)], [palms("made", 2)]
        report = measure(sets, made)
        told = json.loads(json.dumps(report.json()))
        met = {(each["from"], each["to"]) for each in told["distances"]}
        assert met == {("one", "two"), ("one", "made"), ("two", "one"), ("two", "made")}
        first = told["sets"][0]
        assert (first["hands"], first["pictures"]) == (3, 6)
        assert first["codes"][0]["genuine"]["comparisons"] == 3
        assert sum(first["codes"][0]["impostor"]["histogram"]) == pytest.approx(1, abs=1e-3)

    def test_hands_that_cannot_be_compared_are_refused(self):
        alone = palms("alone", 3)
        once = Palms("alone", True, alone.samples[::2], alone.rois[::2])
        with pytest.raises(Unmeasurable, match="alone"):
            describe(once, 1)


@pytest.mark.slow
class TestPictures:
    def test_a_real_set_is_read_up_to_four_pictures_a_hand(self, tmp_path: Path):
        for name in [f"a/s{s}_{k}" for s in (1, 2) for k in range(3)] + ["b/s1_0", "b/s2_0"]:
            file = tmp_path / f"{name}.png"
            file.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(file), palm(1))
        read = real(tmp_path, {}, 1)
        of_a = sorted(sample.path.stem for sample in read.samples if sample.hand == "a")
        assert of_a == ["s1_0", "s1_1", "s2_0", "s2_1"]
        assert len(read.samples) == len(read.rois) == 6

    def test_people_are_drawn_in_all_conditions(self):
        made = drawn(2, 1)
        assert [each.name for each in made] == [each.name for each in collection.CONDITIONS]
        assert {len(each.rois) for each in made} == {2 * collection.PICTURES}
        assert not any(each.real for each in made)

    def test_real_palms_are_not_written_into_a_repository(self, tmp_path: Path):
        (tmp_path / ".git").mkdir()
        (tmp_path / "docs").mkdir()
        file = tmp_path / "docs" / "beside.png"
        with pytest.raises(pictures.InRepository, match="stay out"):
            pictures.write_beside([palms("one", 2)], file)
        assert not file.exists()

    def test_real_palms_are_written_beside_drawn_ones(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(pictures, "ACROSS", 2)
        file = tmp_path / "beside.png"
        pictures.write_beside([palms("one", 2)], file)
        rows = 1 + len(collection.CONDITIONS)
        sheet = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert sheet is not None
        assert sheet.shape[0] == rows * (SIZE + pictures.GAP) - pictures.GAP
        assert np.array_equal(sheet[:SIZE, :SIZE], palm(0))
