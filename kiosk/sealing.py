"""The key of the state folder, under which the kiosk's secrets are encrypted there.

state.tpm            the key, sealed by the TPM to the state in which the machine was started
state.tpm-any-boot   the key, sealed by the TPM in any boot state: after `key before-update`, until
                     the machine was started in another state
state.key            the key itself, where no TPM seals it

A key is never made as long as there are files that another has sealed, and what the TPM has sealed
is removed by `key begin-anew` alone, which moves it.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from hardware.faults import DeviceFault
from hardware.tpm import OtherBootState, Tpm, tpm_at
from kiosk.faults import CannotStart, FileUnusable
from protocol.files import alone, read_if_there, remove_durably, rename_durably, write_private
from protocol.program import KIOSK
from protocol.sealed import KEY_BYTES, SealedPath
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

SEALED = (
    "identity.json",
    "staff.json",
    "orders.json",
    "door-reader.json",
    "till-keys.toml",
    "passwords.json",
    "purchases/*.json",
    "purchases/*/*.json",
    "passages/*.json",
    "venue/device.json",
    "venue/peers.key",
)
"""What is sealed under the key. It also encrypts that of the door for tills
(`kiosk.till.nexo.certificate`), and the rows of the journals of the door and of the gate
(`kiosk.sealed_rows`)."""
_ALSO = ("till-certificate.pem", "till.db", "till.db-wal", "till.db-shm")
"""What else stands in the folder itself and opens with the key alone."""
ANEW = f"Or begin anew with `{KIOSK} key begin-anew` (docs/operating.md)."


class KeyUnavailable(CannotStart):
    """The key cannot be had now. Nothing is lost: everything is left as it is."""


class Protection(StrEnum):
    """What keeps the key from whoever has the disk."""

    BOOT_STATE = "boot_state"
    """The TPM, which gives it to a machine that was started as before."""
    TPM = "tpm"
    """The TPM, however the machine was started."""
    PERMISSIONS = "permissions"
    """Nothing: the permissions of a file count while the system runs."""


@dataclass(frozen=True)
class SealedState:
    """The state folder with its key."""

    files: SealedPath
    protection: Protection
    by: str = ""
    """The name of the TPM."""


def open_state(folder: Path, tpm: str | None) -> SealedState:
    """Returns the state folder with its key, which is made at the first start. Waits for the TPM
    that the address `tpm` names (`hardware.tpm.tpm_at`), for a second or two.

    Raises KeyUnavailable, FileUnusable when a file of the key cannot be read or written, and
    CannotStart for a wrong address.
    """
    try:
        with alone(folder):
            return _Key(folder, tpm).open()
    except OSError as error:
        raise FileUnusable(folder, *cause_and_remedy(error)) from None


def take_over(state: SealedState) -> None:
    """Seals what an older version has left in plain files, or somebody has written by hand. Nobody
    else may use the folder meanwhile. What cannot be sealed now is read as it is."""
    for file in _files(state.files):
        try:
            file.path.with_name(file.path.name + ".partial").unlink(missing_ok=True)
            content = read_if_there(file.path)
            # Nothing but zeros is what a power cut leaves of a file.
            if content and content.strip(b"\0") and not file.is_sealed():
                file.write(content)
                log.info("%s was plain, and is sealed now", file.path)
        except OSError as error:
            log.error("a file stays plain: %s %s", *cause_and_remedy(error))


def let_boot_state_change(folder: Path, tpm: str | None) -> bool:
    """Has the TPM give the key also after the next change of the boot state, which it is sealed to
    then. Returns False where no TPM seals the key. Raises KeyUnavailable and FileUnusable."""
    try:
        with alone(folder):
            return _Key(folder, tpm).let_boot_state_change()
    except OSError as error:
        raise FileUnusable(folder, *cause_and_remedy(error)) from None


def begin_anew(folder: Path) -> Path:
    """Moves the key and all that it has sealed into a folder and returns that. The next start makes
    a new key. Nobody may use the folder meanwhile. Raises FileUnusable."""
    aside = folder / "set-aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    names = dict.fromkeys(pattern.partition("/")[0] for pattern in SEALED)
    try:
        aside.mkdir(parents=True, mode=0o700)
        # The key last: killed before that, the command is given once more.
        for name in (*names, *_ALSO, _ANY_BOOT, _SEALED, _PLAIN):
            if os.path.lexists(folder / name):
                rename_durably(folder / name, aside / name)
    except OSError as error:
        raise FileUnusable(folder, *cause_and_remedy(error)) from None
    return aside


_SEALED, _ANY_BOOT, _PLAIN = "state.tpm", "state.tpm-any-boot", "state.key"


class _Key:
    """The files of the key. The methods raise KeyUnavailable and OSError."""

    def __init__(self, folder: Path, tpm: str | None) -> None:
        """Raises CannotStart for a wrong address."""
        self._folder = folder
        try:
            self._tpm = tpm_at(tpm)
        except DeviceFault as wrong:
            raise CannotStart(wrong.cause, wrong.remedy) from None
        self._sealed, self._any_boot = folder / _SEALED, folder / _ANY_BOOT
        self._plain = folder / _PLAIN

    def open(self) -> SealedState:
        sealed = read_if_there(self._sealed)
        any_boot = read_if_there(self._any_boot)
        if sealed is None and any_boot is None:
            return self._protect(self._read() or self._made())
        tpm = self._needed()
        try:
            key, bound = _given(tpm, sealed, any_boot)
        except DeviceFault as fault:
            raise _unavailable(fault) from None
        if not bound:
            return self._protect(key)
        # A start that was killed may have left it.
        remove_durably(self._plain)
        protection = Protection.BOOT_STATE if any_boot is None else Protection.TPM
        return SealedState(SealedPath(self._folder, key), protection, tpm.name)

    def let_boot_state_change(self) -> bool:
        opened = self.open()
        if opened.protection is Protection.PERMISSIONS:
            return False
        try:
            sealed = self._needed().seal(opened.files.key, any_boot_state=True)
            write_private(self._any_boot, sealed)
        except DeviceFault as fault:
            raise _unavailable(fault) from None
        return True

    def _protect(self, key: bytes) -> SealedState:
        """Has the TPM seal the key as the settings say now, or else keeps it in a file."""
        files = SealedPath(self._folder, key)
        try:
            if self._tpm is not None:
                sealed = self._tpm.seal(key)
                if self._tpm.unseal(sealed) == key:
                    write_private(self._sealed, sealed)
                    remove_durably(self._any_boot)
                    remove_durably(self._plain)
                    return SealedState(files, Protection.BOOT_STATE, self._tpm.name)
        except DeviceFault as fault:
            log.error("the kiosk's key is not sealed by a TPM: %s", fault)
        if self._any_boot.exists() or self._sealed.exists():
            # The TPM has given it, and will.
            assert self._tpm is not None
            return SealedState(files, Protection.TPM, self._tpm.name)
        if not self._plain.exists():
            write_private(self._plain, key.hex().encode() + b"\n")
        return SealedState(files, Protection.PERMISSIONS)

    def _read(self) -> bytes | None:
        """Returns the key of the plain file, None without one."""
        content = read_if_there(self._plain)
        if content is None:
            return None
        if re.fullmatch(rb"[0-9a-f]{%d}\n?" % (2 * KEY_BYTES), content) is None:
            raise KeyUnavailable(
                f"The kiosk's key in {self._plain} is damaged.", f"Restore it. {ANEW}"
            )
        return bytes.fromhex(content.decode())

    def _made(self) -> bytes:
        for file in _files(SealedPath(self._folder, bytes(KEY_BYTES))):
            with suppress(OSError):
                if file.is_sealed():
                    raise KeyUnavailable(
                        f"{file.path} is sealed, and its key is gone: there is neither "
                        f"{self._sealed} nor {self._plain}.",
                        f"Restore the one that there was. {ANEW}",
                    )
        return os.urandom(KEY_BYTES)

    def _needed(self) -> Tpm:
        if self._tpm is None:
            raise KeyUnavailable(
                f"The kiosk's key in {self._sealed} is sealed by a TPM, and there is none that can "
                "be used.",
                "Switch it on in the firmware, see that tpm2-tools are installed, that the kiosk's "
                f"user may open the device, and that `tpm` in the settings names it. {ANEW}",
            )
        return self._tpm


def _given(tpm: Tpm, sealed: bytes | None, any_boot: bytes | None) -> tuple[bytes, bool]:
    """Returns the key, and whether it is sealed to the boot state as the settings say. One of the
    two is there. Raises DeviceFault."""
    if sealed is not None:
        try:
            return tpm.unseal(sealed), tpm.is_bound(sealed)
        except OtherBootState:
            if any_boot is None:
                raise
    assert any_boot is not None
    return tpm.unseal(any_boot), False


def _unavailable(fault: DeviceFault) -> KeyUnavailable:
    cause = f"The TPM does not give the kiosk's key. {fault.cause}"
    return KeyUnavailable(cause, f"{fault.remedy} {ANEW}".strip())


def _files(root: SealedPath) -> Iterator[SealedPath]:
    """Yields the files of SEALED that stand in the folder."""
    for pattern in SEALED:
        for path in sorted(root.path.glob(pattern)):
            file = root
            for name in path.relative_to(root.path).parts:
                file /= name
            yield file
