"""Capture keys are renewed with an overlap: what was sealed to the key before opens for a while,
and never after; and what kiosks are told of them is signed and numbered."""

import asyncio
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.settings import Vault
from cloud.vault import keys as key_files
from cloud.vault.client import CaptureRefused, VaultClient
from cloud.vault.key_sets import OVERLAP, SET_LIFE, CaptureKeys
from protocol import documents
from protocol.envelope import Context, open_envelope, seal
from protocol.files import remove_durably
from protocol.messages import Purpose, VaultKey, VaultKeySet
from tests.support.plain_palms import burst
from tests.support.served import PLAIN
from tests.support.warm import warm_starts

HOUR = 3600 * 10**9


class Turned:
    """A clock of nanoseconds that is set."""

    def __init__(self) -> None:
        self.ns = 1_800_000_000 * 10**9

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def keys(tmp_path: Path, clock: Turned) -> CaptureKeys:
    made = CaptureKeys(tmp_path, None, clock)
    # The first key has the time of this machine, and the next is made at least a millisecond later.
    clock.ns = time.time_ns() + 10**9
    return made


def context() -> Context:
    return Context("device-1234", "visit-1234", Purpose.IDENTIFY, time.time_ns() // 1_000_000)


def opens(keys: CaptureKeys, envelope: bytes) -> bool:
    try:
        return open_envelope(envelope, keys.openable())[1] == b"palm"
    except Exception:
        return False


def test_what_kiosks_are_told_is_signed_and_counts_for_a_day(keys: CaptureKeys, clock: Turned):
    told = keys.tell()
    documents.verify(documents.document_of(told))
    assert told.expires_at - told.made_at == SET_LIFE
    assert [key.key_id for key in told.keys] == [key.key_id for key in keys.public]
    assert told.keys[0].expires_at is None


def test_a_vault_that_is_started_again_signs_with_the_same_key(tmp_path: Path, keys: CaptureKeys):
    again = CaptureKeys(tmp_path, None).tell()
    assert (again.public_key, again.revision) == (keys.tell().public_key, keys.tell().revision)


def test_the_key_before_opens_what_was_sealed_to_it_for_the_overlap_and_never_after(
    tmp_path: Path, keys: CaptureKeys, clock: Turned
):
    (before,) = keys.public
    envelope = seal(b"palm", before, context())
    keys.renew()
    told = keys.tell()
    assert told.keys[1].key_id == before.key_id
    assert told.keys[1].expires_at is not None
    clock.ns += int(SET_LIFE.total_seconds()) * 10**9
    assert opens(keys, envelope), "a kiosk may have been told of this key until now"
    clock.ns += 2 * HOUR
    assert not opens(keys, envelope)
    assert before not in keys.public
    assert not list(tmp_path.glob(f"*-{before.key_id}.key"))
    clock.ns -= 30 * HOUR
    assert not opens(CaptureKeys(tmp_path, None, clock), envelope), "it is gone for good"


def test_the_overlap_is_longer_than_what_a_kiosk_is_told_counts():
    assert SET_LIFE + timedelta(minutes=3) < OVERLAP


def test_numbers_rise_with_every_key_also_when_the_clock_was_set_back(
    keys: CaptureKeys, clock: Turned
):
    numbers = [keys.tell().revision]
    for step in (HOUR, -50 * HOUR, 0):
        clock.ns += step
        keys.renew()
        numbers.append(keys.tell().revision)
    assert numbers == sorted(set(numbers))


def test_a_key_that_another_vault_has_made_is_found(tmp_path: Path, keys: CaptureKeys):
    other = CaptureKeys(tmp_path, None)
    other.renew()
    envelope = seal(b"palm", other.public[0], context())
    assert opens(keys, envelope)


def test_a_key_whose_time_is_over_opens_nothing_in_a_vault_that_did_not_renew_it(
    tmp_path: Path, keys: CaptureKeys, clock: Turned
):
    envelope = seal(b"palm", keys.public[0], context())
    CaptureKeys(tmp_path, None, clock).renew()
    clock.ns += int(OVERLAP.total_seconds()) * 10**9
    assert not opens(keys, envelope)


CHILD = "import sys, tests.cloud.vault.test_key_sets as test; test.outlive_a_key(sys.argv[1])"


def outlive_a_key(mount: str) -> None:
    """Runs in a process of its own, whose `mount` is a file system. Asserts what a key opens whose
    time is over while nothing can be removed there."""
    clock = Turned()
    keys = CaptureKeys(Path(mount), None, clock)
    clock.ns = time.time_ns() + 10**9
    old = seal(b"palm", keys.public[0], context())
    keys.renew()
    subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
    clock.ns += int(OVERLAP.total_seconds()) * 10**9
    for _ in range(2):
        assert opens(keys, seal(b"palm", keys.public[0], context()))
        assert not opens(keys, old)
        assert len(keys.tell().keys) == 1
    subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
    assert not opens(keys, old)
    assert len(key_files.private_keys(Path(mount))) == 1


@pytest.mark.process
def test_a_key_whose_time_is_over_keeps_no_palm_waiting_on_a_disk_that_keeps_it(tmp_path: Path):
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a file system of its own")
    mount = f"mount -t tmpfs tmpfs {tmp_path} && exec {sys.executable} -c '{CHILD}'"
    done = subprocess.run(
        [*namespace, "sh", "-c", f"{mount} {tmp_path}"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("an expired capture key is not destroyed yet") == 1
    assert "the disk is read-only. Mount it writable." in done.stderr


@pytest.mark.process
def test_a_key_is_renewed_while_captures_are_on_their_way(tmp_path: Path):
    async def run() -> None:
        async with VaultClient(Vault(), PLAIN, tmp_path) as vault:
            shown = await vault.key_set()
            assert shown is not None
            before = shown.keys[0]

            def sealed(key: VaultKey) -> bytes:
                return seal(burst("alex").encode(), key, context())

            async def examine(envelope: bytes) -> None:
                palm = await vault.examine(envelope, "device-1234", [Purpose.IDENTIFY], versions=[])
                assert palm.visit_id == "visit-1234"

            on_its_way = [sealed(before) for _ in range(3)]
            _, renewed, *_ = await asyncio.gather(
                examine(on_its_way[0]), vault.renew_key(), *map(examine, on_its_way[1:])
            )
            assert isinstance(renewed, VaultKeySet)
            assert renewed.revision > shown.revision
            assert vault.capture_keys[0].key_id == renewed.keys[0].key_id
            await examine(sealed(renewed.keys[0]))
            await examine(sealed(before))
            (path,) = key_files.private_keys(tmp_path)[1:]
            remove_durably(path)
            await vault.renew_key()
            with pytest.raises(CaptureRefused):
                await examine(sealed(before))

    with warm_starts():
        asyncio.run(run())
