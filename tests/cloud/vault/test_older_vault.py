"""A vault that runs by itself may be older than the service."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from cloud.settings import Settings, Vault
from cloud.vault import messages
from cloud.vault.client import VaultClient
from cloud.vault.messages import Confirmation, ExaminedPalm
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from protocol.messages import Purpose, Side

Told = TypeVar("Told")

PALM = ExaminedPalm(
    Side.LEFT,
    (ProtectedProbe(ProtectedTemplate(1, "a1b2", b"code", b"sealed"), b"whole"),),
    Purpose.PAY,
    "visit",
    b"nonce",
)


async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers as a vault does that understands who it is asked to be and what a palm is, as the
    first version has asked, and nothing else."""
    while head := await reader.read(messages.HEAD.size):
        (length,) = messages.HEAD.unpack(head)
        question = messages.unpack_question(await reader.readexactly(length))
        if question == messages.Introduce():
            writer.write(messages.pack(messages.Introduction([], [1], "a1b2")))
        elif isinstance(question, messages.Examine) and not question.quality:
            writer.write(messages.pack(PALM))
        else:
            refusal = messages.CannotExamine(messages.WireRefusal.UNUSABLE, "not a capture")
            writer.write(messages.pack(refusal))
    writer.close()
    await writer.wait_closed()


async def with_older(directory: Path, ask: Callable[[VaultClient], Awaitable[Told]]) -> Told:
    """Returns what an older vault is asked."""
    settings = Settings(vault=Vault(socket=directory / "vault"))
    async with asyncio.TaskGroup() as streams:

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            streams.create_task(older(reader, writer))

        async with (
            await asyncio.start_unix_server(serve, directory / "vault"),
            VaultClient(settings.vault, settings.recognition, directory) as vault,
        ):
            return await ask(vault)


def test_a_vault_that_compares_no_signs_says_nothing_against_a_match(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async def ask(vault: VaultClient) -> list[Confirmation | None]:
        return await vault.confirm(1, b"probe", [b"one", b"two"])

    assert asyncio.run(with_older(tmp_path, ask)) == [Confirmation.AGREES] * 2
    assert "older than the service" in caplog.text


def test_a_vault_that_tells_no_quality_is_not_asked_for_it(tmp_path: Path):
    async def ask(vault: VaultClient) -> ExaminedPalm:
        return await vault.examine(b"envelope", "kiosk", [Purpose.PAY], versions=[])

    assert asyncio.run(with_older(tmp_path, ask)) == PALM
