"""The service's side: keeps a vault running, asks it, and says so when there is none."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.settings import Recognition
from cloud.settings import Vault as VaultSettings
from cloud.vault import wire
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from palm.template.interfaces import Template
from protocol.encoding import to_base64
from protocol.messages import Purpose, Side, VaultKey

log = logging.getLogger(__name__)

ANSWER_S = 15.0
START_S = 60.0
"""Loading the palm models on a slow and busy machine."""
STOP_S = 2.0
AT_ONCE = 256
"""References in one question: it stays small, and other visits have their turn in between."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class VaultUnavailable(Exception):
    """There is no vault to ask at the moment; one is being started."""


class VaultBroken(RuntimeError):
    """The vault does not start; it has said why on standard error."""


class CaptureRefused(Exception):
    """The vault would not make a template; `detail` quotes nothing of the capture."""

    def __init__(self, kind: wire.WireRefusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Lifeless(Exception):
    """What was shown did not answer to the light as a living hand does."""

    def __init__(self, purpose: Purpose, visit_id: str, nonce: bytes) -> None:
        super().__init__("not seen to be a living hand")
        self.purpose = purpose
        self.visit_id = visit_id
        self.nonce = nonce


@dataclass(frozen=True, slots=True)
class ExaminedPalm:
    """One palm that was shown, and what was sealed with it."""

    side: Side
    probes: tuple[ProtectedProbe, ...]
    """In every version that was asked for, the current one first."""
    purpose: Purpose
    visit_id: str
    nonce: bytes
    agreement: float | None = None
    """The score of one of its pictures against the others, in the current version, where it is to
    be enrolled and there is more than one."""
    score: float | None = None
    """How surely it is alive, see `cloud.vault.examiner.Presentation`."""
    pulse: bool = False
    """Its pulse was seen."""

    @property
    def current(self) -> ProtectedTemplate:
        """As it is enrolled."""
        return self.probes[0].kept


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a vault says of itself."""

    keys: list[VaultKey]
    """To seal captures to, the newest first."""
    versions: list[int]
    """Of the templates it makes and compares, the current one first."""
    transform: str
    """Which codes it makes (`palm.search.protection.name_of`)."""


class VaultClient:
    """`async with VaultClient(...)` keeps a vault: a child of this process, or one that listens
    on the socket the settings name. Raises VaultBroken when the first does not come up."""

    def __init__(self, settings: VaultSettings, recognition: Recognition, directory: Path) -> None:
        self._settings = settings
        self._recognition = recognition
        self._directory = directory
        self._stream: _Stream | None = None
        self._asking = asyncio.Lock()
        self._lost = asyncio.Event()
        self._ready: asyncio.Future[Introduction] = asyncio.get_running_loop().create_future()
        self.pid: int | None = None
        """Of the child, while there is one."""

    async def __aenter__(self) -> "VaultClient":
        self._keeper = asyncio.create_task(self._keep())
        try:
            await self._ready
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper

    @property
    def introduction(self) -> Introduction:
        return self._ready.result()

    async def examine(
        self,
        envelope: bytes,
        device_id: str,
        purposes: list[Purpose],
        *,
        versions: Collection[int],
        visit_id: str | None = None,
        seed: bytes | None = None,
        infrared: bool = False,
    ) -> ExaminedPalm:
        """Templates are made in the current version and in `versions`. `seed` is of the light
        challenge that the envelope names, None when it names none; with `infrared` a capture
        without near infrared is refused.

        Raises CaptureRefused, Lifeless and VaultUnavailable."""
        question = [
            *("examine", envelope, device_id, visit_id),
            *([purpose.value for purpose in purposes], sorted(versions), seed, infrared),
        ]
        answer = await self._ask(question)
        match answer:
            case [
                "presentation",
                str(side),
                [_, *_] as probes,
                [str(purpose), str(visit), bytes(nonce)],
                float() | None as agreement,
                float() | None as score,
                bool(pulse),
            ]:
                extracted = tuple(map(wire.unpack_probe, probes))
                return ExaminedPalm(
                    *(Side(side), extracted, Purpose(purpose), visit, nonce),
                    *(agreement, score, pulse),
                )
            case ["lifeless", [str(purpose), str(visit), bytes(nonce)]]:
                raise Lifeless(Purpose(purpose), visit, nonce)
            case ["refused", str(kind), str(detail)]:
                raise CaptureRefused(wire.WireRefusal(kind), detail)
            case _:
                raise _misunderstood()

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        """Scores of sealed templates against a sealed probe of the same version; None for one
        that the vault cannot open. Raises VaultUnavailable."""
        scores: list[float | None] = []
        for start in range(0, len(references), AT_ONCE):
            some = list(references[start : start + AT_ONCE])
            match await self._ask(["compare", version, probe, some]):
                case ["scores", list(each)]:
                    scores += each
                case _:
                    raise _misunderstood()
        return scores

    async def search_codes(self, version: int, sealed: Sequence[bytes]) -> list[bytes | None]:
        """What sealed templates are searched by under the present secret; None for one that the
        vault cannot open. Raises VaultUnavailable."""
        match await self._ask(["code", version, list(sealed)]):
            case ["codes", list(search_codes)]:
                return search_codes
            case _:
                raise _misunderstood()

    async def protect(self, template: Template) -> ProtectedTemplate:
        """For what was enrolled before templates were protected. Raises VaultUnavailable."""
        plain = [template.version, template.data, template.quality]
        match await self._ask(["protect", *plain]):
            case ["protected", protected]:
                return wire.unpack_template(protected)
            case _:
                raise _misunderstood()

    async def rekey(self) -> str:
        """Replaces the secret that codes are made under, for good, and names the new transform.
        Raises VaultUnavailable."""
        match await self._ask(["rekey"]):
            case ["rekeyed", str(transform)]:
                return transform
            case _:
                raise _misunderstood()

    async def _ask(self, question: list[Any], patience_s: float = ANSWER_S) -> list[Any]:
        async with self._asking:
            if self._stream is None:
                raise VaultUnavailable("the vault is being started")
            reader, writer = self._stream
            answered = False
            try:
                async with asyncio.timeout(patience_s):
                    writer.write(wire.pack(question))
                    await writer.drain()
                    (length,) = wire.HEAD.unpack(await reader.readexactly(wire.HEAD.size))
                    answer = wire.unpack(await reader.readexactly(length))
                answered = True
            except (OSError, EOFError, ValueError, TimeoutError):
                raise VaultUnavailable("the vault did not answer") from None
            finally:
                if not answered:
                    # Out of step, even when it was the asker who left: what it says next would
                    # be taken for the answer to another question.
                    self._stream = None
                    self._lost.set()
            return answer

    async def _keep(self) -> None:
        """Runs one vault after another."""
        pause = SHORTEST_PAUSE_S
        while True:
            self._lost.clear()
            try:
                async with self._vault() as self._stream:
                    introduction = await self._introduce()
                    if not self._ready.done():
                        self._ready.set_result(introduction)
                    pause = SHORTEST_PAUSE_S
                    await self._lost.wait()
            except (VaultUnavailable, OSError) as error:
                if not self._ready.done():
                    self._ready.set_exception(VaultBroken("the vault does not start"))
                    return
                log.warning("no vault: %s", error)
            finally:
                self._stream = None
            log.warning("the vault is gone; starting it again")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _introduce(self) -> Introduction:
        match await self._ask(["introduce"], START_S):
            case ["vault", list(keys), list(versions), str(transform)] if versions:
                told = [
                    VaultKey(key_id=name, suite=suite, public_key=to_base64(raw))
                    for name, suite, raw in keys
                ]
                return Introduction(told, versions, transform)
            case _:
                raise _misunderstood()

    @contextlib.asynccontextmanager
    async def _vault(self) -> AsyncGenerator[_Stream, None]:
        if self._settings.socket is not None:
            reader, writer = await asyncio.open_unix_connection(self._settings.socket)
            with contextlib.closing(writer):
                yield reader, writer
            return
        schemes: list[str] = []
        for scheme in self._recognition.schemes:
            schemes += "--scheme", scheme.extractor, scheme.matcher
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            with contextlib.closing(writer):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "cloud.vault"),
                    *("--directory", self._directory),
                    *("--examiner", self._recognition.examiner),
                    *schemes,
                    *("--channel", str(theirs.fileno())),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=sys.stderr,
                    env=_environment(),
                )
                # The child's alone from now on, so that its end is the stream's.
                theirs.close()
                self.pid = process.pid
                exited = asyncio.create_task(process.wait())
                exited.add_done_callback(lambda _: self._lost.set())
                try:
                    yield reader, writer
                finally:
                    self.pid = None
                    # It ends when its stream does, unless it hangs.
                    writer.close()
                    await asyncio.wait([exited], timeout=STOP_S)
                    if not exited.done():
                        process.kill()
                        await exited


def _misunderstood() -> VaultUnavailable:
    return VaultUnavailable("the vault answered something else")


def _environment() -> dict[str, str]:
    """What the service was told in confidence is none of the vault's business. Its matrices are
    small: on a busy machine several threads would wait for each other ten times as long as one
    takes."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("PALM_CLOUD_")}
    return own | {"OPENBLAS_NUM_THREADS": "1"}
