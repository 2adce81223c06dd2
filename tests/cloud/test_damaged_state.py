"""Every file of the state directory that is damaged is told by its name with a remedy, and left."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.__main__ import main
from cloud.providers import sandbox
from cloud.state import State, StateDamaged
from cloud.vault import keys
from cloud.web import certificates
from protocol.storage import cause_and_remedy
from tests.support.damage import Damage, empty, truncate, zero
from tests.support.served import plain_settings
from tests.support.warm import warm_starts

pytestmark = pytest.mark.process

FIRST = {
    "settings.toml",
    "in-use",
    "ca.pem",
    "keys/ca.key",
    "keys/server.pem",
    "keys/server.key",
    "keys/master.key",
    "keys/receipt.key",
    "palms.db",
}
"""The files that the service reads before it starts the vault."""
KEYS_OF_THE_VAULT = {"vault/templates.secret", "vault/signing.secret", "vault/0-*.key"}
"""The files that the vault reads."""
OTHERS = ("vault/templates.secret", "vault/0-*.key", "sandbox/localstripe.pickle")
"""The files that processes read which the service starts."""


def put_something_else(path: Path) -> None:
    path.write_bytes(b'["another", "kind", 5]\n')


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def forbid(path: Path) -> None:
    path.chmod(0)


DAMAGES = (empty, zero, truncate, put_something_else, put_a_folder, put_a_loop, forbid)
REMEDY = "[Rr]estore|[Rr]emove|[Mm]ove|[Cc]orrect|Check"
HARMLESS = {
    # Its content is of no meaning: only the lock on it counts.
    *(("in-use", damage) for damage in (empty, zero, truncate, put_something_else)),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with all its files, as it is after the service has run."""
    root = tmp_path_factory.mktemp("made")
    assert main(["--state", str(root), "staff", "activation-code"]) == 0
    state = State.open(root)
    certificates.ensure(state)
    keys.template_secrets(state.vault)
    keys.load_or_make(state.vault)
    keys.signing_key(state.vault)
    (root / "settings.toml").write_text(plain_settings('liveness = "required"'))
    (state.sandbox / "localstripe.pickle").write_bytes(b"\x80\x04}\x94.")
    return root


def cases(names: set[str]) -> list[Any]:
    return [
        pytest.param(name, damage, id=f"{name} {damage.__name__}")
        for name in sorted(names)
        for damage in DAMAGES
        if (name, damage) not in HARMLESS
    ]


def find(root: Path, name: str) -> Path:
    (path,) = root.glob(name.replace("0-", "*-"))
    return path


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)
    }


@pytest.fixture(autouse=True)
def no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends a service that starts although it should not."""

    async def started(*_: object) -> None:
        raise AssertionError("the service has started")

    monkeypatch.setattr("cloud.__main__._announce", started)
    monkeypatch.setattr(sandbox, "PAUSE_S", 0.01)


def check(
    made: Path, root: Path, name: str, damage: Damage, capfd: pytest.CaptureFixture[str]
) -> None:
    if damage is forbid and os.geteuid() == 0:
        pytest.skip("the superuser may read every file")
    shutil.copytree(made, root)
    path = find(root, name)
    damage(path)
    before = snapshot(root)
    status = main(["--state", str(root), "--sandbox", "--port", "0"])
    said = capfd.readouterr()
    assert status == 2
    assert path.name in said.err
    assert re.search(REMEDY, said.err)
    assert "Traceback" not in said.err
    assert said.out == ""
    after = snapshot(root)
    assert {name: after.get(name) for name in before} == before


@pytest.mark.parametrize(("name", "damage"), cases(FIRST))
def test_a_damaged_file_is_told_by_name_with_a_remedy_and_left(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, damage: Damage
):
    if (name, damage) == ("settings.toml", truncate):
        pytest.skip("half a settings file may be a whole one")
    check(made, tmp_path / "state", name, damage, capfd)


@pytest.mark.parametrize(("name", "damage"), cases(KEYS_OF_THE_VAULT))
def test_the_vault_tells_of_a_damaged_key_by_name_with_a_remedy_and_leaves_it(
    made: Path, tmp_path: Path, name: str, damage: Damage
):
    if damage is forbid and os.geteuid() == 0:
        pytest.skip("the superuser may read every file")
    shutil.copytree(made, tmp_path / "state")
    path = find(tmp_path / "state", name)
    damage(path)
    before = snapshot(tmp_path)
    readers = {"templates.secret": keys.template_secrets, "signing.secret": keys.signing_key}
    read = readers.get(path.name, keys.load_or_make)
    with pytest.raises((StateDamaged, OSError)) as raised:
        read(path.parent)
    error = raised.value
    told = " ".join(cause_and_remedy(error)) if isinstance(error, OSError) else str(error)
    assert path.name in told
    assert re.search(REMEDY, told)
    assert snapshot(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", [zero, put_a_folder])
@pytest.mark.parametrize("name", OTHERS)
def test_a_damaged_file_of_a_child_process_is_told_by_name_with_a_remedy_and_left(
    made: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    damage: Damage,
):
    with warm_starts():
        check(made, tmp_path / "state", name, damage, capfd)


@pytest.mark.parametrize("folder", ["keys", "sandbox"])
def test_a_file_in_place_of_a_folder_is_told(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], folder: str
):
    root = tmp_path / "state"
    shutil.copytree(made, root)
    shutil.rmtree(root / folder)
    (root / folder).write_text("no folder")
    assert main(["--state", str(root), "--sandbox", "--port", "0"]) == 2
    said = capfd.readouterr().err
    assert str(root / folder) in said
    assert "Traceback" not in said


def test_the_lock_may_hold_anything(made: Path, tmp_path: Path):
    root = tmp_path / "state"
    shutil.copytree(made, root)
    (root / "in-use").write_bytes(b"\x00rubbish")
    assert main(["--state", str(root), "staff", "activation-code"]) == 0


def test_an_announcement_of_before_may_hold_anything(made: Path, tmp_path: Path):
    root = tmp_path / "state"
    shutil.copytree(made, root)
    (root / "service.json").write_bytes(b"\x00rubbish")
    assert main(["--state", str(root), "staff", "activation-code"]) == 0


# The first start


class Killed(BaseException):
    """Stands for the end of the process."""


STEPS = ("master.key", "receipt.key", "palms.db.partial", "palms.db", "the code")


@pytest.mark.parametrize("step", STEPS)
def test_a_first_start_that_is_killed_at_any_step_is_continued(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    step: str,
):
    def kill_before(target: str, is_it: Callable[..., bool] = lambda *_: True) -> None:
        module, _, name = target.rpartition(".")
        really = getattr(__import__(module, fromlist=[name]), name)

        def killed(*arguments: object, **options: object) -> object:
            if is_it(*arguments):
                raise Killed
            return really(*arguments, **options)

        monkeypatch.setattr(target, killed)

    match step:
        case "master.key":
            kill_before("cloud.keys.stored.write_private")
        case "receipt.key":
            kill_before("cloud.state.write_private")
        case "palms.db.partial":
            kill_before("cloud.db.migration._changing")
        case "palms.db":
            kill_before("cloud.db.migration.rename_durably")
        case _:
            kill_before("cloud.console.acts.make_activation_code")
    words = ["--state", str(tmp_path), "staff", "activation-code"]
    with pytest.raises(Killed):
        main(words)
    monkeypatch.undo()
    kept = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert main(words) == 0
    assert re.fullmatch(r"[0-9]{8}\n", capfd.readouterr().out)
    assert kept.items() <= {p.name: p.read_bytes() for p in (tmp_path / "keys").iterdir()}.items()
    assert {p.name for p in tmp_path.glob("palms.db*")} == {"palms.db"}


def test_a_directory_that_lacks_only_the_receipt_key_gets_one_while_no_receipt_was_signed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    # As version 0.1.0 left it after `staff activation-code` on a fresh directory.
    words = ["--state", str(tmp_path), "staff", "activation-code"]
    assert main(words) == 0
    receipt_key = tmp_path / "keys" / "receipt.key"
    receipt_key.unlink()
    assert main(words) == 0
    assert receipt_key.exists()
    receipt_key.unlink()
    database = sqlite3.connect(tmp_path / "palms.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(receipts)")]
    places = ", ".join("?" for _ in columns)
    database.execute(f"INSERT INTO receipts VALUES ({places})", ["{}"] * len(columns))
    database.commit()
    database.close()
    assert main(words) == 2
    assert "receipt.key is missing" in capfd.readouterr().err


def test_verifying_in_a_wrong_directory_makes_no_database(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    assert main(["--state", str(tmp_path), "verify-deletion", "receipt-1"]) == 2
    assert "palms.db is missing" in capfd.readouterr().err
    assert not (tmp_path / "palms.db").exists()
