"""The engine behind recognition."""

import asyncio

from cloud.gallery import Entry, ExactGallery, Match
from palm.hand import Side as PalmSide
from palm.recognition import Template
from protocol.messages import Side
from tests.cloud.plain_palms import PlainExaminer, PlainMatcher, burst


def template(who: str, side: PalmSide = PalmSide.LEFT, likeness: float = 1.0) -> Template:
    return PlainExaminer().examine(burst(who, side, likeness)).template


def entry(who: str, side: Side = Side.LEFT) -> Entry:
    return Entry(f"{who} {side}", who, side, template(who, PalmSide(side)))


def filled(*entries: Entry) -> ExactGallery:
    gallery = ExactGallery(PlainMatcher())
    gallery.enrol(entries)
    return gallery


def search(gallery: ExactGallery, side: Side, probe: Template) -> list[Match]:
    return asyncio.run(gallery.search(side, probe, 0.3))


def test_an_empty_gallery_finds_nobody():
    assert search(filled(), Side.LEFT, template("alex")) == []


def test_who_is_alike_is_found_the_most_alike_first():
    gallery = filled(entry("alex"), entry("sam"), entry("kim"))
    assert search(gallery, Side.LEFT, template("sam")) == [Match("sam", 1.0)]


def test_a_palm_is_only_compared_with_its_own_side():
    gallery = filled(entry("alex", Side.LEFT))
    assert search(gallery, Side.RIGHT, template("alex")) == []
    assert asyncio.run(gallery.verify(Side.RIGHT, template("alex"), "alex")) is None


def test_who_enrols_after_a_search_is_found_by_the_next():
    gallery = filled(entry("alex"))
    search(gallery, Side.LEFT, template("sam"))
    gallery.enrol([entry("sam")])
    assert search(gallery, Side.LEFT, template("sam")) == [Match("sam", 1.0)]
    assert len(gallery) == 2


def test_who_is_removed_is_found_by_no_palm_of_theirs():
    gallery = filled(entry("alex", Side.LEFT), entry("alex", Side.RIGHT), entry("sam"))
    search(gallery, Side.LEFT, template("alex"))
    gallery.remove("alex")
    assert search(gallery, Side.LEFT, template("alex")) == []
    assert search(gallery, Side.RIGHT, template("alex", PalmSide.RIGHT)) == []
    assert len(gallery) == 1


def test_removing_somebody_unknown_changes_nothing():
    gallery = filled(entry("alex"))
    gallery.remove("nobody")
    assert len(gallery) == 1


def test_one_person_is_verified_against_their_own_palms_alone():
    gallery = filled(entry("alex"), entry("sam"))
    assert asyncio.run(gallery.verify(Side.LEFT, template("alex"), "alex")) == 1.0
    other = asyncio.run(gallery.verify(Side.LEFT, template("alex"), "sam"))
    assert other is not None
    assert abs(other) < 0.1
