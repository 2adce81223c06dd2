"""The service's side of the vault: keeps a vault running and asks it questions."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Collection, Sequence
from contextvars import ContextVar
from pathlib import Path

from cloud.settings import Recognition
from cloud.settings import Vault as VaultSettings
from cloud.telemetry.measures import SILENT, Telemetry
from cloud.vault import messages
from cloud.vault.messages import Confirmation, ExaminedPalm, Introduction, WireRefusal
from cloud.vault.turns import Turns
from palm.search.protection import ProtectedTemplate
from palm.template.interfaces import Template
from protocol.backoff import pause_after
from protocol.messages import Purpose, VaultKey, VaultKeySet

log = logging.getLogger(__name__)

ANSWER_S = 15.0
START_S = 60.0
"""How long a vault may take to start: a slow and busy machine has to load the palm models."""
KEYS_ANEW_S = 3600.0
"""How long what the vault has told of its keys is told to others, much less than it counts."""
ANOTHER_S = 5.0
"""How long a vault that has started may take to serve another stream."""
STOP_S = 2.0
REFERENCES = 256
"""The number of references in one question: other requests are answered between two questions."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0

asker: ContextVar[str] = ContextVar("asker", default="")
"""Whose request is being answered: the id of a device, or empty when nobody asked. Askers take
turns at the vault, with all that a request asks, and each has one question there at a time."""

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class VaultUnavailable(Exception):
    """The vault does not answer at the moment; one is being started."""


class VaultRefused(VaultUnavailable):
    """The vault answers, but not this question, which is not about a capture. It has written the
    kind of error to standard error."""


class VaultBroken(RuntimeError):
    """The vault does not start; it has written the cause to standard error."""


class CaptureRefused(Exception):
    """The vault makes no template of a capture; `detail` quotes nothing of the capture."""

    def __init__(self, kind: WireRefusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Lifeless(Exception):
    """A capture was judged not to show a living hand."""

    def __init__(self, purpose: Purpose, visit_id: str, nonce: bytes) -> None:
        super().__init__("not seen to be a living hand")
        self.purpose = purpose
        self.visit_id = visit_id
        self.nonce = nonce


class VaultClient:
    """Keeps a vault and asks it questions.

    `async with VaultClient(...)` starts a child process, or connects to the socket in the settings,
    and does so again whenever the vault is gone. Raises VaultBroken when the first vault does not
    start.
    """

    def __init__(
        self,
        settings: VaultSettings,
        recognition: Recognition,
        directory: Path,
        *,
        wrapped_by: str | None = None,
        telemetry: Telemetry = SILENT,
    ) -> None:
        """`wrapped_by` is how a vault that is started wraps its keys (`cloud.keys.stored`)."""
        self._settings = settings
        self._wrapped_by = wrapped_by
        self._telemetry = telemetry
        self._recognition = recognition
        self._directory = directory
        self._idle: list[_Stream] | None = None
        """The streams of the present vault on which nothing is asked; None while there is none."""
        self._turns = Turns(1)
        self._lost = asyncio.Event()
        self._ready: asyncio.Future[Introduction] = asyncio.get_running_loop().create_future()
        self._keys: VaultKeySet | None = None
        self._keys_told_at = 0.0
        """When the vault has told its keys, in seconds of the loop's clock."""
        self.pid: int | None = None
        """The process id of the child, while there is one."""

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

    @property
    def is_there(self) -> bool:
        """Whether there is a vault at the moment, and not only one that is being started."""
        return self._idle is not None

    @property
    def capture_keys(self) -> Sequence[VaultKey]:
        """The keys that captures can be sealed to, newest first."""
        return self.introduction.keys if self._keys is None else self._keys.keys

    async def key_set(self) -> VaultKeySet | None:
        """Returns the vault's keys, signed by it; None from a vault of before, which signs none.
        Raises VaultUnavailable when the vault has not told them yet."""
        now = asyncio.get_running_loop().time()
        if self._keys is not None and now - self._keys_told_at > KEYS_ANEW_S:
            # Nobody else asks meanwhile: what it has told before counts for some time.
            self._keys_told_at = now
            with contextlib.suppress(VaultUnavailable):
                await self._learn_keys(messages.TellKeys())
        return self._keys

    async def renew_key(self) -> VaultKeySet:
        """Has the vault make another key for captures, and returns the signed keys. Raises
        VaultUnavailable."""
        return await self._learn_keys(messages.RenewKey())

    async def _learn_keys(self, question: messages.TellKeys | messages.RenewKey) -> VaultKeySet:
        match await self._ask(question):
            case messages.KeysTold(told):
                self._keys, self._keys_told_at = told, asyncio.get_running_loop().time()
                return told
            case _:
                raise _misunderstood()

    async def examine(
        self,
        envelope: bytes,
        device_id: str,
        purposes: list[Purpose],
        *,
        versions: Collection[int],
        visit_id: str | None = None,
        challenge: messages.LightChallenge | None = None,
        infrared: bool = False,
    ) -> ExaminedPalm:
        """Opens an envelope and judges the capture in it.

        Templates are made in the current version and in `versions`. `challenge` is the light
        challenge that the envelope names, None when it names none. With `infrared`, a capture
        without near-infrared frames is refused. Raises CaptureRefused, Lifeless and
        VaultUnavailable.
        """
        question = messages.Examine(
            envelope, device_id, visit_id, purposes, sorted(versions), challenge, infrared
        )
        match await self._ask(question, asked_by=device_id):
            case ExaminedPalm() as examined:
                return examined
            case messages.NotLive(purpose, visit, nonce):
                raise Lifeless(purpose, visit, nonce)
            case messages.CannotExamine(kind, detail):
                raise CaptureRefused(kind, detail)
            case _:
                raise _misunderstood()

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        """Returns the scores of sealed templates against a sealed probe of the same version; None
        for a template that the vault cannot open. Raises VaultUnavailable."""
        scores: list[float | None] = []
        for start in range(0, len(references), REFERENCES):
            some = references[start : start + REFERENCES]
            match await self._ask(messages.Compare(version, probe, some)):
                case messages.Scores(each):
                    scores += each
                case _:
                    raise _misunderstood()
        return scores

    async def confirm(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[Confirmation | None]:
        """Returns what the signs of a probe say of sealed templates; None for a template that the
        vault cannot open. A vault from before there were signs, which signs no keys either, has
        nothing to say against any. Raises VaultUnavailable."""
        try:
            answer = await self._ask(messages.Confirm(version, probe, references))
        except VaultRefused:
            if self._keys is not None:
                # It knows the question, and has failed.
                raise
            log.warning("the vault is older than the service and compares no signs; restart it")
            return [Confirmation.AGREES] * len(references)
        match answer:
            case messages.Confirmed(confirmations) if len(confirmations) == len(references):
                return confirmations
            case _:
                raise _misunderstood()

    async def search_codes(self, version: int, sealed: Sequence[bytes]) -> list[bytes | None]:
        """Returns the search codes of sealed templates under the present secret; None for a
        template that the vault cannot open. Raises VaultUnavailable."""
        match await self._ask(messages.MakeSearchCodes(version, sealed)):
            case messages.SearchCodes(search_codes):
                return search_codes
            case _:
                raise _misunderstood()

    async def protect(self, template: Template) -> ProtectedTemplate:
        """Protects a template that was enrolled before templates were protected. Raises
        VaultUnavailable."""
        match await self._ask(messages.Protect(template)):
            case messages.Protected(protected):
                return protected
            case _:
                raise _misunderstood()

    async def share(
        self, version: int, sealed: Sequence[bytes], key: VaultKey, bound_to: bytes
    ) -> bytes:
        """Returns templates that were made for gates, sealed to a kiosk's key
        (`protocol.site_list`). Raises VaultUnavailable."""
        match await self._ask(messages.Share(version, key, bound_to, sealed)):
            case messages.Shared(shared):
                return shared
            case _:
                raise _misunderstood()

    async def rekey(self) -> str:
        """Replaces the gallery's secret for good, and returns the name of the new transform. Raises
        VaultUnavailable."""
        match await self._ask(messages.Rekey()):
            case messages.Rekeyed(transform):
                return transform
            case _:
                raise _misunderstood()

    async def _ask(
        self,
        question: messages.Question,
        *,
        asked_by: str | None = None,
        patience_s: float = ANSWER_S,
    ) -> messages.Answer:
        packed = messages.pack(question)
        turn = self._turns.turn(asker.get() if asked_by is None else asked_by)
        async with self._telemetry.question(type(question).__name__.lower(), turn):
            if not self._idle:
                raise VaultUnavailable("the vault is being started")
            idle, answered = self._idle, False
            stream = idle.pop()
            try:
                answer = await _answer(stream, packed, patience_s)
                answered = True
                idle.append(stream)
            finally:
                if not answered and self._idle is idle:
                    # Even when the asker was cancelled: the next answer on this stream would be
                    # taken for the answer to another question.
                    self._idle = None
                    self._lost.set()
        refused = isinstance(answer, messages.CannotExamine)
        if refused and not isinstance(question, messages.Examine):
            raise VaultRefused("the vault cannot answer this question")
        return answer

    async def _keep(self) -> None:
        """Starts a vault, and another whenever one is gone."""
        failures = 0
        while True:
            self._lost.clear()
            try:
                async with self._vault() as streams:
                    self._idle, self._turns = streams, Turns(len(streams))
                    introduction = await self._introduce()
                    if not self._ready.done():
                        self._ready.set_result(introduction)
                    failures = 0
                    await self._lost.wait()
            except (VaultUnavailable, OSError) as error:
                if not self._ready.done():
                    self._ready.set_exception(
                        VaultBroken("the vault does not start. The lines above say why.")
                    )
                    return
                log.warning("no vault: %s", error)
            finally:
                self._idle = None
            log.warning("the vault is gone; starting it again")
            await asyncio.sleep(pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S))
            failures += 1

    async def _introduce(self) -> Introduction:
        match await self._ask(messages.Introduce(), patience_s=START_S):
            case Introduction() as introduction:
                with contextlib.suppress(VaultRefused):
                    await self._learn_keys(messages.TellKeys())
                return introduction
            case _:
                raise _misunderstood()

    @contextlib.asynccontextmanager
    async def _vault(self) -> AsyncGenerator[list[_Stream], None]:
        """Yields streams to a vault: AT_ONCE, or as many as it serves."""
        with contextlib.ExitStack() as opened:
            if self._settings.socket is not None:
                yield await _connect(self._settings.socket, opened)
                return
            pairs = [socket.socketpair() for _ in range(messages.AT_ONCE)]
            with contextlib.ExitStack() as theirs:
                for _, their_end in pairs:
                    theirs.enter_context(their_end)
                streams = [await _opened(ours, opened) for ours, _ in pairs]
                process = await self._start([their_end.fileno() for _, their_end in pairs])
                # Only the child has its ends open from now on, so the streams end with it.
            self.pid = process.pid
            exited = asyncio.create_task(process.wait())
            exited.add_done_callback(lambda _: self._lost.set())
            try:
                yield streams
            finally:
                self.pid = None
                # The child ends with its streams, unless it hangs.
                opened.close()
                await asyncio.wait([exited], timeout=STOP_S)
                if not exited.done():
                    process.kill()
                    await exited

    async def _start(self, channels: list[int]) -> asyncio.subprocess.Process:
        options = ["--directory", str(self._directory), "--examiner", self._recognition.examiner]
        if self._wrapped_by is not None:
            options += "--wrapped-by", self._wrapped_by
        for scheme in self._recognition.schemes:
            options += "--scheme", scheme.extractor, scheme.matcher
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cloud.vault", *options),
            *("--channel", *map(str, channels)),
            pass_fds=channels,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            env=_environment(),
        )


async def _connect(path: Path, opened: contextlib.ExitStack) -> list[_Stream]:
    """Connects to a vault that runs by itself. An older one serves a single stream at a time, and
    does not answer on another. Raises OSError and VaultUnavailable."""
    introduce = messages.pack(messages.Introduce())
    streams = [await _opened(path, opened)]
    await _answer(streams[0], introduce, START_S)
    with contextlib.suppress(VaultUnavailable, OSError), contextlib.ExitStack() as unanswered:
        while len(streams) < messages.AT_ONCE:
            another = await _opened(path, unanswered)
            await _answer(another, introduce, ANOTHER_S)
            opened.push(unanswered.pop_all())
            streams.append(another)
    return streams


async def _opened(end: socket.socket | Path, opened: contextlib.ExitStack) -> _Stream:
    """Returns a stream from this end, or to a socket at a path, which `opened` closes."""
    if isinstance(end, Path):
        reader, writer = await asyncio.open_unix_connection(end)
    else:
        reader, writer = await asyncio.open_connection(sock=end)
    opened.callback(writer.close)
    return reader, writer


async def _answer(stream: _Stream, question: bytes, patience_s: float) -> messages.Answer:
    """Returns the answer to a packed question. Raises VaultUnavailable."""
    reader, writer = stream
    try:
        async with asyncio.timeout(patience_s):
            writer.write(question)
            await writer.drain()
            head = await reader.readexactly(messages.HEAD.size)
            (length,) = messages.HEAD.unpack(head)
            return messages.unpack_answer(await reader.readexactly(length))
    except (OSError, EOFError, ValueError, TimeoutError):
        raise VaultUnavailable("the vault did not answer") from None


def _misunderstood() -> VaultUnavailable:
    return VaultUnavailable("the vault answered something else")


_SECRETS = ("PALM_CLOUD_", "OTEL_")
"""How the variables begin that may hold a secret, such as what a collector asks for."""


def _environment() -> dict[str, str]:
    """Returns the environment of the vault: without the service's secrets, and with one thread for
    its small matrices. On a busy machine, several threads take ten times as long."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(_SECRETS)}
    return own | {"OPENBLAS_NUM_THREADS": "1"}
