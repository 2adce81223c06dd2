"""A vault that runs by itself may be older than the service."""

import asyncio
from pathlib import Path

import pytest

from cloud.settings import Settings, Vault
from cloud.vault import messages
from cloud.vault.client import VaultClient
from cloud.vault.messages import Confirmation


async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers as a vault does that understands who it is asked to be, and nothing else."""
    while head := await reader.read(messages.HEAD.size):
        (length,) = messages.HEAD.unpack(head)
        question = messages.unpack_question(await reader.readexactly(length))
        if isinstance(question, messages.Introduce):
            writer.write(messages.pack(messages.Introduction([], [1], "a1b2")))
        else:
            refusal = messages.CannotExamine(messages.WireRefusal.UNUSABLE, "not a capture")
            writer.write(messages.pack(refusal))
    writer.close()
    await writer.wait_closed()


async def confirmed(directory: Path) -> list[Confirmation | None]:
    """Asks an older vault about two matches."""
    settings = Settings(vault=Vault(socket=directory / "vault"))
    async with asyncio.TaskGroup() as streams:

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            streams.create_task(older(reader, writer))

        async with (
            await asyncio.start_unix_server(serve, directory / "vault"),
            VaultClient(settings.vault, settings.recognition, directory) as vault,
        ):
            return await vault.confirm(1, b"probe", [b"one", b"two"])


def test_a_vault_that_compares_no_signs_says_nothing_against_a_match(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    assert asyncio.run(confirmed(tmp_path)) == [Confirmation.AGREES] * 2
    assert "older than the service" in caplog.text
