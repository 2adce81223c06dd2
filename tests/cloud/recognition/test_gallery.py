"""The gallery ranks search codes, and has the nearest templates compared by the vault."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from cloud.matching import Code, Entry, Match, SignsDisagree
from cloud.policy import Policy
from cloud.recognition.gallery import SHARE, Gallery
from cloud.vault.messages import Confirmation
from cloud.vault.templates import Scheme, Templates
from palm.calibration import Calibration
from palm.hand.landmarks import Side as PalmSide
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from protocol.messages import Side
from tests.support.plain_palms import (
    CALIBRATION,
    OLD,
    OLD_CALIBRATION,
    VERSION,
    OldExtractor,
    OldMatcher,
    PlainExaminer,
    PlainExtractor,
    PlainMatcher,
    burst,
)

POLICY = Policy({VERSION: Calibration(CALIBRATION), OLD: Calibration(OLD_CALIBRATION)})
SHORTLIST = 16
IDENTICAL = POLICY.rarity(VERSION, 1.0)
NEAR = POLICY.rarity(VERSION, 0.3)


class Shop:
    """A gallery with the vault's templates in this process, and a dictionary as its database."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self.rows: dict[str, ProtectedTemplate] = {}
        self.compared = 0
        self.asked = 0
        shortlists = {VERSION: SHORTLIST, OLD: SHORTLIST}
        self.gallery = Gallery(self, self._references, POLICY.rarity, shortlists)

    def shown(
        self, who: str, side: Side = Side.LEFT, likeness: float = 1.0
    ) -> list[ProtectedProbe]:
        """Returns probes in both versions, the current one first."""
        palms = PlainExaminer().examine(burst(who, PalmSide(side), likeness), ()).palms
        return self.templates.extract(palms, [OLD])

    def enrol(self, who: str, side: Side = Side.LEFT, version: int = VERSION) -> None:
        kept = (probe.kept for probe in self.shown(who, side))
        (template,) = (each for each in kept if each.version == version)
        palm_id = f"{who} {side}"
        self.rows[palm_id] = template
        self.gallery.enrol([Entry(palm_id, who, side, template).code])

    def search(self, who: str, side: Side = Side.LEFT, likeness: float = 1.0) -> list[Match]:
        probes = self.shown(who, side, likeness)
        return asyncio.run(self.gallery.search(side, probes, NEAR, IDENTICAL))

    def found(self, who: str, side: Side = Side.LEFT, likeness: float = 1.0) -> list[str]:
        return [match.person_id for match in self.search(who, side, likeness)]

    def verify(self, who: str, person_id: str | None, side: Side = Side.LEFT) -> Match | None:
        return asyncio.run(self.gallery.verify(side, self.shown(who, side), person_id, NEAR))

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        self.compared += len(references)
        return self.templates.compare(version, probe, references)

    async def confirm(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[Confirmation | None]:
        return self.templates.confirm(version, probe, references)

    async def _references(self, version: int, palm_ids: Collection[str]) -> dict[str, bytes]:
        self.asked += len(palm_ids)
        rows = {palm_id: self.rows[palm_id] for palm_id in palm_ids if palm_id in self.rows}
        return {name: each.sealed for name, each in rows.items() if each.version == version}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    schemes = [Scheme(PlainExtractor(), PlainMatcher()), Scheme(OldExtractor(), OldMatcher())]
    return Templates(tmp_path_factory.mktemp("vault"), schemes)


@pytest.fixture
def shop(templates: Templates) -> Shop:
    return Shop(templates)


def test_an_empty_gallery_finds_nobody(shop: Shop):
    assert shop.search("alex") == []
    assert shop.gallery.versions == set()


def test_a_search_finds_the_person_of_the_palm(shop: Shop):
    for who in ("alex", "sam", "kim"):
        shop.enrol(who)
    assert shop.search("sam") == [Match("sam", "sam left", VERSION, IDENTICAL)]


def test_only_the_nearest_palms_are_compared_in_full(shop: Shop):
    for number in range(3 * SHORTLIST):
        shop.enrol(str(number))
    assert shop.found("7", likeness=0.5) == ["7"]
    assert shop.compared == SHORTLIST


def test_in_a_large_gallery_a_search_looks_further_until_somebody_is_certain(shop: Shop):
    shop.enrol("sam")
    (probe, _) = (each.kept for each in shop.shown("sam", likeness=0.5))
    nearer = [probe.search_code] * SHORTLIST
    further = [bytes(len(probe.search_code))] * 1000
    shop.gallery.fill(
        [
            Code(f"{number}", f"{number}", Side.LEFT, VERSION, probe.transform, code)
            for number, code in enumerate(nearer + further)
        ]
    )
    assert shop.found("sam", likeness=0.5) == ["sam"]
    asked, shop.asked = shop.asked, 0
    assert asked == round(SHARE * (1001 + SHORTLIST))
    assert shop.found("sam") == ["sam"]
    assert shop.asked == SHORTLIST


def test_a_palm_is_only_compared_with_its_own_side(shop: Shop):
    shop.enrol("alex", Side.LEFT)
    assert shop.search("alex", Side.RIGHT) == []
    assert shop.verify("alex", "alex", Side.RIGHT) is None


def test_a_palm_enrolled_after_a_search_is_found_by_the_next(shop: Shop):
    shop.enrol("alex")
    shop.search("sam")
    shop.enrol("sam")
    assert shop.found("sam") == ["sam"]
    assert len(shop.gallery) == 2


def test_a_search_that_is_made_again_compares_only_whoever_has_joined_since(shop: Shop):
    def again() -> list[str]:
        found = shop.gallery.search(Side.LEFT, probes, NEAR, IDENTICAL, compared)
        return [match.person_id for match in asyncio.run(found)]

    for who in ("alex", "kim"):
        shop.enrol(who)
    probes = shop.shown("sam")[:1]
    compared = [set[str]()]
    assert again() == []
    assert shop.compared == 2
    shop.enrol("sam")
    assert again() == ["sam"]
    assert shop.compared == 3


def test_a_removed_person_is_found_by_none_of_their_palms(shop: Shop):
    for who, side in (("alex", Side.LEFT), ("alex", Side.RIGHT), ("sam", Side.LEFT)):
        shop.enrol(who, side)
    shop.gallery.remove("alex")
    assert shop.search("alex") == shop.search("alex", Side.RIGHT) == []
    assert shop.found("sam") == ["sam"]
    assert len(shop.gallery) == 1


def test_removing_somebody_unknown_changes_nothing(shop: Shop):
    shop.enrol("alex")
    shop.gallery.remove("nobody")
    assert len(shop.gallery) == 1


def test_a_claim_is_compared_with_the_palms_of_that_person_only(shop: Shop):
    shop.enrol("alex")
    shop.enrol("sam")
    match = shop.verify("alex", "alex")
    assert match
    assert match.rarity == IDENTICAL
    assert shop.verify("alex", "sam") is None


def test_a_claim_to_be_nobody_is_compared_as_often_as_one_to_be_somebody(shop: Shop):
    shop.enrol("alex")
    compared: list[int] = []
    for person_id in ("alex", None, "nobody"):
        shop.compared = 0
        shop.verify("alex", person_id)
        compared.append(shop.compared)
    assert compared == [2, 2, 2], "once in each template version"


def test_a_match_of_which_the_signs_disagree_is_left_out_if_there_is_another(shop: Shop):
    shop.enrol("alex")
    shop.enrol("sam")
    (alex,), (sam,) = shop.search("alex"), shop.search("sam")
    probes = shop.shown("alex")

    async def confirm(
        version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[Confirmation | None]:
        own = shop.rows["alex left"].sealed
        return [Confirmation.DISAGREES if e == own else Confirmation.LACKS for e in references]

    shop.confirm = confirm
    confirmed = asyncio.run(shop.gallery.confirm(probes, [alex, sam], NEAR))
    assert confirmed == [replace(sam, incomplete=True)]
    with pytest.raises(SignsDisagree):
        asyncio.run(shop.gallery.confirm(probes, [alex], NEAR))
    weak = replace(alex, rarity=NEAR - 1)
    assert asyncio.run(shop.gallery.confirm(probes, [weak], NEAR)) == []


def test_a_person_who_leaves_during_a_search_is_not_found(shop: Shop):
    shop.enrol("alex")
    compare = shop.compare

    async def leave_meanwhile(
        version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        shop.gallery.remove("alex")
        return await compare(version, probe, references)

    shop.compare = leave_meanwhile
    assert shop.search("alex") == []


def test_a_template_that_does_not_open_is_logged_and_hinders_nobody_else(
    shop: Shop, caplog: pytest.LogCaptureFixture
):
    shop.enrol("alex")
    shop.enrol("sam")
    broken = shop.rows["sam left"]
    shop.rows["sam left"] = ProtectedTemplate(VERSION, broken.transform, broken.search_code, b"?")
    assert shop.found("alex") == ["alex"]
    assert shop.found("sam") == []
    assert "restore its keys" in caplog.text


# Versions


def test_people_enrolled_in_different_versions_are_found_by_one_presentation(shop: Shop):
    shop.enrol("alex", version=OLD)
    shop.enrol("sam")
    assert shop.gallery.versions == {OLD, VERSION}
    (alex,), (sam,) = shop.search("alex"), shop.search("sam")
    assert (alex.person_id, alex.version) == ("alex", OLD)
    assert (sam.person_id, sam.version) == ("sam", VERSION)


def test_a_match_has_the_same_rarity_in_every_version(shop: Shop):
    shop.enrol("alex", version=OLD)
    shop.enrol("sam")
    (alex,), (sam,) = shop.search("alex"), shop.search("sam")
    assert alex.rarity == pytest.approx(sam.rarity)


def test_a_palm_that_is_enrolled_anew_is_not_found_in_the_old_version(shop: Shop):
    shop.enrol("alex", version=OLD)
    shop.enrol("alex")
    assert len(shop.gallery) == 1
    assert shop.gallery.versions == {VERSION}
    (match,) = shop.search("alex")
    assert match.version == VERSION


def test_codes_under_another_secret_are_not_compared(shop: Shop):
    shop.enrol("alex")
    shop.templates.rekey()
    assert shop.search("alex") == []
    assert shop.compared == 0
