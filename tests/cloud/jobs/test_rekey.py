"""Re-keying: all palms get new search codes, and nobody enrols again."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest
from sqlalchemy import select

from cloud.__main__ import main
from cloud.db.database import open_database
from cloud.jobs import rekey as rekeying
from cloud.jobs.errands import run_errands
from cloud.keys.masters import open_master
from cloud.keys.persons import find_person
from cloud.recognition.palms import UNPROTECTED
from cloud.recognition.tables import PalmRow
from cloud.settings import Vault
from cloud.state import State, StateDamaged, StateInUse
from cloud.vault.client import VaultClient
from cloud.vault.keys import TEMPLATE_SECRETS
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Outcome,
    Purpose,
)
from tests.support import databases, plain_palms
from tests.support.device import TestDevice
from tests.support.plain_palms import burst
from tests.support.served import PLAIN, Process
from tests.support.stored import AFTER, codes, files, open_shop, palms
from tests.support.warm import warm_starts


@pytest.fixture(autouse=True)
def warm() -> Iterator[None]:
    """Has the commands start their vaults warm."""
    with warm_starts():
        yield


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
    """The state directory of a stopped service with five accounts, and its device."""
    root, kiosk = stopped
    databases.copy(root, tmp_path / "state")
    return tmp_path / "state", kiosk


def command(root: Path, *words: str) -> int:
    """Runs a command of the service over a state directory, and returns its exit status."""
    return main(["--state", str(root), *databases.words_for(root), *words])


def recognises_everybody(root: Path, kiosk: TestDevice) -> bool:
    with open_shop(root, AFTER, kiosk):
        return all(
            kiosk.identify(f"person {number}").outcome is Outcome.ACCEPTED for number in range(5)
        )


def test_everybody_has_a_new_search_code_and_is_still_recognised(
    peopled: tuple[Path, TestDevice], capfd: pytest.CaptureFixture[str]
):
    root, kiosk = peopled
    old_codes, old_rows = codes(root), palms(root)
    old_secret = (root / "vault" / TEMPLATE_SECRETS).read_bytes()[32:64]
    assert command(root, "rekey") == 0
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


def test_the_secret_cannot_be_replaced_while_the_service_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    root = tmp_path / "state"
    with Process(root) as process:
        kiosk = process.kiosk()
        kiosk.sign_up("alex")
        assert command(root, "rekey") == 2
        assert "Stop it first" in capfd.readouterr().err
        assert kiosk.identify("alex").outcome is Outcome.ACCEPTED


def test_two_services_do_not_run_over_one_directory(tmp_path: Path):
    state = State.open(tmp_path)
    with state.held(), pytest.raises(StateInUse), open_shop(tmp_path, AFTER):
        pass
    with open_shop(tmp_path, AFTER):
        pass


class Killed(BaseException):
    """Stands for a power cut."""


@pytest.mark.parametrize("resumed_by", ["the command", "the service"])
def test_a_rekeying_that_was_killed_is_finished_later(
    peopled: tuple[Path, TestDevice], monkeypatch: pytest.MonkeyPatch, resumed_by: str
):
    root, kiosk = peopled
    monkeypatch.setattr(rekeying, "BATCH", 2)
    progress: list[tuple[int, int]] = []

    def die(done: int, of: int) -> None:
        progress.append((done, of))
        raise Killed

    async def rekey() -> None:
        state = State.open(root, databases.server_for(root))
        async with VaultClient(Vault(), PLAIN, state.vault) as vault:
            store, master = open_database(state.address), open_master(state)
            transform = await vault.rekey()
            try:
                await rekeying.renew_search_codes(store, master, vault, transform, die)
            finally:
                await store.close()

    with pytest.raises(Killed):
        asyncio.run(rekey())
    assert progress == [(2, 5)]
    assert len({transform for _, _, transform, _ in palms(root)}) == 2
    if resumed_by == "the command":
        assert command(root, "rekey") == 0
        assert len({transform for _, _, transform, _ in palms(root)}) == 1
    assert recognises_everybody(root, kiosk)
    assert len({transform for _, _, transform, _ in palms(root)}) == 1


def test_a_service_does_not_start_with_a_vault_that_lost_its_secrets(
    peopled: tuple[Path, TestDevice],
):
    root, _ = peopled
    (root / "vault" / TEMPLATE_SECRETS).unlink()
    process = Process(root)
    with pytest.raises(AssertionError, match=r"templates\.secret"), process:
        pass


def test_an_older_secret_that_was_put_back_does_not_bring_the_old_codes_back(
    peopled: tuple[Path, TestDevice], capfd: pytest.CaptureFixture[str]
):
    root, kiosk = peopled
    file, old_codes = root / "vault" / TEMPLATE_SECRETS, codes(root)
    old = file.read_bytes()
    assert command(root, "rekey") == 0
    renewed = codes(root)
    file.write_bytes(old)
    with pytest.raises(StateDamaged, match=r"templates\.secret.* run rekey"):
        recognises_everybody(root, kiosk)
    assert codes(root) == renewed
    assert command(root, "rekey") == 0, capfd.readouterr().err
    assert recognises_everybody(root, kiosk)
    newest = codes(root)
    for palm_id, code in newest.items():
        assert code not in (old_codes[palm_id], renewed[palm_id])


def test_a_database_of_before_a_rekeying_gets_the_codes_of_today(
    peopled: tuple[Path, TestDevice], tmp_path: Path
):
    root, kiosk = peopled
    assert command(root, "rekey") == 0
    databases.copy(root, tmp_path / "before")
    assert command(root, "rekey") == 0
    shutil.copy(root / "vault" / TEMPLATE_SECRETS, tmp_path / "before" / "vault")
    assert recognises_everybody(tmp_path / "before", kiosk)


def test_a_person_who_leaves_before_a_rekeying_leaves_no_trace(
    peopled: tuple[Path, TestDevice],
):
    root, kiosk = peopled
    before = {palm_id: template for palm_id, _, _, template in palms(root)}
    with open_shop(root, AFTER, kiosk) as served:
        leaving = kiosk.recognised("person 0", Purpose.LEAVE)
        request = DeletionRequest(identification_id=leaving)
        receipt = kiosk.post("/deletions", request, DeletionReceipt)
        served.do(run_errands(served.context))
    assert command(root, "rekey") == 0
    assert len(palms(root)) == 4
    everything = files(root)
    assert not any(
        template[len(template) // 2 :][:32] in everything for template in before.values()
    )
    assert command(root, "verify-deletion", receipt.receipt_id) == 0


def test_unprotected_templates_are_protected_at_the_next_start(
    tmp_path: Path,
):
    with open_shop(tmp_path, AFTER) as served:
        kiosk = served.kiosk()
        kiosk.sign_up("alex")
    examined = plain_palms.PlainExaminer().examine(burst("alex"), ())
    plain = plain_palms.PlainExtractor().extract(examined.palms)

    async def undo() -> None:
        """Stores the template as version 0001 of the database did."""
        state = State.open(tmp_path, databases.server_for(tmp_path))
        store = open_database(state.address)
        async with store.session() as session:
            (row,) = await session.scalars(select(PalmRow))
            person = await find_person(session, open_master(state), row.person_id)
            raw = cbor2.dumps([plain.version, plain.data, 0.9])
            row.template = person.key.seal(raw, f"palms.template/{row.id}")
            row.transform = UNPROTECTED
            await session.commit()
        await store.close()

    asyncio.run(undo())
    with open_shop(tmp_path, AFTER, kiosk):
        assert kiosk.identify("alex").outcome is Outcome.ACCEPTED
    ((_, _, transform, _),) = palms(tmp_path)
    assert transform != UNPROTECTED


def test_everybody_is_recognised_after_the_master_key_was_replaced(
    peopled: tuple[Path, TestDevice],
):
    root, kiosk = peopled
    assert command(root, "replace-master-key") == 0
    assert recognises_everybody(root, kiosk)
