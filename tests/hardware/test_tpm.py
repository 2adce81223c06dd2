"""What a TPM gives back, and when it refuses, tried with a software one."""

from collections.abc import Iterator

import pytest

from hardware.faults import BadAddress, PermanentFault
from hardware.tpm import Damaged, OtherBootState, OtherTpm, Tpm, tpm_at
from tests.support.software_tpm import SoftwareTpm, switched_on

pytestmark = pytest.mark.process

SECRET = b"a key of thirty-two bytes, truly"


@pytest.fixture
def machine() -> Iterator[SoftwareTpm]:
    with switched_on() as machine:
        yield machine


def tpm_of(machine: SoftwareTpm, options: str = "") -> Tpm:
    tpm = tpm_at(machine.address + options)
    assert tpm is not None
    return tpm


def test_a_secret_comes_back_in_the_boot_state_in_which_it_was_sealed_alone(
    machine: SoftwareTpm,
) -> None:
    tpm = tpm_of(machine)
    sealed = tpm.seal(SECRET)
    any_boot = tpm.seal(SECRET, any_boot_state=True)
    assert SECRET not in sealed
    assert tpm.unseal(sealed) == SECRET
    machine.change_boot_state()
    # More than a TPM has room for, if what a refusal leaves behind stays there.
    for _ in range(4):
        with pytest.raises(OtherBootState, match="registers 7 differ"):
            tpm.unseal(sealed)
    assert tpm.unseal(any_boot) == SECRET
    machine.restart()
    assert tpm.unseal(sealed) == SECRET


def test_registers_that_are_not_named_may_change(machine: SoftwareTpm) -> None:
    tpm = tpm_of(machine, "?pcrs=14,0")
    sealed = tpm.seal(SECRET)
    assert tpm.is_bound(sealed)
    assert not tpm_of(machine).is_bound(sealed)
    machine.change_boot_state()
    assert tpm.unseal(sealed) == SECRET


def test_a_tpm_that_was_cleared_is_another_one(machine: SoftwareTpm) -> None:
    tpm = tpm_of(machine)
    sealed = tpm.seal(SECRET)
    machine.clear()
    with pytest.raises(OtherTpm, match="was cleared"):
        tpm.unseal(sealed)


def test_a_tpm_that_is_gone_is_told(machine: SoftwareTpm) -> None:
    tpm = tpm_of(machine)
    sealed = tpm.seal(SECRET)
    machine.end()
    with pytest.raises(PermanentFault, match="cannot be used"):
        tpm.unseal(sealed)


@pytest.mark.parametrize("damaged", [b"", b"null", b"[]", b'{"pcrs": "7"}', b"\0" * 40])
def test_what_is_damaged_is_told_before_the_tpm_is_asked(damaged: bytes) -> None:
    tpm = tpm_at("device:/dev/nowhere")
    assert tpm is not None
    with pytest.raises(Damaged, match="damaged"):
        tpm.unseal(damaged)


def test_programs_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tpm = tpm_at("device:/dev/tpmrm0")
    assert tpm is not None
    with pytest.raises(PermanentFault, match="tpm2-tools"):
        tpm.seal(SECRET)


def test_none_is_none() -> None:
    assert tpm_at("none:") is None


@pytest.mark.parametrize(
    "address",
    ["tpm", "cereal:x", "device:", "device:/dev/tpmrm0?pcrs=", "device:/dev/tpmrm0?pcrs=7,24"],
)
def test_a_wrong_address_is_told(address: str) -> None:
    with pytest.raises(BadAddress):
        tpm_at(address)
