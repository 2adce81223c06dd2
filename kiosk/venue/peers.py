"""The gates of one venue, which ask each other while pretix is away.

Before a gate lets somebody in by its list it claims the ticket from all others, and each answers
that it is free, or that its holder has entered there. Of two claims at the same time the one with
the smaller passage wins at both gates. A gate that does not answer in time is taken for away, and
what it has claimed last counts as used. So a ticket opens one of two gates that hear each other.

A message is a datagram that the gates' shared key encrypts and authenticates (ChaCha20-Poly1305,
RFC 8439). It names an order position by its number in pretix, and no person.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kiosk.clock import Clock
from kiosk.race import first
from kiosk.venue.ticket_list import Passage
from protocol.messages import Direction

log = logging.getLogger(__name__)

CONTEXT = b"palm-kiosk gates 1"
SAID_AGAIN = 3
"""How often a claim is sent to whoever has not answered."""
ANSWER_S = 0.2
"""Seconds in which the other gates are to answer."""
FRESH = timedelta(minutes=2)
"""How far the clocks of two gates may be apart, and for how long a recorded message is good."""
REMEMBERED = 20_000
"""The largest number of other gates' claims that a gate remembers."""

Address = tuple[str, int]


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Literal["claim"] = "claim"
    position: int
    passage: UUID
    at: AwareDatetime
    gate: str | None


class _Free(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Literal["free"] = "free"
    passage: UUID
    """The passage of the claim."""


class _Entered(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Literal["entered"] = "entered"
    passage: UUID
    """The passage of the claim."""
    at: AwareDatetime
    gate: str | None


_Message = Annotated[_Claim | _Free | _Entered, Field(discriminator="kind")]
_MESSAGES: TypeAdapter[_Claim | _Free | _Entered] = TypeAdapter(_Message)


@dataclass
class _Open:
    """A claim of this gate's, from its first message until its passage is recorded."""

    claim: _Claim
    unheard: set[Address]
    """The gates that have not answered."""
    won: bool = False
    lost_to: Passage | None = None
    decided: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _Heard:
    passage: Passage
    by: Address


class PeerGates(asyncio.DatagramProtocol):
    """The other gates. `open` has to run while they are asked."""

    def __init__(
        self,
        key: str,
        gate: str | None,
        others: Sequence[Address],
        clock: Clock,
    ) -> None:
        """`key` is the same at all gates, drawn at random; `gate` is this gate's name, and `others`
        are the IP addresses and ports of the others."""
        derived = HKDF(SHA256(), 32, salt=None, info=CONTEXT).derive(key.encode())
        self._cipher = ChaCha20Poly1305(derived)
        self._gate = gate
        self._others = frozenset(others)
        self._entered: Callable[[int], Passage | None] = lambda _: None
        self._clock = clock
        self._open: dict[int, _Open] = {}
        """By position."""
        self._heard: dict[int, _Heard] = {}
        """What others have claimed last, by position."""
        self._transport: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def open(
        self, host: str, port: int, entered: Callable[[int], Passage | None]
    ) -> AsyncGenerator[None]:
        """Listens while the block lasts. `entered` returns the entry that this gate knows of a
        position. Raises OSError."""
        self._entered = entered
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        try:
            yield
        finally:
            self._transport = None
            transport.close()

    def has_heard_of(self, position: int) -> bool:
        """Returns whether another gate has claimed this ticket."""
        return position in self._heard

    @asynccontextmanager
    async def claim(
        self, position: int, passage: UUID, at: datetime
    ) -> AsyncGenerator[Passage | None]:
        """Yields the entry that another gate knows of, or that is under way at this one; None when
        this gate may let somebody in. It is this gate's ticket while the block lasts, and
        afterwards if `entered` says so."""
        if position in self._open:
            # Whoever has walked off is still being decided about, and taken back then.
            yield Passage(Direction.ENTRY, self._open[position].claim.at, self._gate)
            return
        claim = _Claim(position=position, passage=passage, at=at, gate=self._gate)
        mine = self._open[position] = _Open(claim, set(self._others))
        try:
            if mine.unheard:
                await first(mine.decided.wait(), self._say(mine))
            yield self._outcome(mine)
        finally:
            del self._open[position]

    async def _say(self, mine: _Open) -> None:
        for _ in range(SAID_AGAIN):
            for other in mine.unheard:
                self._send(mine.claim, other)
            await self._clock.sleep(ANSWER_S / SAID_AGAIN)

    def _outcome(self, mine: _Open) -> Passage | None:
        if mine.lost_to is not None:
            return mine.lost_to
        heard = self._heard.get(mine.claim.position)
        if heard is not None and heard.by in mine.unheard:
            return heard.passage
        mine.won = True
        return None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pass

    def error_received(self, exc: Exception) -> None:
        """A gate whose machine answers that nobody listens is as silent as one that is off."""

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        sender = (str(addr[0]), int(addr[1]))
        message = self._read(data)
        if sender not in self._others or message is None:
            return
        if isinstance(message, _Claim):
            self._send(self._answer(message, sender), sender)
            return
        mine = next((m for m in self._open.values() if m.claim.passage == message.passage), None)
        if mine is None:
            return
        mine.unheard.discard(sender)
        if isinstance(message, _Entered):
            mine.lost_to = Passage(Direction.ENTRY, message.at, message.gate)
        if mine.lost_to is not None or not mine.unheard:
            mine.decided.set()

    def _answer(self, claim: _Claim, sender: Address) -> _Free | _Entered:
        known = self._entered(claim.position)
        mine = self._open.get(claim.position)
        if known is None and mine is not None and mine.lost_to is None:
            if mine.won or mine.claim.passage < claim.passage:
                known = Passage(Direction.ENTRY, mine.claim.at, self._gate)
            else:
                mine.lost_to = Passage(Direction.ENTRY, claim.at, claim.gate)
                mine.decided.set()
        if known is not None:
            return _Entered(passage=claim.passage, at=known.at, gate=known.gate)
        self._heard.pop(claim.position, None)
        self._heard[claim.position] = _Heard(Passage(Direction.ENTRY, claim.at, claim.gate), sender)
        if len(self._heard) > REMEMBERED:
            del self._heard[next(iter(self._heard))]
        return _Free(passage=claim.passage)

    def _send(self, message: _Claim | _Free | _Entered, to: Address) -> None:
        if self._transport is None:
            return
        nonce = os.urandom(12)
        stamped = {
            "said": self._clock.wall().isoformat(),
            "message": message.model_dump(mode="json"),
        }
        sealed = self._cipher.encrypt(nonce, json.dumps(stamped).encode(), CONTEXT)
        self._transport.sendto(nonce + sealed, to)

    def _read(self, data: bytes) -> _Claim | _Free | _Entered | None:
        """Returns a message of another gate, None for anything else, also for an old one."""
        try:
            stamped = json.loads(self._cipher.decrypt(data[:12], data[12:], CONTEXT))
            age = self._clock.wall() - datetime.fromisoformat(stamped["said"])
            message = _MESSAGES.validate_python(stamped["message"])
        except (InvalidTag, ValidationError, ValueError, KeyError, TypeError):
            return None
        if abs(age) > FRESH:
            log.warning("another gate's clock is off by %d s: set both", age.total_seconds())
            return None
        return message
