"""Several vaults with the same keys: one that dies or hangs costs what it had begun, and a device
that keeps them busy delays nobody else."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cloud.settings import Recognition, Vault
from cloud.vault import messages
from cloud.vault.__main__ import is_served
from cloud.vault.client import CaptureRefused, VaultBroken, VaultClient, asker
from cloud.vault.kept import VaultState
from cloud.vault.messages import Introduction
from cloud.vault.streams import Beat, VaultUnavailable
from palm.template.interfaces import Template
from protocol.capture import Burst
from protocol.envelope import Context, seal
from protocol.messages import Purpose
from tests.support.bad_examiners import told
from tests.support.plain_palms import BYTES, burst
from tests.support.served import CURRENT, PATIENCE_S, PLAIN
from tests.support.warm import warm_starts

DRIVEN = Recognition(examiner="tests.support.bad_examiners:Driven", schemes=(CURRENT,))
VERSION = CURRENT.version


class Beats:
    """Beats that come when the test says so."""

    def __init__(self) -> None:
        self._awaited: list[asyncio.Future[None]] = []

    async def __call__(self) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._awaited.append(mine)
        await mine

    async def come_until(self, holds: Callable[[], bool]) -> None:
        """Lets beats come until this holds."""
        while not holds():
            awaited, self._awaited = self._awaited, []
            for each in awaited:
                if not each.done():
                    each.set_result(None)
            await asyncio.sleep(0)


@asynccontextmanager
async def pool(
    directory: Path, *beats: Beat, recognition: Recognition = PLAIN
) -> AsyncGenerator[VaultClient]:
    """Runs a vault for each of these beats. All of them work."""
    vaults = VaultClient(Vault(count=len(beats)), recognition, directory)
    for kept, beat in zip(vaults._kept, beats, strict=True):  # pyright: ignore[reportPrivateUsage]
        kept._beat = beat  # pyright: ignore[reportPrivateUsage]
    async with asyncio.timeout(PATIENCE_S), vaults:
        await until_all_work(vaults)
        yield vaults


async def never() -> None:
    """A beat of a vault whose answers are waited for however long they take."""
    await asyncio.Event().wait()


async def until_all_work(vaults: VaultClient) -> None:
    await until(lambda: set(vaults.states) == {VaultState.WORKS})


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - of another process there is no event
        await asyncio.sleep(0)


async def stop(pid: int) -> None:
    """Stops a process, and waits until none of its threads runs any more."""
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: threads_of(pid) == {"T"})


def threads_of(pid: int) -> set[str]:
    """Returns the states that the threads of a process are in, proc_pid_stat(5)."""
    told = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {each.rpartition(")")[2].split()[0] for each in told}


def run(check: Callable[[], Awaitable[None]]) -> None:
    async def checked() -> None:
        await check()

    with warm_starts():
        asyncio.run(checked())


async def ask(vaults: VaultClient, device: str) -> bool:
    """Has a device ask one question; returns whether it was answered."""
    asker.set(device)
    try:
        return await vaults.search_codes(VERSION, []) == []
    except VaultUnavailable:
        return False


async def examine(vaults: VaultClient, device: str, shown: Burst) -> None:
    context = Context(device, "visit-1234", Purpose.PAY, time.time_ns() // 1_000_000)
    envelope = seal(shown.encode(), vaults.capture_keys[0], context)
    await vaults.examine(envelope, device, [Purpose.PAY], versions=[])


def test_a_vault_that_dies_is_started_again_while_another_answers(tmp_path: Path):
    async def check() -> None:
        async with pool(tmp_path, never, never) as vaults:
            first, second = vaults.pids
            os.kill(first, signal.SIGKILL)
            await until(lambda: first not in vaults.pids)
            assert vaults.state is VaultState.WORKS
            assert await ask(vaults, "device-1234")
            assert second in vaults.pids
            await until_all_work(vaults)
            assert len(vaults.pids) == 2

    run(check)


def test_a_vault_that_hangs_is_asked_nothing_and_replaced_and_costs_what_it_had_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "AT_ONCE", 1)

    async def check() -> None:
        beats = Beats()
        async with pool(tmp_path, beats, never) as vaults:
            hung, other = vaults.pids
            await stop(hung)
            begun = [asyncio.create_task(ask(vaults, device)) for device in "ab"]
            # One of both is answered, and gives its place to those who come later.
            await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
            await beats.come_until(lambda: VaultState.SILENT in vaults.states)
            assert vaults.state is VaultState.WORKS
            assert await ask(vaults, "c")
            assert sum(each.done() for each in begun) == 1
            await beats.come_until(lambda: hung not in vaults.pids)
            assert sorted([await each for each in begun]) == [False, True]
            await until_all_work(vaults)
            assert other in vaults.pids

    run(check)


def test_where_the_only_vault_hangs_nobody_waits_and_it_is_said_until_it_answers(tmp_path: Path):
    async def check() -> None:
        beats = Beats()
        async with pool(tmp_path, beats) as vaults:
            assert vaults.pid
            await stop(vaults.pid)
            waiting = [asyncio.create_task(ask(vaults, "a")) for _ in range(3)]
            await beats.come_until(lambda: vaults.state is not VaultState.WORKS)
            assert vaults.state is VaultState.SILENT
            assert not await ask(vaults, "b")
            os.kill(vaults.pid, signal.SIGCONT)
            await until_all_work(vaults)
            # What it had begun is answered in the end, and what waited was refused.
            assert [await each for each in waiting] == [True, False, False]

    run(check)


def test_a_device_whose_palms_take_long_costs_only_itself_also_when_it_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "AT_ONCE", 1)

    async def check() -> None:
        async with pool(tmp_path, never, never, recognition=DRIVEN) as vaults:
            slow = [asyncio.create_task(examine(vaults, "slow", told("pause"))) for _ in range(3)]
            await until(lambda: vaults.asked > 0)
            await examine(vaults, "quick", burst("alex"))
            slow.pop(0).cancel()
            await examine(vaults, "quick", burst("alex"))
            assert vaults.asked == 1, "one palm of a device is read at a time"
            pids = vaults.pids
            while not all(each.done() for each in slow):
                for pid in pids:
                    wake_readers(pid)
                await asyncio.sleep(0)
            for each in slow:
                with pytest.raises(CaptureRefused):
                    await each
            assert vaults.pids == pids

    run(check)


def wake_readers(vault: int) -> None:
    (nursery,) = children(vault)
    for reader in children(nursery):
        # It may have answered, and ended, meanwhile.
        with suppress(ProcessLookupError):
            os.kill(reader, signal.SIGWINCH)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def test_vaults_that_start_together_make_one_set_of_keys_and_follow_a_new_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "AT_ONCE", 1)

    async def codes(vaults: VaultClient, device: str, sealed: bytes) -> list[bytes | None]:
        asker.set(device)
        return await vaults.search_codes(VERSION, [sealed])

    async def check() -> None:
        async with pool(tmp_path, never, never) as vaults:
            before = await vaults.protect(Template(VERSION, bytes(BYTES)))
            transform = await vaults.rekey()
            # Both at the same time, so one of each vault.
            one, other = await asyncio.gather(
                *(codes(vaults, device, before.sealed) for device in "ab")
            )
            assert one == other != [before.search_code]
            examined = await vaults.protect(Template(VERSION, bytes(BYTES)))
            assert examined.transform == transform == vaults.introduction.transform

    run(check)


def test_a_vault_with_other_keys_is_not_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    first = Introduction([], [VERSION], "a1b2")

    async def check() -> None:
        async with answering(tmp_path / "one", first), asyncio.timeout(PATIENCE_S):
            strange = replace(first, transform="c3d4")
            async with answering(tmp_path / "two", strange):
                settings = Vault(sockets=(tmp_path / "one", tmp_path / "two"))
                async with VaultClient(settings, PLAIN, tmp_path) as vaults:
                    await until(lambda: "other keys" in caplog.text)
                    assert sorted(vaults.states) == [VaultState.STARTING, VaultState.WORKS]

    asyncio.run(check())


def test_without_any_vault_the_service_does_not_start(tmp_path: Path):
    async def check() -> None:
        async with VaultClient(Vault(sockets=(tmp_path / "a", tmp_path / "b")), PLAIN, tmp_path):
            pass

    with pytest.raises(VaultBroken):
        asyncio.run(check())


@asynccontextmanager
async def answering(path: Path, introduction: Introduction) -> AsyncGenerator[None]:
    """Has something at a socket introduce itself as a vault, and refuse everything else."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(messages.HEAD.size):
            (length,) = messages.HEAD.unpack(head)
            question = messages.unpack_question(await reader.readexactly(length))
            refusal = messages.CannotExamine(messages.WireRefusal.UNUSABLE, "not a capture")
            asked = isinstance(question, messages.Introduce)
            writer.write(messages.pack(introduction if asked else refusal))
        writer.close()

    async with asyncio.TaskGroup() as streams:

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            streams.create_task(answer(reader, writer))

        async with await asyncio.start_unix_server(serve, path):
            yield


def test_a_vault_of_one_user_alone_serves_no_other():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_served(ours, os.geteuid())
        assert is_served(ours, None)
        assert not is_served(ours, os.geteuid() + 1)
