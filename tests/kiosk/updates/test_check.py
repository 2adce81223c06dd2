"""What a kiosk takes from a repository of updates, and what it refuses: with tuf itself, over HTTP.

Each refusal leaves the kiosk as it was.
"""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)

from kiosk.service.identity import Identity
from kiosk.settings import Settings, Updates
from kiosk.updates.check import Refused, check
from kiosk.updates.versions import TRIES, Versions
from protocol import VERSION
from protocol.rollout import FILE
from tests.support.releases import Mirror, Operator, valid_for, write_program
from tests.support.sealed import state_of

pytestmark = pytest.mark.process


class Updated:
    """A kiosk, its operator, and the mirror between them."""

    def __init__(self, folder: Path, operator: Operator, mirror: Mirror) -> None:
        self.operator, self.mirror = operator, mirror
        self.state = folder / "state"
        self.state.mkdir()
        # It has been started before.
        Identity.load_or_make(state_of(self.state).files / "identity.json")
        self.versions = Versions(self.state)
        self.root = operator.root
        self.packaged = write_program(folder / "packaged", VERSION)

    def check(self) -> str | None:
        """Returns the version that is to be tried afterwards."""
        updates = Updates(url=self.mirror.url, root=Path("not read here"))
        settings = Settings(state=self.state, updates=updates)
        with self.versions.held():
            check(settings, updates, self.versions, self.root, self.packaged)
        return self.versions.trial

    def staged(self) -> list[str]:
        folder = self.versions.folder
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def is_tried(self) -> None:
        """The version that waits serves, and is kept."""
        trial = self.versions.trial
        assert trial is not None
        self.versions.keep(trial)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """An operator who has released 0.2.0. Tests take copies."""
    operator = Operator(tmp_path_factory.mktemp("operator"))
    operator.release("0.2.0")
    return operator


@pytest.fixture
def operator(begun: Operator, tmp_path: Path) -> Operator:
    copy = object.__new__(Operator)
    copy.__dict__ |= begun.__dict__
    copy.folder = Path(shutil.copytree(begun.folder, tmp_path / "operator"))
    copy.repository, copy.keys = copy.folder / "repository", copy.folder / "keys"
    return copy


@pytest.fixture
def kiosk(operator: Operator, tmp_path: Path) -> Iterator[Updated]:
    with Mirror(operator.repository) as mirror:
        yield Updated(tmp_path, operator, mirror)


def test_a_kiosk_that_was_never_started_is_left_alone(kiosk: Updated):
    (kiosk.state / "device-id").unlink()
    assert kiosk.check() is None
    assert kiosk.staged() == []


def test_a_newer_version_is_fetched_and_lies_beside_the_one_that_runs(kiosk: Updated):
    assert kiosk.check() == "0.2.0"
    program = kiosk.versions.program("0.2.0")
    built = kiosk.operator.folder / "built" / "0.2.0"
    assert program.read_bytes() == (built / "palm-kiosk").read_bytes()
    assert program.stat().st_mode & 0o111
    assert kiosk.versions.current is None
    assert kiosk.staged() == ["0.2.0"]
    assert not list(kiosk.versions.work.glob("targets/*"))
    kiosk.is_tried()
    assert kiosk.check() is None


def test_versions_that_nobody_needs_any_more_are_removed(kiosk: Updated):
    kiosk.check()
    kiosk.is_tried()
    kiosk.operator.release("0.3.0")
    kiosk.check()
    assert kiosk.staged() == ["0.2.0", "0.3.0"]
    kiosk.is_tried()
    kiosk.check()
    assert kiosk.staged() == ["0.3.0"]


def test_what_was_offered_is_offered_no_longer_when_the_operator_pauses(kiosk: Updated):
    kiosk.check()
    kiosk.operator.run("pause")
    assert kiosk.check() is None
    kiosk.operator.run("resume")
    assert kiosk.check() == "0.2.0"


def test_a_pin_leads_back_also_to_the_version_of_the_package(kiosk: Updated):
    kiosk.check()
    kiosk.is_tried()
    kiosk.operator.release("0.3.0")
    kiosk.check()
    kiosk.is_tried()
    kiosk.operator.run("pin", "0.2.0")
    assert kiosk.check() == "0.2.0"
    kiosk.operator.release(VERSION)
    kiosk.operator.run("pin", VERSION)
    assert kiosk.check() == VERSION
    kiosk.operator.run("unpin")
    assert kiosk.check() is None


def test_a_pin_to_a_version_before_the_package_leads_back_to_the_package_and_says_so(
    kiosk: Updated, caplog: pytest.LogCaptureFixture
):
    kiosk.check()
    kiosk.is_tried()
    kiosk.operator.release("0.0.9")
    kiosk.operator.run("pin", "0.0.9")
    assert kiosk.check() == VERSION
    assert f"0.0.9 is pinned, and the package is of {VERSION}" in caplog.text


def test_a_version_that_never_served_is_not_taken_again(kiosk: Updated):
    kiosk.check()
    for _ in range(TRIES):
        kiosk.versions.count_try("0.2.0")
    kiosk.versions.withdraw()
    with pytest.raises(Refused, match="did not serve"):
        kiosk.check()
    kiosk.operator.release("0.2.1")
    assert kiosk.check() == "0.2.1"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"self_test": "sys.exit('a library is missing')"}, "a library is missing"),
        ({"self_test": "print('palm-kiosk 0.1.9'); sys.exit()"}, "is another one"),
    ],
)
def test_a_version_whose_self_test_fails_is_never_offered(
    kiosk: Updated, behaviour: dict[str, str], said: str
):
    kiosk.operator.release("0.3.0", **behaviour)
    with pytest.raises(Refused, match=said):
        kiosk.check()
    assert kiosk.versions.trial is None
    assert kiosk.staged() == []


def test_a_version_for_which_there_is_no_room_is_not_begun(
    kiosk: Updated, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kiosk.updates.check.SPARE", 2**60)
    with pytest.raises(Refused, match="make room"):
        kiosk.check()
    assert kiosk.staged() == []


# What an attacker can do who has the mirror, the network, or some of the keys


def test_an_older_repository_is_refused(kiosk: Updated):
    before = kiosk.operator.keep_copy("before")
    kiosk.operator.release("0.3.0")
    kiosk.check()
    kiosk.mirror.shows(before)
    with pytest.raises(BadVersionNumberError):
        kiosk.check()
    assert kiosk.versions.trial == "0.3.0"


def test_a_repository_that_stands_still_is_noticed(kiosk: Updated):
    with valid_for("timestamp", timedelta(seconds=-1)):
        kiosk.operator.run("refresh")
    with pytest.raises(ExpiredMetadataError):
        kiosk.check()
    assert kiosk.staged() == []


def test_an_altered_program_is_refused(kiosk: Updated):
    (packed,) = (kiosk.operator.repository / "targets").glob("*.xz")
    content = bytearray(packed.read_bytes())
    content[-20] ^= 1
    packed.write_bytes(content)
    with pytest.raises(LengthOrHashMismatchError):
        kiosk.check()
    assert kiosk.staged() == []


def test_a_strangers_keys_are_refused(kiosk: Updated, tmp_path: Path):
    stranger = Operator(tmp_path / "stranger")
    stranger.release("0.9.0")
    kiosk.mirror.shows(stranger.repository)
    with pytest.raises(UnsignedMetadataError):
        kiosk.check()
    assert kiosk.staged() == []


def test_files_of_different_times_are_not_mixed(kiosk: Updated):
    before = kiosk.operator.keep_copy("before")
    kiosk.operator.release("0.3.0")
    for role in ("snapshot", "targets"):
        mixed = kiosk.operator.keep_copy(f"mixed-{role}")
        older, newest = before / "metadata" / f"2.{role}.json", f"3.{role}.json"
        shutil.copyfile(older, mixed / "metadata" / newest)
        kiosk.mirror.shows(mixed)
        with pytest.raises(RepositoryError):
            kiosk.check()
        assert kiosk.staged() == []


def test_who_has_the_web_server_and_its_keys_can_only_hold_kiosks_up(
    kiosk: Updated, tmp_path: Path
):
    stranger = Operator(tmp_path / "stranger")
    stranger.release("0.9.0")
    mixed = kiosk.operator.keep_copy("mixed")
    # With the stolen online keys the stranger signs a list of versions of their own.
    for file in (stranger.repository / "targets").iterdir():
        shutil.copyfile(file, mixed / "targets" / file.name)
    shutil.copyfile(
        stranger.repository / "metadata" / "2.targets.json", mixed / "metadata" / "3.targets.json"
    )
    robbed = object.__new__(Operator)
    robbed.__dict__ |= kiosk.operator.__dict__
    robbed.repository = mixed
    assert robbed.run("refresh") == 0
    kiosk.mirror.shows(mixed)
    with pytest.raises(RepositoryError):
        kiosk.check()
    assert kiosk.staged() == []


@pytest.mark.parametrize("lost", ["timestamp.json", FILE, ".tar.xz"])
def test_a_mirror_that_lacks_files_is_said(kiosk: Updated, lost: str):
    for path in kiosk.operator.repository.rglob(f"*{lost}"):
        path.unlink()
    with pytest.raises(DownloadHTTPError):
        kiosk.check()


def test_a_mirror_that_is_gone_is_said(kiosk: Updated):
    kiosk.mirror.url = "http://127.0.0.1:9"
    with pytest.raises(DownloadError):
        kiosk.check()


# Keys that are replaced


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_kiosk_follows_a_key_that_is_replaced(kiosk: Updated, role: str):
    kiosk.check()
    kiosk.operator.run("rotate", role)
    kiosk.operator.release("0.3.0")
    assert kiosk.check() == "0.3.0"


def test_a_new_kiosk_follows_from_the_first_root_to_the_newest(kiosk: Updated):
    for _ in range(3):
        kiosk.operator.run("rotate", "root")
    assert kiosk.root == kiosk.operator.root != kiosk.operator.newest_root()
    assert kiosk.check() == "0.2.0"


def test_what_a_replaced_key_signs_is_refused(kiosk: Updated, tmp_path: Path):
    """A thief of the targets key releases a version, after the operator has replaced the key."""
    thief = object.__new__(Operator)
    thief.__dict__ |= kiosk.operator.__dict__
    thief.folder = tmp_path / "thief"
    thief.repository = kiosk.operator.keep_copy("stolen")
    thief.release("0.9.0")
    kiosk.operator.run("rotate", "targets")
    mixed = kiosk.operator.keep_copy("mixed")
    shutil.copyfile(
        thief.repository / "metadata" / "3.targets.json", mixed / "metadata" / "3.targets.json"
    )
    kiosk.mirror.shows(mixed)
    with pytest.raises(RepositoryError):
        kiosk.check()
    assert kiosk.staged() == []
