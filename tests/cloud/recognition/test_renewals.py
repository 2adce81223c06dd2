"""Codes under another secret, and templates of another version, without anybody enrolling anew."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cbor2
import pytest
from sqlalchemy import select

from cloud.__main__ import main
from cloud.db.database import Database
from cloud.jobs import rekey as rekeying
from cloud.jobs.errands import run_errands
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person
from cloud.recognition.palms import UNPROTECTED, entry
from cloud.recognition.tables import PalmRow
from cloud.settings import BadSettings, Settings, Vault
from cloud.state import State, StateInUse
from cloud.vault.client import VaultClient
from cloud.vault.keys import TEMPLATE_SECRETS
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
from tests.support import plain_palms
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst
from tests.support.served import CURRENT, OLD, PLAIN, Process, Served

BEFORE = Settings(recognition=PLAIN.model_copy(update={"schemes": (OLD,)}))
BOTH = Settings(recognition=PLAIN.model_copy(update={"schemes": (CURRENT, OLD)}))
AFTER = Settings(recognition=PLAIN)


@contextmanager
def open_shop(root: Path, settings: Settings, device: TestDevice | None = None) -> Iterator[Served]:
    """The service over what is in that directory; a device of an earlier life speaks to it."""
    with Served(root, settings) as served:
        if device is not None:
            device.http.close()
            device.http = served.device().http
        yield served


def palms(root: Path) -> list[tuple[str, int, str, bytes]]:
    """Id, version, transform and sealed template of every palm, as they lie there."""
    with closing(sqlite3.connect(root / "palms.db")) as database:
        return database.execute("SELECT id, version, transform, template FROM palms").fetchall()


def codes(root: Path) -> dict[str, bytes]:
    """By palm, opened with its person's key."""

    async def read() -> dict[str, bytes]:
        state = State.open(root)
        store = Database(state.database)
        async with store.session() as session:
            found: dict[str, bytes] = {}
            for row in await session.scalars(select(PalmRow)):
                person = await find_person(session, MasterKey(state.master_key()), row.person_id)
                found[row.id] = entry(person, row).template.search_code
        await store.close()
        return found

    return asyncio.run(read())


def files(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def enrolled_in(served: Served, phone: str) -> list[int]:
    """The versions of somebody's palms."""
    person_id = served.person_id(phone)

    async def read() -> list[int]:
        async with served.context.database.session() as session:
            query = select(PalmRow.version).where(PalmRow.person_id == person_id)
            return list(await session.scalars(query))

    return served.do(read())


# Versions


@dataclass(frozen=True)
class Regulars:
    """People who enrolled before there was a new version, and where."""

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
    """The service with both versions, over people of the old one."""
    root = tmp_path_factory.mktemp("both") / "state"
    shutil.copytree(regulars.root, root)
    with open_shop(root, BOTH, regulars.kiosk) as served:
        yield served


@pytest.fixture
def kiosk(served: Served) -> TestDevice:
    return served.kiosk()


def test_a_palm_met_in_an_old_version_is_enrolled_in_the_new_one_on_that_visit(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    assert kiosk.identify("alex").outcome is Outcome.ACCEPTED
    assert sorted(enrolled_in(served, regulars.phones["alex"])) == [OLD.version, CURRENT.version]
    assert kiosk.identify("alex", side=Side.RIGHT).outcome is Outcome.ACCEPTED
    assert enrolled_in(served, regulars.phones["alex"]) == [CURRENT.version] * 2
    for side in Side:
        assert kiosk.identify("alex", side=side).outcome is Outcome.ACCEPTED


def test_a_palm_is_renewed_only_once_somebody_is_certain_whose_it_is(
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


def test_nobody_enrols_a_second_time_in_a_new_version(kiosk: TestDevice, regulars: Regulars):
    with pytest.raises(Refused) as refused:
        kiosk.sign_up("jo")
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


def test_who_was_renewed_and_leaves_is_gone_in_every_version(
    served: Served, regulars: Regulars, kiosk: TestDevice
):
    size = len(served.context.gallery)
    request = DeletionRequest(identification_id=kiosk.recognised("lee", Purpose.LEAVE))
    kiosk.post("/deletions", request, DeletionReceipt)
    assert len(served.context.gallery) == size - 2
    assert kiosk.identify("lee").outcome is Outcome.ASK_AGAIN
    assert kiosk.identify("lee", side=Side.RIGHT).outcome is Outcome.ASK_AGAIN


def test_once_everybody_was_there_nothing_of_the_old_version_is_left(
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
    shutil.copytree(regulars.root, tmp_path, dirs_exist_ok=True)
    with pytest.raises(BadSettings, match=str(OLD.version)), open_shop(tmp_path, AFTER):
        pass


def test_schemes_that_are_not_the_vaults_are_told(tmp_path: Path):
    mislabelled = CURRENT.model_copy(update={"version": 7})
    settings = Settings(recognition=PLAIN.model_copy(update={"schemes": (mislabelled,)}))
    with pytest.raises(BadSettings, match="agree"), open_shop(tmp_path, settings):
        pass


# Another secret


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TestDevice]:
    root = tmp_path_factory.mktemp("stopped") / "state"
    with Process(root) as process:
        kiosk = process.kiosk()
        for number in range(5):
            kiosk.sign_up(f"person {number}")
        process.end()
    return root, kiosk


@pytest.fixture
def peopled(stopped: tuple[Path, TestDevice], tmp_path: Path) -> tuple[Path, TestDevice]:
    """A service's directory with five people in it, stopped, and a device it knows."""
    root, kiosk = stopped
    shutil.copytree(root, tmp_path / "state")
    return tmp_path / "state", kiosk


def recognises_everybody(root: Path, kiosk: TestDevice) -> bool:
    with open_shop(root, AFTER, kiosk):
        return all(
            kiosk.identify(f"person {number}").outcome is Outcome.ACCEPTED for number in range(5)
        )


def test_everybody_has_a_new_code_and_is_known_as_before(
    peopled: tuple[Path, TestDevice], capfd: pytest.CaptureFixture[str]
):
    root, kiosk = peopled
    old_codes, old_rows = codes(root), palms(root)
    old_secret = (root / "vault" / TEMPLATE_SECRETS).read_bytes()[32:]
    assert main(["--state", str(root), "rekey"]) == 0
    assert "5 palms" in capfd.readouterr().out

    new_codes = codes(root)
    assert all(old_codes[palm_id] != code for palm_id, code in new_codes.items())
    (transform,) = {transform for _, _, transform, _ in palms(root)}
    assert transform != old_rows[0][2]
    everything = files(root)
    assert old_secret not in everything
    for _, _, _, template in old_rows:
        assert template[len(template) // 2 :][:32] not in everything
    assert recognises_everybody(root, kiosk)


def test_no_secret_is_changed_under_a_running_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    root = tmp_path / "state"
    with Process(root) as process:
        kiosk = process.kiosk()
        kiosk.sign_up("alex")
        assert main(["--state", str(root), "rekey"]) == 2
        assert "Stop it first" in capfd.readouterr().err
        assert kiosk.identify("alex").outcome is Outcome.ACCEPTED


def test_two_services_do_not_run_over_one_directory(tmp_path: Path):
    state = State.open(tmp_path)
    with state.held(), pytest.raises(StateInUse), open_shop(tmp_path, AFTER):
        pass
    with open_shop(tmp_path, AFTER):
        pass


class Killed(BaseException):
    """As if the power had failed."""


@pytest.mark.parametrize("resumed_by", ["the command", "the service"])
def test_what_was_begun_and_killed_is_finished_later(
    peopled: tuple[Path, TestDevice], monkeypatch: pytest.MonkeyPatch, resumed_by: str
):
    root, kiosk = peopled
    monkeypatch.setattr(rekeying, "BATCH", 2)
    told: list[tuple[int, int]] = []

    def die(done: int, of: int) -> None:
        told.append((done, of))
        raise Killed

    async def rekey() -> None:
        state = State.open(root)
        async with VaultClient(Vault(), PLAIN, state.vault) as vault:
            store, master = Database(state.database), MasterKey(state.master_key())
            transform = await vault.rekey()
            try:
                await rekeying.renew_search_codes(store, master, vault, transform, die)
            finally:
                await store.close()

    with pytest.raises(Killed):
        asyncio.run(rekey())
    assert told == [(2, 5)]
    assert len({transform for _, _, transform, _ in palms(root)}) == 2
    if resumed_by == "the command":
        assert main(["--state", str(root), "rekey"]) == 0
        assert len({transform for _, _, transform, _ in palms(root)}) == 1
    assert recognises_everybody(root, kiosk)
    assert len({transform for _, _, transform, _ in palms(root)}) == 1


def test_a_vault_that_lost_its_secrets_is_not_taken_for_a_new_one(
    peopled: tuple[Path, TestDevice],
):
    root, _ = peopled
    (root / "vault" / TEMPLATE_SECRETS).unlink()
    process = Process(root)
    with pytest.raises(AssertionError, match=r"templates\.secret"), process:
        pass


def test_whoever_leaves_between_two_secrets_is_gone_under_both(
    peopled: tuple[Path, TestDevice],
):
    root, kiosk = peopled
    before = {palm_id: template for palm_id, _, _, template in palms(root)}
    with open_shop(root, AFTER, kiosk) as served:
        leaving = kiosk.recognised("person 0", Purpose.LEAVE)
        request = DeletionRequest(identification_id=leaving)
        receipt = kiosk.post("/deletions", request, DeletionReceipt)
        served.do(run_errands(served.context))
    assert main(["--state", str(root), "rekey"]) == 0
    assert len(palms(root)) == 4
    everything = files(root)
    assert not any(
        template[len(template) // 2 :][:32] in everything for template in before.values()
    )
    assert main(["--state", str(root), "verify-deletion", receipt.receipt_id]) == 0


# From before


def test_who_was_enrolled_before_templates_were_protected_is_protected_at_the_next_start(
    tmp_path: Path,
):
    with open_shop(tmp_path, AFTER) as served:
        kiosk = served.kiosk()
        kiosk.sign_up("alex")
    examined = plain_palms.PlainExaminer().examine(burst("alex"), ())
    plain = plain_palms.PlainExtractor().extract(examined.palms)

    async def undo() -> None:
        """As version 0001 of the database held it."""
        state = State.open(tmp_path)
        store = Database(state.database)
        async with store.session() as session:
            (row,) = await session.scalars(select(PalmRow))
            known = await find_person(session, MasterKey(state.master_key()), row.person_id)
            raw = cbor2.dumps([plain.version, plain.data, plain.quality])
            row.template = known.key.seal(raw, f"palms.template/{row.id}")
            row.transform = UNPROTECTED
            await session.commit()
        await store.close()

    asyncio.run(undo())
    with open_shop(tmp_path, AFTER, kiosk):
        assert kiosk.identify("alex").outcome is Outcome.ACCEPTED
    ((_, _, transform, _),) = palms(tmp_path)
    assert transform != UNPROTECTED
