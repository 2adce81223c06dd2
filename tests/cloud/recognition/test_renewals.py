"""Palms that are enrolled in an old template version are enrolled anew on a visit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud.recognition.tables import PalmRow
from cloud.settings import BadSettings, Settings
from protocol.messages import (
    Claim,
    ClaimOpened,
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    ProblemType,
    Proof,
    Purpose,
    Side,
)
from tests.support import databases
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst
from tests.support.served import CURRENT, OLD, PLAIN, Served
from tests.support.stored import AFTER, BEFORE, BOTH, files, open_shop, palms


def enrolled_in(served: Served, phone: str) -> list[int]:
    """Returns the template versions of the palms of an account."""
    person_id = served.person_id(phone)

    async def read() -> list[int]:
        async with served.context.database.session() as session:
            query = select(PalmRow.version).where(PalmRow.person_id == person_id)
            return list(await session.scalars(query))

    return served.do(read())


@dataclass(frozen=True)
class Regulars:
    """The state directory of a service whose palms are all of the old version."""

    root: Path
    kiosk: TestDevice
    phones: dict[str, str]


@pytest.fixture(scope="module")
def regulars(tmp_path_factory: pytest.TempPathFactory) -> Regulars:
    root = tmp_path_factory.mktemp("regulars") / "state"
    phones = {who: fresh_phone() for who in ("alex", "sam", "kim", "jo", "lee", "max")}
    with open_shop(root, BEFORE) as served:
        kiosk = served.kiosk()
        for who, phone in phones.items():
            kiosk.sign_up(who, phone=phone, sides=(Side.LEFT, Side.RIGHT))
    return Regulars(root, kiosk, phones)


@pytest.fixture(scope="module")
def served(regulars: Regulars, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with both versions, whose palms were enrolled in the old one."""
    root = tmp_path_factory.mktemp("both") / "state"
    databases.copy(regulars.root, root)
    with open_shop(root, BOTH, regulars.kiosk) as served:
        yield served


@pytest.fixture
def kiosk(served: Served) -> TestDevice:
    return served.kiosk()


def test_a_palm_recognised_in_an_old_version_is_enrolled_in_the_new_one_on_that_visit(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    assert kiosk.identify("alex").outcome is Outcome.ACCEPTED
    assert sorted(enrolled_in(served, regulars.phones["alex"])) == [OLD.version, CURRENT.version]
    assert kiosk.identify("alex", side=Side.RIGHT).outcome is Outcome.ACCEPTED
    assert enrolled_in(served, regulars.phones["alex"]) == [CURRENT.version] * 2
    for side in Side:
        assert kiosk.identify("alex", side=side).outcome is Outcome.ACCEPTED


def test_a_palm_is_renewed_only_when_its_person_is_accepted(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    assert kiosk.identify("sam", likeness=0.35).outcome is Outcome.STEP_UP
    assert kiosk.identify("nobody").outcome is Outcome.ASK_AGAIN
    assert enrolled_in(served, regulars.phones["sam"]) == [OLD.version] * 2


def test_a_claim_proven_by_palm_renews_it_too(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    phone = regulars.phones["kim"]
    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.LEAVE)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    envelope = kiosk.seal(burst("kim"), Purpose.LEAVE, opened.claim_id)
    proven = kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)
    assert proven.outcome is Outcome.ACCEPTED
    assert sorted(enrolled_in(served, phone)) == [OLD.version, CURRENT.version]


def test_a_palm_of_an_old_version_cannot_be_enrolled_in_another_account(
    kiosk: TestDevice, regulars: Regulars
):
    with pytest.raises(Refused) as refused:
        kiosk.sign_up("jo")
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


def test_a_renewed_person_who_leaves_is_removed_in_every_version(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    size = len(served.context.gallery)
    request = DeletionRequest(identification_id=kiosk.recognised("lee", Purpose.LEAVE))
    kiosk.post("/deletions", request, DeletionReceipt)
    assert len(served.context.gallery) == size - 2
    assert kiosk.identify("lee").outcome is Outcome.ASK_AGAIN
    assert kiosk.identify("lee", side=Side.RIGHT).outcome is Outcome.ASK_AGAIN


def test_when_everybody_was_renewed_nothing_of_the_old_version_is_left(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    before = palms(regulars.root)
    for who in regulars.phones:
        for side in Side:
            kiosk.identify(who, side=side)
    assert served.context.gallery.versions == {CURRENT.version}
    served.do(served.context.database.forget_erased())
    everything = files(served.state.root)
    for _, _, _, template in before:
        assert template[len(template) // 2 :][:32] not in everything


def test_an_old_version_is_not_dropped_while_somebody_is_enrolled_in_it(
    regulars: Regulars, tmp_path: Path
):
    databases.copy(regulars.root, tmp_path)
    with pytest.raises(BadSettings, match=str(OLD.version)), open_shop(tmp_path, AFTER):
        pass


def test_schemes_that_differ_from_the_vaults_are_reported(tmp_path: Path):
    mislabelled = CURRENT.model_copy(update={"version": 7})
    settings = Settings(recognition=PLAIN.model_copy(update={"schemes": (mislabelled,)}))
    with pytest.raises(BadSettings, match="agree"), open_shop(tmp_path, settings):
        pass
