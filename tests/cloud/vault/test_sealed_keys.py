"""The vault's keys lie sealed once something wraps them, and can be read at every moment."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from cloud.keys import stored
from cloud.settings import Vault
from cloud.state import StateDamaged
from cloud.vault import keys
from cloud.vault.client import VaultClient
from tests.support.served import PLAIN
from tests.support.warm import warm_starts


@pytest.fixture
def kek(tmp_path: Path) -> str:
    path = tmp_path / "kek"
    path.write_bytes(b"k" * 32)
    return f"file:{path}"


def kept(directory: Path) -> tuple[object, object]:
    sealing = keys.sealing_key(directory)
    return keys.load_or_make(directory, sealing), keys.template_secrets(directory, sealing)


def lies_open(directory: Path) -> list[str]:
    """Returns the names of the files that hold a secret as it is."""
    return sorted(
        path.name
        for path in directory.iterdir()
        if path.name != keys.SEALING and not path.read_bytes().startswith(b"sealed with ")
    )


def test_keys_stay_as_they_are_unless_something_is_asked(tmp_path: Path):
    kept(tmp_path)
    assert len(lies_open(tmp_path)) == 2


def test_keys_are_sealed_and_are_the_same_as_before_and_back(tmp_path: Path, kek: str):
    vault = tmp_path / "vault"
    before = kept(vault)
    keys.sealing_key(vault, kek)
    assert lies_open(vault) == []
    assert kept(vault) == before, "without being told how they are wrapped"
    sealing = keys.sealing_key(vault)
    renewed = keys.renew_gallery_secret(vault, sealing)
    assert lies_open(vault) == []
    assert keys.sealing_key(vault, stored.PLAIN) is None
    assert not (vault / keys.SEALING).exists()
    assert keys.template_secrets(vault) == renewed


class Killed(BaseException):
    pass


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("written", range(3))
def test_a_change_that_is_killed_goes_on_at_the_next_start(
    tmp_path: Path, kek: str, back: bool, written: int, monkeypatch: pytest.MonkeyPatch
):
    """One file is written after the other, the one that opens the others first."""
    vault = tmp_path / "vault"
    before = kept(vault)
    first, then = (kek, stored.PLAIN) if back else (stored.PLAIN, kek)
    keys.sealing_key(vault, first)
    real, done = keys.write_private, [0]

    def write(path: Path, content: bytes) -> None:
        if done[0] == written:
            raise Killed
        done[0] += 1
        real(path, content)

    def remove(path: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keys, "write_private", write)
        patch.setattr(stored, "write_private", write)
        patch.setattr(keys, "remove_durably", remove)
        with suppress(Killed):
            keys.sealing_key(vault, then)
    assert kept(vault) == before
    keys.sealing_key(vault, then)
    assert bool(lies_open(vault)) == back
    assert kept(vault) == before


def test_a_file_does_not_open_under_the_name_of_another(tmp_path: Path, kek: str):
    vault = tmp_path / "vault"
    keys.sealing_key(vault, kek)
    kept(vault)
    (path,) = vault.glob("*.key")
    path.write_bytes((vault / keys.TEMPLATE_SECRETS).read_bytes())
    with pytest.raises(StateDamaged, match="is damaged, or not sealed with"):
        kept(vault)


def test_the_key_that_seals_is_not_made_anew_beside_what_it_has_sealed(tmp_path: Path, kek: str):
    vault = tmp_path / "vault"
    keys.sealing_key(vault, kek)
    kept(vault)
    (vault / keys.SEALING).unlink()
    for asked in (None, kek, stored.PLAIN):
        with pytest.raises(StateDamaged, match="is missing, and "):
            keys.sealing_key(vault, asked)


@pytest.mark.process
def test_a_vault_asks_before_it_gives_up_the_network_and_seals_what_it_writes_later(
    tmp_path: Path, kek: str
):
    async def run() -> None:
        starting = VaultClient(Vault(), PLAIN, tmp_path / "vault", wrapped_by=kek)
        async with starting as vault:
            before = vault.introduction.transform
            assert await vault.rekey() != before

    with warm_starts():
        asyncio.run(run())
    assert lies_open(tmp_path / "vault") == []
