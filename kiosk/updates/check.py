"""`palm-kiosk -m kiosk.updates.check [OPTION ...]` fetches the version that this kiosk shall run,
if it has another one, and puts it where the next quiet moment tries it. A timer of systemd starts
it; the kiosk serves meanwhile. Its options are those of the kiosk.

What comes from the repository is believed only as far as The Update Framework verifies it
(https://theupdateframework.github.io/specification/latest/, section 5): against the root keys that
the operator has brought to this machine.
"""

import logging
import lzma
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import TargetFile, Updater

from kiosk.faults import CannotStart
from kiosk.service.identity import id_told_in
from kiosk.settings import Settings, Updates
from kiosk.updates.versions import Versions, environment
from protocol import VERSION
from protocol.files import rename_durably
from protocol.rollout import FILE, Rollout, order, place_of, target_of
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

DEADLINE_S = 3600
"""Seconds after which it gives up: a repository may fall silent in the middle of an answer."""
SELF_TEST_S = 300
"""Seconds that a new version may take to say that it is whole."""
SPARE = 256 * 2**20
"""Bytes that stay free on the disk beside a new version, for what the kiosk writes."""


class Refused(Exception):
    """What the repository offers is not taken. The message says why, and what to do."""


def main(arguments: Sequence[str], deadline_s: float = DEADLINE_S) -> int:
    """Returns 0 when the kiosk has what it shall have, 1 when something is in the way, 2 when the
    settings are."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tuf").setLevel(logging.WARNING)
    end_after(deadline_s)
    try:
        settings = Settings.load(arguments)
        if settings.updates is None:
            log.info("no repository is set: updates come as packages")
            return 0
        bootstrap = root_of(settings.updates)
    except CannotStart as problem:
        log.error("%s %s", problem.cause, problem.remedy)
        return 2
    versions = Versions(settings.state)
    try:
        with versions.held():
            # A download has no name until it is verified, and a /tmp in memory may be too small.
            tempfile.tempdir = str(versions.work)
            check(settings, settings.updates, versions, bootstrap, Path(sys.executable).parent)
    except BlockingIOError:
        log.info("a version is being tried or fetched at this moment")
    except DownloadError as error:
        log.error("%s does not deliver: %s", settings.updates.url, error)
    except ExpiredMetadataError as error:
        log.error(
            "%s is out of date: %s. Either it is an old copy, or nobody has run `release refresh` "
            "(of root and targets: `release renew`); or this machine's clock is wrong.",
            settings.updates.url,
            error,
        )
    except RepositoryError as error:
        log.error("what %s offers is not the operator's: %s", settings.updates.url, error)
    except Refused as refused:
        log.error("%s", refused)
    except OSError as error:
        log.error("%s %s", *cause_and_remedy(error))
    else:
        return 0
    return 1


def end_after(seconds: float) -> None:
    """Ends this process, whatever it waits for. What it has begun is as after a power cut."""

    def end(_number: int, _frame: object) -> None:
        log.error("the repository has fallen silent, or it is too slow: given up until next time")
        os._exit(1)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def root_of(updates: Updates) -> bytes:
    """Returns the operator's root keys. Raises CannotStart."""
    try:
        return updates.root.read_bytes()
    except OSError as error:
        raise CannotStart(*cause_and_remedy(error)) from None


def check(
    settings: Settings, updates: Updates, versions: Versions, bootstrap: bytes, packaged: Path
) -> None:
    """Does what the file is for. `bootstrap` are the operator's root keys, `packaged` is the folder
    of the package's own program. Raises what tuf raises, Refused and OSError."""
    for name in ("metadata", "targets"):
        (versions.work / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    clear(versions)
    updater = Updater(
        str(versions.work / "metadata"),
        f"{updates.url.rstrip('/')}/metadata/",
        str(versions.work / "targets"),
        f"{updates.url.rstrip('/')}/targets/",
        bootstrap=bootstrap,
    )
    updater.refresh()
    rollout = rollout_of(updater)
    device_id = id_told_in(settings.state)
    if device_id is None:
        log.info("the kiosk has not been started yet, and is looked after once it was")
        return
    wanted, place = rollout.wanted(device_id), place_of(device_id)
    current = versions.current
    # After an upgrade of the package, that one runs.
    running = VERSION if current is None else max(current, VERSION, key=order)
    if wanted is None or (order(wanted) < order(VERSION) and rollout.pinned is None):
        wanted = running
    elif order(wanted) < order(VERSION):
        log.warning(
            "version %s is pinned, and the package is of %s, which is as far as a pin leads back: "
            "for %s, install its package",
            wanted,
            VERSION,
            wanted,
        )
        wanted = VERSION
    elif order(wanted) < order(running) and rollout.pinned is None:
        log.info("version %s stays: only a pin leads back to %s", running, wanted)
        wanted = running
    if versions.trial not in (None, wanted):
        versions.withdraw()
    versions.tidy()
    if wanted == running:
        log.info("version %s is right for place %d of 100", running, place)
        return
    if not versions.may_try(wanted):
        raise Refused(f"Version {wanted} did not serve when it was tried: release another one.")
    if wanted == VERSION:
        versions.offer_package(VERSION, packaged)
    elif versions.trial != wanted:
        stage(updater, versions, wanted, rollout.builds[wanted].unpacked, settings)
    log.info("version %s is tried at the next quiet moment; place %d of 100", wanted, place)


def clear(versions: Versions) -> None:
    """Removes what was downloaded, and what a power cut has left. Raises OSError."""
    for pattern in ("metadata/tmp*", "targets/*"):
        for path in versions.work.glob(pattern):
            path.unlink()


def rollout_of(updater: Updater) -> Rollout:
    """Raises Refused when what is signed makes no sense, and what tuf raises."""
    path = updater.download_target(target(updater, FILE))
    try:
        rollout = Rollout.model_validate_json(Path(path).read_bytes())
    except ValidationError:
        raise Refused(f"{FILE} is of a newer kind: install a newer package.") from None
    if rollout.pinned is not None and rollout.pinned not in rollout.builds:
        raise Refused(f"Version {rollout.pinned} is pinned and was never released.")
    return rollout


def target(updater: Updater, name: str) -> TargetFile:
    """Raises Refused and what tuf raises."""
    found = updater.get_targetinfo(name)
    if found is None:
        raise Refused(f"The repository has no {name}.")
    return found


def stage(
    updater: Updater, versions: Versions, version: str, unpacked: int, settings: Settings
) -> None:
    """Puts a version beside the one that runs, whole and tested, and offers it. Raises Refused,
    what tuf raises and OSError; nothing of it is left on the disk then."""
    found = target(updater, target_of(version, platform.machine()))
    need, free = unpacked + 2 * found.length + SPARE, shutil.disk_usage(versions.work).free
    if free < need:
        raise Refused(
            f"Version {version} needs {need >> 20} MB on the disk, and {free >> 20} MB are free: "
            "make room."
        )
    versions.folder.mkdir(exist_ok=True, mode=0o700)
    partial = versions.folder / "partial"
    try:
        unpack(Path(updater.download_target(found)), partial)
        self_test(partial, version, settings)
        # Its files are on the disk before its name is.
        sync(partial)
        rename_durably(partial, versions.folder / version)
    finally:
        clear(versions)
        shutil.rmtree(partial, ignore_errors=True)
    versions.offer(version)


def unpack(packed: Path, folder: Path) -> None:
    """Raises Refused and OSError."""
    try:
        with tarfile.open(packed, "r:xz") as archive:
            # A power cut may have left a part of it.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            # One after the other: links that are there already are followed.
            for member in archive:
                archive.extract(_harmless(member, folder.resolve()), folder)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise Refused(f"{packed.name} is no archive of a program: {error}.") from None


def _harmless(member: tarfile.TarInfo, folder: Path) -> tarfile.TarInfo:
    """Returns a member as it is unpacked into a folder: nothing outside of it, no devices, nobody
    else's and with no special rights, as the data filter of PEP 706 has it, which Python 3.11.2 of
    Debian 12 lacks. Raises TarError."""
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise tarfile.TarError(f"{member.name} is neither a file nor a folder nor a link")
    places = [folder / member.name]
    if member.issym():
        places.append(folder / Path(member.name).parent / member.linkname)
    elif member.islnk():
        places.append(folder / member.linkname)
    if not all(place.resolve().is_relative_to(folder) for place in places):
        raise tarfile.TarError(f"{member.name} leads outside of its folder")
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode = 0o755 if member.isdir() else member.mode & 0o755 | 0o600
    return member


def sync(folder: Path) -> None:
    """Writes all of a folder to the disk. Raises OSError."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def self_test(folder: Path, version: str, settings: Settings) -> None:
    """Raises Refused unless the program in the folder says which one it is, that it is whole, and
    that it takes the settings of this kiosk."""
    command = [folder / "palm-kiosk", "--self-test", "--state", settings.state]
    if settings.settings is not None:
        command += ["--settings", settings.settings]
    remedy = "It is not tried; release another one."
    try:
        ended = subprocess.run(  # noqa: S603 - what the operator has signed
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=SELF_TEST_S,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"The self-test of version {version} does not end. {remedy}") from None
    except OSError as error:
        raise Refused(f"Version {version} cannot be run: {error.strerror}. {remedy}") from None
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or ["no reason given"]
        told = " ".join([line for line in lines if line.startswith("failed: ")] or lines[-1:])
        raise Refused(f"The self-test of version {version} says: {told} {remedy}")
    if ended.stdout.partition("\n")[0] != f"palm-kiosk {version}":
        raise Refused(f"What was released as version {version} is another one. {remedy}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
