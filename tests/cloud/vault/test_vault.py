"""The vault process: its confinement, its keys, and its start and end."""

import asyncio
import contextlib
import gc
import json
import os
import secrets
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from cloud.settings import Vault
from cloud.state import StateDamaged
from cloud.telemetry import logs
from cloud.telemetry.measures import SILENT
from cloud.vault import keys, messages
from cloud.vault.client import VaultBroken, VaultClient, VaultRefused, asker
from cloud.vault.kept import VaultState
from protocol.envelope import Suite
from protocol.messages import Identification, Outcome, Problem, ProblemType, Purpose
from tests.support.device import Refused, TestDevice
from tests.support.plain_palms import burst
from tests.support.served import PATIENCE_S, PLAIN, Served, plain_settings
from tests.support.systemd import FEED, Listening
from tests.support.warm import Started, warm_starts

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def with_vault(
    directory: Path, use: Callable[[VaultClient], Awaitable[None]], *, warm: bool = True
) -> None:
    async def run() -> None:
        async with VaultClient(Vault(), PLAIN, directory) as vault:
            await use(vault)

    with warm_starts() if warm else contextlib.nullcontext():
        asyncio.run(run())


def in_confinement(code: str) -> subprocess.CompletedProcess[str]:
    program = f"from cloud.vault.confine import confine\nimport socket, threading\n{code}"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=False, capture_output=True, text=True)


# Confinement


def test_a_confined_process_makes_no_socket():
    families = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK")
    code = (
        "def makes(family):\n"
        "    try: socket.socket(getattr(socket, family), socket.SOCK_DGRAM)\n"
        "    except PermissionError: return False\n"
        "    return True\n"
        f"families = {families}\n"
        "assert all(makes(family) for family in families)\n"
        "confine()\n"
        "assert not any(makes(family) for family in families)"
    )
    assert in_confinement(code).returncode == 0


def test_an_earlier_thread_of_a_confined_process_makes_no_socket_either(tmp_path: Path):
    code = (
        "go, done = threading.Event(), []\n"
        "def work():\n"
        "    go.wait()\n"
        "    try: socket.socket()\n"
        "    except PermissionError: done.append(1)\n"
        "thread = threading.Thread(target=work); thread.start()\n"
        "confine(); go.set(); thread.join(); raise SystemExit(0 if done else 1)"
    )
    assert in_confinement(code).returncode == 0


def test_a_confined_process_keeps_the_sockets_it_had():
    code = "a, b = socket.socketpair(); confine(); a.send(b'x'); assert b.recv(1) == b'x'"
    assert in_confinement(code).returncode == 0


def test_a_confined_process_leaves_no_core_and_cannot_be_traced():
    code = (
        "import ctypes, resource\n"
        "confine()\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "get_dumpable = 3\n"
        "assert ctypes.CDLL(None).prctl(get_dumpable, 0, 0, 0, 0) == 0"
    )
    assert in_confinement(code).returncode == 0


def test_the_running_vault_is_confined_and_has_no_secret_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("PALM_CLOUD_PAYMENTS__STRIPE_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "sk_live_very_secret")
    lock = "from protocol.memory import lock_memory; raise SystemExit(0 if lock_memory() else 1)"
    may_lock = subprocess.run([sys.executable, "-c", lock], check=False).returncode == 0

    async def check(vault: VaultClient) -> None:
        process = Path(f"/proc/{vault.pid}")
        status = dict(
            line.split(":\t", 1) for line in (process / "status").read_text().splitlines()
        )
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
        assert (status["VmLck"].strip() != "0 kB") == may_lock
        assert b"very_secret" not in (process / "environ").read_bytes()

    # Of a process that was forked, the kernel shows the environment of the one that forked it.
    with_vault(tmp_path, check, warm=False)


# Keys


def test_the_vault_makes_a_hybrid_key_readable_by_its_owner_only(tmp_path: Path):
    async def check(vault: VaultClient) -> None:
        (key,) = vault.introduction.keys
        assert key.suite == Suite.HYBRID

    with_vault(tmp_path / "vault", check)
    assert len(list((tmp_path / "vault").iterdir())) == 3
    for path in (tmp_path / "vault").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700


def test_a_vault_that_is_started_again_has_the_same_key(tmp_path: Path):
    names: list[str] = []

    async def check(vault: VaultClient) -> None:
        names.append(vault.introduction.keys[0].key_id)

    with_vault(tmp_path, check)
    with_vault(tmp_path, check)
    assert names[0] == names[1]


def test_the_newest_of_several_keys_comes_first_and_the_others_still_open(tmp_path: Path):
    (old,) = keys.load_or_make(tmp_path)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "set-aside")
    (new,) = keys.load_or_make(tmp_path)
    (tmp_path / "set-aside").rename(path)
    assert keys.load_or_make(tmp_path) == [new, old]


@pytest.mark.parametrize("damage", [b"", b"X25519", b"\xff\xfe", None])
def test_a_damaged_key_of_the_vault_is_reported_and_not_replaced(
    tmp_path: Path, damage: bytes | None
):
    keys.load_or_make(tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    other = content[:80] + (b"A" if content[80:81] != b"A" else b"B") + content[81:]
    path.write_bytes(other if damage is None else damage)
    with pytest.raises(StateDamaged, match="backup") as caught:
        keys.load_or_make(tmp_path)
    assert content[40:80].decode() not in str(caught.value)


def test_a_vault_that_cannot_start_writes_the_cause(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    keys.load_or_make(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")

    async def never(vault: VaultClient) -> None:
        raise AssertionError("it started")

    with pytest.raises(VaultBroken):
        with_vault(tmp_path, never)
    assert "Restore it from the backup" in capfd.readouterr().err


def test_a_vault_that_cannot_be_spawned_leaves_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def never(vault: VaultClient) -> None:
        raise AssertionError("it started")

    open_before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    gc.disable()
    try:
        with pytest.raises(VaultBroken):
            with_vault(tmp_path, never, warm=False)
        assert len(os.listdir("/proc/self/fd")) == open_before
    finally:
        gc.enable()


def test_a_vault_whose_start_is_cancelled_ends(tmp_path: Path):
    async def run() -> None:
        vault = VaultClient(Vault(), PLAIN, tmp_path)
        starting = asyncio.create_task(vault.__aenter__())
        while vault.pid is None:  # noqa: ASYNC110 - of a process there is no event
            await asyncio.sleep(0)
        child = os.pidfd_open(vault.pid)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        ended, _, _ = select.select([child], [], [], 0)
        os.close(child)
        assert ended

    with warm_starts():
        asyncio.run(run())


# Questions


async def of_a_device(vault: VaultClient, device: str, answered: list[str]) -> None:
    asker.set(device)
    await vault.search_codes(PLAIN.schemes[0].version, [])
    answered.append(device)


def test_a_question_that_raises_an_error_is_refused_and_the_next_is_answered(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(logs.VARIABLE, logs.JSON)
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"

    async def check(vault: VaultClient) -> None:
        pid = vault.pid
        asked = SILENT.request("POST", "/v1/identifications", "device-1", parent)
        with asked, pytest.raises(VaultRefused):
            await vault.compare(7, b"not sealed here", [b""])
        with pytest.raises(VaultRefused):
            await vault.compare(PLAIN.schemes[0].version, b"not sealed here", [b""])
        assert await vault.search_codes(PLAIN.schemes[0].version, [b""]) == [None]
        assert vault.pid == pid

    with_vault(tmp_path, check)
    lines = map(json.loads, capfd.readouterr().err.splitlines())
    refused = {line["message"]: line.get("trace_id") for line in lines}
    assert refused == {
        "a question was refused because of a KeyError": TRACE,
        "a question was refused because of a NotSealedHere": None,
    }


def test_what_cannot_be_written_as_a_question_does_not_reach_the_vault(tmp_path: Path):
    async def check(vault: VaultClient) -> None:
        pid = vault.pid
        with pytest.raises(UnicodeEncodeError):
            await vault.examine(b"", "device-1", [], versions=[], visit_id="\ud800")
        assert await vault.search_codes(PLAIN.schemes[0].version, []) == []
        assert vault.pid == pid

    with_vault(tmp_path, check)


def test_a_device_with_many_questions_delays_another_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "AT_ONCE", 1)

    async def check(vault: VaultClient) -> None:
        answered: list[str] = []
        async with asyncio.TaskGroup() as asked:
            for device in "aaaaaab":
                asked.create_task(of_a_device(vault, device, answered))
        assert answered.index("b") == 1

    with_vault(tmp_path, check)


# Start and end


def until_answered(
    kiosk: TestDevice, ask: Callable[[], Identification]
) -> tuple[Identification, list[Problem]]:
    """Returns the answer, and the problems that were answered before it. Whoever asks on and on
    instead of waiting has used up what a device may ask before a vault is there."""
    problems: list[Problem] = []
    while True:
        try:
            return ask(), problems
        except Refused as refused:
            problems.append(refused.problem)
        while kiosk.http.get("/readyz").json()["vault"] != VaultState.WORKS:
            pass


def test_the_vault_is_started_again_when_it_dies(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    pid = served.vault.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    found, before = until_answered(kiosk, lambda: kiosk.identify(who))
    assert found.outcome is Outcome.ACCEPTED
    assert {problem.type for problem in before} <= {ProblemType.VAULT_UNAVAILABLE}
    assert all(problem.retry_after for problem in before)
    assert served.vault.pid != pid


def test_a_palm_that_was_not_examined_can_be_sent_again_with_the_same_key(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    before: list[Problem] = []
    while not before:
        # A vault that is started again before the palm arrives has to be killed once more.
        key = secrets.token_urlsafe(16)
        envelope = kiosk.seal(burst(who), Purpose.PAY, key)
        assert served.vault.pid
        os.kill(served.vault.pid, signal.SIGKILL)
        found, before = until_answered(
            kiosk,
            lambda envelope=envelope, key=key: kiosk.post(
                "/identifications", envelope, Identification, key=key
            ),
        )
        assert found.outcome is Outcome.ACCEPTED


def test_the_vault_ends_with_the_service_even_when_that_is_killed(tmp_path: Path):
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from cloud.settings import Vault\n"
        "from cloud.vault.client import VaultClient\n"
        "from tests.support.served import PLAIN\n"
        "async def main():\n"
        f"    async with VaultClient(Vault(), PLAIN, Path({str(tmp_path)!r})) as v:\n"
        "        print(v.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    vault = os.pidfd_open(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    ended, _, _ = select.select([vault], [], [], PATIENCE_S)
    os.close(vault)
    assert ended


class Nonsense:
    def encode(self) -> list[str]:
        return ["nonsense"]


@pytest.fixture
def systemd() -> Iterator[Listening]:
    with Listening() as listening:
        yield listening


@pytest.fixture
def by_itself(tmp_path: Path, systemd: Listening) -> Iterator["subprocess.Popen[bytes]"]:
    """A vault as systemd starts it, which listens on the socket `vault.sock`."""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "cloud.vault"),
            *("--directory", tmp_path / "keys", "--examiner", PLAIN.examiner),
            *("--scheme", PLAIN.schemes[0].extractor, PLAIN.schemes[0].matcher),
            *("--socket", tmp_path / "vault.sock"),
        ],
        env=os.environ | systemd.environment,
    ) as process:
        assert systemd.hears() == b"READY=1"
        yield process
        process.kill()


def test_a_vault_that_runs_by_itself_is_reached_by_its_socket_once_it_is_ready(
    by_itself: "subprocess.Popen[bytes]", tmp_path: Path
):
    async def run() -> None:
        async with VaultClient(Vault(socket=tmp_path / "vault.sock"), PLAIN, tmp_path) as vault:
            assert vault.introduction.keys
            with pytest.raises(VaultRefused):
                await vault._ask(Nonsense())  # pyright: ignore
            # What follows is answered.
            await vault.rekey()

    for _ in range(2):
        asyncio.run(run())


def test_a_vault_answers_sixteen_services_of_a_large_machine(
    by_itself: "subprocess.Popen[bytes]", tmp_path: Path
):
    """Each has eight streams for questions, and one on which it looks whether the vault lives."""
    with contextlib.ExitStack() as opened:
        for _ in range(16 * 9):
            stream = opened.enter_context(socket.socket(socket.AF_UNIX))
            stream.settimeout(PATIENCE_S)
            stream.connect(str(tmp_path / "vault.sock"))
            stream.sendall(messages.pack(messages.Introduce()))
            assert stream.recv(messages.HEAD.size)


def test_the_command_runs_a_vault_by_itself_for_its_own_user(
    tmp_path: Path, systemd: Listening, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "vault.sock"
    (tmp_path / "settings.toml").write_text(plain_settings())
    for name, value in systemd.environment.items():
        monkeypatch.setenv(name, value)
    words = ["--state", str(tmp_path), "vault", "--socket", str(path)]
    running = Started(words, tmp_path / "errors")
    assert systemd.hears() == b"READY=1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    async def ask() -> None:
        async with VaultClient(Vault(socket=path), PLAIN, tmp_path) as vault:
            assert vault.introduction.versions == [PLAIN.schemes[0].version]

    asyncio.run(ask())
    running.send_signal(signal.SIGTERM)
    running.wait(PATIENCE_S)


def test_a_vault_that_has_lost_its_nursery_lets_systemd_start_another(
    by_itself: "subprocess.Popen[bytes]", systemd: Listening
):
    assert [systemd.hears() for _ in range(2)] == [FEED] * 2
    children = Path(f"/proc/{by_itself.pid}/task/{by_itself.pid}/children").read_text()
    os.kill(int(children), signal.SIGKILL)
    # With status 2, which is for what starting again does not mend, it would stay as it is.
    assert by_itself.wait(PATIENCE_S) == 1
