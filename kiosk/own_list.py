"""Whom the gate lets pass without a network: a list that the service has made for it, held in
memory alone and erased when its time has passed.

The kiosk recognises the people of that list by itself and nobody else, each in the version in
which their palm was kept: an update of the service turns nobody away. It counts the list's time by
both of its clocks and by the one that is further: a clock that is set back gains nothing.
"""

import asyncio
import logging
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.clock import Clock
from kiosk.screens import GateAnswer
from kiosk.service.errors import Refused, ServiceError
from palm.burst import BurstFinder, Seen, spread
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Shown
from palm.hand.roi import Roi
from palm.liveness.same_palm import lines
from palm.template.current import PAIRS
from palm.template.interfaces import Extractor, Matcher, Template
from protocol.capture import Burst, Spectrum
from protocol.encoding import from_base64
from protocol.entry import ListedPalms, ListedPerson, SiteList
from protocol.envelope import EnvelopeError, PrivateKey
from protocol.messages import Direction, Side, VaultKey
from protocol.site_list import binding, open_templates

log = logging.getLogger(__name__)

EVERY_S = 300.0
"""Seconds between two lists while there is a network, so that whoever was taken off it is soon
unknown here."""
QUALITY_AT_LEAST = 0.6
"""The lowest quality of a palm that is compared, as in the vault (`cloud.vault.palms`)."""


class ListService(Protocol):
    """The part of the service that a list is asked from
    (`kiosk.service.client.SignatureService`)."""

    @property
    def device_id(self) -> str: ...

    async def site_list(self, key: VaultKey) -> SiteList: ...


class Matching(Protocol):
    """Makes templates of palms and compares them; called from other threads."""

    @property
    def versions(self) -> Container[int]:
        """The versions of templates that it makes and compares."""
        ...

    def read(self, burst: Burst) -> tuple[Side, Sequence[Roi]] | None:
        """Returns the palm that a burst shows; None when it shows none."""
        ...

    def extract(self, palms: Sequence[Roi], version: int) -> Template: ...

    def prepare(self, version: int, templates: Sequence[Template]) -> Any: ...

    def compare(self, probe: Template, prepared: Any) -> npt.NDArray[np.float32]:
        """Returns the score of each prepared template."""
        ...


class PalmMatching:
    """The product's own extractors and matchers. Those of a version are made when a list first has
    templates of it."""

    versions: Container[int] = PAIRS

    def __init__(self) -> None:
        """Raises ModelMissing when the palm models have not been built."""
        self._hands = BurstFinder(HandFinder())
        self._made: dict[int, tuple[Extractor, Matcher]] = {}

    def read(self, burst: Burst) -> tuple[Side, Sequence[Roi]] | None:
        self._hands.begin()
        palms: list[Roi] = []
        before: Seen | None = None
        for frame in burst.frames:
            if frame.light is not None or frame.spectrum is not Spectrum.COLOUR:
                continue
            image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                continue
            colour = np.asarray(image, np.uint8)
            hands = self._hands.find(colour, before)
            if len(hands) != 1 or hands[0].shown is not Shown.PALM:
                continue
            palm = align(colour, hands[0])
            if palm.quality >= QUALITY_AT_LEAST and palm.side is (palms or [palm])[0].side:
                palms.append(palm)
                before = hands[0], lines(palm)
        return (Side(palms[0].side), spread(palms)) if palms else None

    def extract(self, palms: Sequence[Roi], version: int) -> Template:
        return self._pair(version)[0].extract(palms)

    def prepare(self, version: int, templates: Sequence[Template]) -> Any:
        return self._pair(version)[1].prepare(templates)

    def compare(self, probe: Template, prepared: Any) -> npt.NDArray[np.float32]:
        return self._pair(probe.version)[1].compare(probe, prepared)

    def _pair(self, version: int) -> tuple[Extractor, Matcher]:
        if version not in self._made:
            extractor, matcher = PAIRS[version]
            self._made[version] = extractor(), matcher()
        return self._made[version]


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody whom the list lets pass now."""

    person: ListedPerson
    after_s: int
    """Seconds since the list was made."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The people of a list whose templates are of one version."""

    version: int
    at_least: float
    people: list[ListedPerson]
    prepared: Any = field(repr=False)


@dataclass(slots=True)
class _Held:
    """A list that is in memory."""

    told: SiteList
    parts: list[_Part]
    since: float
    wall_since: float
    passed: set[str] = field(default_factory=set[str], repr=False)
    """The marks of those who have come in by this list."""


class OwnList:
    """The list of one gate."""

    def __init__(
        self, service: ListService, clock: Clock, make_matching: "type[Matching]" = PalmMatching
    ) -> None:
        self._service = service
        self._clock = clock
        self._make_matching = make_matching
        self._matching: Matching | None = None
        self._held: _Held | None = None
        self._due = float("-inf")

    @property
    def counts(self) -> bool:
        """Whether people can be let pass by it now. It is erased as soon as its time has passed."""
        held = self._held
        if held is not None and self._age(held) >= held.told.valid_s:
            self.erase()
        return self._held is not None

    def erase(self) -> None:
        """Erases it from memory. A new one is asked for as soon as there may be one."""
        held, self._held = self._held, None
        self._due = float("-inf")
        if held is not None:
            _wipe_all(held.parts)
            log.info("the list of people who pass without a network was erased")

    async def renew(self) -> None:
        """Erases what has expired, and asks for a new list when it is time. A list that the service
        refuses is erased: the device is not known any more, or stands at another door."""
        if self.counts and self._clock.now() < self._due:
            return
        try:
            await self._load()
        except Refused as refused:
            log.warning("this gate lets nobody pass without a network: %s", refused)
            self.erase()
            self._due = self._clock.now() + EVERY_S
        except ServiceError:
            # What there is counts until its time has passed.
            return

    async def find(self, burst: Burst) -> Found | GateAnswer:
        """Returns who of the list shows their palm and may pass now, or why nobody may."""
        if not self.counts or self._held is None or self._matching is None:
            return GateAnswer.AWAY
        held, matching = self._held, self._matching
        alike = await asyncio.to_thread(_alike, matching, burst, held.parts)
        # It may have been erased meanwhile: then nothing that was compared counts.
        if not self.counts or self._held is not held:
            return GateAnswer.AWAY
        if len(alike) != 1:
            return GateAnswer.NOT_SURE if alike else GateAnswer.NOT_KNOWN
        return self._decide(held, alike[0])

    def _decide(self, held: _Held, person: ListedPerson) -> Found | GateAnswer:
        after_s = int(self._age(held))
        if not any(begin <= after_s < end for begin, end in person.times):
            return GateAnswer.CLOSED
        if held.told.once and person.mark in held.passed:
            return GateAnswer.ALREADY_IN
        return Found(person, after_s)

    def note(self, found: Found) -> None:
        """Notes that somebody has come in."""
        if self._held is not None and self._held.told.direction is Direction.ENTRY:
            self._held.passed.add(found.person.mark)

    @property
    def told(self) -> SiteList | None:
        """What the service has said of it; None while there is none."""
        return None if self._held is None else self._held.told

    async def _load(self) -> None:
        """Raises ServiceError."""
        key = PrivateKey.generate()
        # Counted from before the service made it.
        since, wall_since = self._clock.now(), self._clock.wall().timestamp()
        told = await self._service.site_list(key.public)
        self._due = self._clock.now() + EVERY_S
        if self._matching is None:
            self._matching = await asyncio.to_thread(self._make_matching)
        parts: list[_Part] = []
        for listed in (told, *told.earlier):
            try:
                part = await asyncio.to_thread(self._opened, listed, key)
            except (EnvelopeError, ValueError):
                log.error("the list of people who pass without a network does not open")
                _wipe_all(parts)
                self._replace(None)
                return
            if part is not None:
                parts.append(part)
        self._replace(_Held(told, parts, since, wall_since) if parts else None)

    def _opened(self, listed: ListedPalms, key: PrivateKey) -> _Part | None:
        """Returns a part of a list; None when this kiosk does not compare such templates. Raises
        EnvelopeError and ValueError when it does not open."""
        assert self._matching
        version = listed.version
        if version not in self._matching.versions:
            log.error(
                "this gate does not let %d people pass without a network: their palms are kept in "
                "templates of version %d, which this kiosk does not compare. Update it.",
                len(listed.people),
                version,
            )
            return None
        bound_to = binding(self._service.device_id, [each.mark for each in listed.people])
        opened = open_templates(from_base64(listed.templates), key, bound_to)
        pairs = [
            (person, Template(version, data))
            for person, data in zip(listed.people, opened, strict=False)
            if data is not None
        ]
        prepared = self._matching.prepare(version, [each for _, each in pairs])
        return _Part(version, listed.at_least, [person for person, _ in pairs], prepared)

    def _replace(self, held: _Held | None) -> None:
        before, self._held = self._held, held
        if before is not None:
            _wipe_all(before.parts)

    def _age(self, held: _Held) -> float:
        """Returns the seconds since a list was made, by the clock that is further."""
        elapsed = self._clock.now() - held.since
        return max(elapsed, self._clock.wall().timestamp() - held.wall_since)


def _alike(matching: Matching, burst: Burst, parts: Sequence[_Part]) -> list[ListedPerson]:
    """Returns the people of a list who may have shown the palm in a burst."""
    read = matching.read(burst)
    if read is None:
        return []
    side, palms = read
    alike: list[ListedPerson] = []
    for part in parts:
        if not part.people:
            continue
        probe = matching.extract(palms, part.version)
        scores = matching.compare(probe, part.prepared).tolist()
        alike += [
            person
            for person, score in zip(part.people, scores, strict=True)
            if person.side is side and score >= part.at_least
        ]
    return alike


def _wipe_all(parts: Sequence[_Part]) -> None:
    for part in parts:
        _wipe(part.prepared)


def _wipe(prepared: Any) -> None:
    """Overwrites the arrays of templates that were prepared."""
    if isinstance(prepared, np.ndarray):
        if prepared.flags.writeable:
            prepared.fill(0)
    elif is_dataclass(prepared):
        for each in fields(prepared):
            _wipe(getattr(prepared, each.name))
