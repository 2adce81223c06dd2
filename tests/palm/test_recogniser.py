"""What `palm` offers to developers: palms of pictures, templates, comparisons, and refusals in
words."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import palm
from drawn import Presentation, draw, identity
from palm import Gallery, NoHand, NotAPalm, Palm, ShownBack, Side, Template, match, pack, unpack
from palm.__main__ import main
from palm.image import Colour
from palm.models import ModelMissing
from palm.recogniser import RAREST

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        Palm.from_image(drawn(5)).template()
    except ModelMissing as missing:
        pytest.skip(str(missing))


@cache
def drawn(person: int, **shown: float) -> Colour:
    pose = replace(Presentation(), **shown)
    rng = np.random.default_rng(person)
    return draw(identity(person, Side.RIGHT), pose, rng, size=(360, 640)).image


@cache
def template(person: int, turn: float = 0.0) -> Template:
    return Palm.from_image(drawn(person, turn=turn)).template()


def test_a_palm_is_told_from_another():
    same, other = match(template(5, 20.0), template(5)), match(template(6), template(5))
    assert same.log_likelihood_ratio > 10
    assert other.log_likelihood_ratio < 1
    assert same.false_match_rate == RAREST
    assert same.is_extrapolated
    assert other.false_match_rate > 0.1
    assert not other.is_extrapolated


def test_a_grey_picture_shows_the_same_palm():
    grey = cv2.cvtColor(drawn(5), cv2.COLOR_BGR2GRAY)
    shown = Palm.from_image(np.asarray(grey, np.uint8))
    assert shown.side is Side.RIGHT
    assert match(shown.template(), template(5)).false_match_rate == RAREST


def test_several_pictures_make_one_template():
    first, second = (Palm.from_image(drawn(5, turn=turn)) for turn in (0.0, 20.0))
    together = first.template(second)
    assert together.data != first.template().data
    assert match(together, template(5)).false_match_rate == RAREST


def test_a_picture_of_an_aligned_palm_is_taken_as_it_is():
    palm_in_picture = Palm.from_image(drawn(5)).roi.image
    shown = Palm.from_aligned(palm_in_picture)
    assert shown.side is None
    assert match(shown.template(), template(5)).false_match_rate == RAREST
    with pytest.raises(ValueError, match=r"square.*128 x 100 pixels"):
        Palm.from_aligned(palm_in_picture[:100])


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_picture_without_a_line_makes_no_template_that_would_match_another(grey: int):
    with pytest.raises(ValueError, match="no line of a palm"):
        Palm.from_aligned(np.full((150, 150), grey, np.uint8)).template()


def test_a_file_of_more_pixels_than_can_be_read_is_unreadable(tmp_path: Path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        length, check = (n.to_bytes(4, "big") for n in (len(data), zlib.crc32(kind + data)))
        return length + kind + data + check

    size = (60_000).to_bytes(4, "big")
    file = tmp_path / "huge.png"
    file.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + size + bytes((8, 0, 0, 0, 0)))
        + chunk(b"IDAT", zlib.compress(b""))
    )
    with pytest.raises(palm.Unreadable, match="more pixels"):
        Palm.from_file(file)


@pytest.mark.parametrize(
    ("picture", "refusal", "says"),
    [
        (lambda: np.full((90, 120, 3), 200, np.uint8), NoHand, r"no hand .*120 x 90 pixels"),
        (lambda: drawn(5, back=True), ShownBack, "turned over"),
        (lambda: drawn(5, curl=1.0), NotAPalm, "Ask for an open hand"),
    ],
    ids=["nothing", "back", "fist"],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(
    picture: Callable[[], Colour], refusal: type[NotAPalm], says: str
):
    with pytest.raises(NotAPalm, match=says) as refused:
        Palm.from_image(picture())
    assert refused.type is refusal


@pytest.mark.parametrize(
    "no_picture",
    [None, "hand.jpg", np.zeros((8, 8)), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8), np.uint8)],
    ids=["none", "path", "floats", "four channels", "empty"],
)
def test_what_is_no_picture_is_refused_as_such(no_picture: Any):
    with pytest.raises(TypeError, match="is no picture: give an array of 8 bits"):
        Palm.from_image(no_picture)


class TestGallery:
    def test_the_most_alike_is_found_and_how_rare_that_is(self) -> None:
        gallery = Gallery()
        for person in (5, 6):
            gallery.add(f"person {person}", template(person))
        best, other = gallery.search(template(5, 20.0), count=9)
        assert (best.name, other.name) == ("person 5", "person 6")
        assert best.false_positive_rate == pytest.approx(2 * RAREST)
        assert other.false_positive_rate == 1

    def test_a_gallery_with_templates_of_another_version_says_so(self) -> None:
        gallery = Gallery()
        gallery.add("now", template(5))
        gallery.add("before", Palm.from_image(drawn(6)).template(version=2))
        with pytest.raises(palm.VersionMismatch, match=r"template\(version=2\)"):
            gallery.search(template(5))

    @pytest.mark.parametrize("count", [0, -1])
    def test_a_number_of_candidates_that_is_none_is_refused(self, count: int) -> None:
        gallery = Gallery()
        for person in (5, 6):
            gallery.add(f"person {person}", template(person))
        with pytest.raises(ValueError, match=f"{count} were asked for"):
            gallery.search(template(5), count)

    def test_who_was_removed_is_not_found(self) -> None:
        gallery = Gallery()
        gallery.add("person 5", template(5))
        gallery.remove("person 5")
        assert gallery.search(template(5)) == []


class TestStoring:
    def test_a_packed_template_compares_as_before_and_is_small(self) -> None:
        packed = pack(template(5))
        assert len(packed) < 1024
        assert match(template(6), unpack(packed)) == match(template(6), template(5))
        assert pack(unpack(packed)) == packed

    @pytest.mark.parametrize(
        ("damage", "says"),
        [
            (lambda packed: packed[:-1], "damaged"),
            (lambda packed: packed[:4] + b"\x02" + packed[5:], "one of version 2 has 864"),
            (lambda packed: packed[:9], "no packed template"),
            (lambda _: b"\xff\xd8\xff\xe0", "no packed template"),
        ],
        ids=["cut off", "another version", "cut short", "a picture"],
    )
    def test_other_bytes_are_refused(self, damage: Any, says: str) -> None:
        with pytest.raises(ValueError, match=says):
            unpack(damage(pack(template(5))))

    def test_a_template_of_an_earlier_release_is_compared_with_one_of_its_version(self) -> None:
        shown = Palm.from_image(drawn(5, turn=20.0))
        stored = unpack(pack(Palm.from_image(drawn(5)).template(version=2)))
        assert stored.version == 2
        assert match(shown.template(version=2), stored).false_match_rate == RAREST

    def test_a_version_that_is_not_known_is_refused(self) -> None:
        with pytest.raises(palm.VersionMismatch, match="enrol the palm anew"):
            match(template(5), Template(1, bytes(4096)))


def test_the_command_says_where_there_is_nothing_to_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    probe, empty, damaged = tmp_path / "a.palm", tmp_path / "empty", tmp_path / "damaged.palm"
    probe.write_bytes(pack(template(5)))
    empty.mkdir()
    damaged.write_bytes(probe.read_bytes()[:-1])
    assert main(["search", str(probe), str(empty), str(damaged)]) == 1
    told = capsys.readouterr().err
    assert f"left out: {damaged}" in told
    assert "there is nothing to search" in told


def test_every_name_that_is_offered_is_there():
    assert all(getattr(palm, name) for name in palm.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        palm.nothing  # noqa: B018 - asking is the test
