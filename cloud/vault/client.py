"""The service's side of the vaults: keeps a pool of them and asks them questions.

Every vault has the same keys, so any of them answers any question. What a vault had begun when it
died or hung is refused, and asked again by whoever asked: were it asked of another vault, what
brings one down would bring down the next. What waits goes to another one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cloud.settings import Recognition
from cloud.settings import Vault as VaultSettings
from cloud.telemetry.measures import SILENT, Telemetry, trace_id
from cloud.vault import messages
from cloud.vault.kept import Kept, VaultState, command, connected, started
from cloud.vault.messages import Confirmation, ExaminedPalm, Introduction, WireRefusal, traced
from cloud.vault.streams import (
    INTRODUCE,
    INTRODUCE_TRACED,
    INTRODUCE_WITH_QUALITY,
    START,
    Beat,
    Stream,
    VaultUnavailable,
    each_second,
)
from cloud.vault.turns import NothingThere, Turns
from palm.search.protection import ProtectedTemplate
from palm.template.interfaces import Template
from protocol.messages import Purpose, VaultKey, VaultKeySet
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

KEYS_ANEW_S = 3600.0
"""How long what the vault has told of its keys is told to others, much less than it counts."""
REFERENCES = 256
"""The number of references in one question: other requests are answered between two questions."""

asker: ContextVar[str] = ContextVar("asker", default="")
"""Whose request is being answered: the id of a device, or empty when nobody asked. Askers take
turns at the vaults, with all that a request asks, and each has one question there at a time."""


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
    """A capture was judged not to show a living hand. It is `copied` when it matched somebody in
    the lines, and not in what lies beneath."""

    def __init__(
        self, purpose: Purpose, visit_id: str, nonce: bytes, *, copied: bool = False
    ) -> None:
        super().__init__("not seen to be a living hand")
        self.purpose = purpose
        self.visit_id = visit_id
        self.nonce = nonce
        self.copied = copied


class VaultClient:
    """Keeps vaults and asks them questions.

    `async with VaultClient(...)` starts child processes, or connects to the sockets in the
    settings, and does so again whenever a vault is gone. It is entered when the first of them
    answers. Raises VaultBroken when none starts.
    """

    def __init__(
        self,
        settings: VaultSettings,
        recognition: Recognition,
        directory: Path,
        *,
        wrapped_by: str | None = None,
        telemetry: Telemetry = SILENT,
        beat: Beat = each_second,
    ) -> None:
        """`wrapped_by` is how a vault that is started wraps its keys (`cloud.keys.stored`), and
        `beat` is what patience is counted in (`cloud.vault.streams`)."""
        ways = [partial(connected, path) for path in settings.by_themselves] or [
            partial(started, command(recognition, directory, wrapped_by))
        ] * settings.count
        self._telemetry = telemetry
        self._turns: Turns[Stream] = Turns(lambda stream: stream.run.asked)
        self._kept = [Kept(way, self._turns, beat, self._meet) for way in ways]
        self._under_way: set[asyncio.Task[messages.Answer]] = set()
        self._introduction: Introduction | None = None
        """What the vault that answered first has said, and all others have to say."""
        self._may_say_other_secret = Seldom(60.0)
        self._keys: VaultKeySet | None = None
        self._keys_told_at = 0.0
        """When a vault has told its keys, in seconds of the loop's clock."""

    async def __aenter__(self) -> "VaultClient":
        self._keeping = [asyncio.create_task(kept.keep()) for kept in self._kept]
        try:
            for tried in asyncio.as_completed([kept.tried for kept in self._kept]):
                if await tried:
                    return self
            raise VaultBroken("the vault does not start. The lines above say why.")
        except BaseException:
            await self.__aexit__()
            raise

    async def __aexit__(self, *_: object) -> None:
        ending: set[asyncio.Future[Any]] = {*self._keeping, *self._under_way}
        for each in ending:
            each.cancel()
        await asyncio.wait(ending)

    @property
    def introduction(self) -> Introduction:
        assert self._introduction is not None, "no vault was there yet"
        return self._introduction

    @property
    def states(self) -> list[VaultState]:
        """The states of all vaults."""
        return [kept.state for kept in self._kept]

    @property
    def state(self) -> VaultState:
        """The best state that any vault is in."""
        return next(state for state in VaultState if state in self.states)

    def must_be_there(self) -> None:
        """Raises VaultUnavailable while there is no vault that could be asked."""
        if self.state is not VaultState.WORKS:
            raise _nobody_there()

    @property
    def pids(self) -> list[int]:
        """The process ids of the children that there are."""
        return [kept.pid for kept in self._kept if kept.pid is not None]

    @property
    def pid(self) -> int | None:
        """The process id of the first child, while there is one."""
        return next(iter(self.pids), None)

    @property
    def asked(self) -> int:
        """How many questions the vaults have not answered yet."""
        return len(self._under_way)

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
        return self._learn(await self._ask(question))

    def _learn(self, answer: messages.Answer) -> VaultKeySet:
        match answer:
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
                if examined.current.transform != self.introduction.transform:
                    # Nobody would be found by such a code, and nothing would say why.
                    if self._may_say_other_secret():
                        log.error(
                            "the vault has another templates.secret than when this service was "
                            "started, and no palm is taken: start the service again"
                        )
                    raise VaultUnavailable("the vaults have another secret than at the start")
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
        vault cannot open. An older vault, which neither compares signs nor signs its keys, agrees
        with every template. Raises VaultUnavailable."""
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
                # The others have it too, from their common folder, before they answer again.
                self._introduction = replace(self.introduction, transform=transform)
                return transform
            case _:
                raise _misunderstood()

    async def _ask(
        self, question: messages.Question, *, asked_by: str | None = None
    ) -> messages.Answer:
        turn = _Turn(self._turns, asker.get() if asked_by is None else asked_by)
        async with self._telemetry.question(type(question).__name__.lower(), turn):
            asking = asyncio.create_task(self._answer(turn, question))
            self._under_way.add(asking)
            asking.add_done_callback(self._answered)
            # Somebody who does not wait for the answer keeps the turn until it is there.
            answer = await asyncio.shield(asking)
        refused = isinstance(answer, messages.CannotExamine)
        if refused and not isinstance(question, messages.Examine):
            raise VaultRefused("the vault cannot answer this question; its log says why")
        return answer

    async def _answer(self, turn: "_Turn", question: messages.Question) -> messages.Answer:
        try:
            run = turn.stream.run
            if isinstance(question, messages.Examine):
                question = replace(question, quality=run.tells_quality)
            packed = messages.pack(question)
            trace = trace_id() if run.names_traces else None
            return await turn.stream.ask(packed if trace is None else traced(packed, trace))
        finally:
            self._turns.end(turn.asker, turn.stream)

    def _answered(self, asking: "asyncio.Task[messages.Answer]") -> None:
        self._under_way.remove(asking)
        if not asking.cancelled():
            # Nobody may be waiting for it any more.
            asking.exception()

    async def _meet(self, stream: Stream) -> None:
        """Has a vault introduce itself and tell its keys. Raises VaultUnavailable when it cannot
        take the place of the others."""
        told = await stream.ask(INTRODUCE_TRACED, START)
        stream.run.names_traces = isinstance(told, Introduction)
        if not stream.run.names_traces:
            told = await stream.ask(INTRODUCE)
        if not isinstance(told, Introduction):
            raise _misunderstood()
        known = self._introduction = self._introduction or told
        if (told.transform, told.versions) != (known.transform, known.versions):
            raise VaultUnavailable(
                "this one has other keys than the first, or makes other templates. All of them "
                "need the same folder of keys, or copies of it, and the same settings."
            )
        told = await stream.ask(INTRODUCE_WITH_QUALITY)
        stream.run.tells_quality = isinstance(told, Introduction)
        answer = await stream.ask(messages.pack(messages.TellKeys()))
        if not isinstance(answer, messages.CannotExamine):
            # One of before signs no keys.
            self._learn(answer)


class _Turn(contextlib.AbstractAsyncContextManager[None]):
    """A turn of an asker, with `stream` once it has come. It lasts until its question is answered,
    which may be after the block. Raises VaultUnavailable."""

    stream: Stream

    def __init__(self, turns: Turns[Stream], asker: str) -> None:
        self._turns = turns
        self.asker = asker

    async def __aenter__(self) -> None:
        try:
            self.stream = await self._turns.take(self.asker)
        except NothingThere:
            raise _nobody_there() from None

    async def __aexit__(self, *_: object) -> None: ...


def _nobody_there() -> VaultUnavailable:
    return VaultUnavailable("no vault answers at the moment")


def _misunderstood() -> VaultUnavailable:
    return VaultUnavailable("the vault answered something else")
