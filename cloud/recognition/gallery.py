"""Enrolled palms, searched: the engine behind recognition.

Here are only codes under a secret transform (`palm.search.protection`), and nothing here can tell
more of a palm than which codes lie near each other. All of them are scanned; the vault, which alone
can, compares the nearest in full.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from palm.search.index import Index
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from protocol.messages import Side

log = logging.getLogger(__name__)

References = Callable[[int, Collection[str]], Awaitable[Mapping[str, bytes]]]
"""The sealed templates, of a version, of the palms with these ids, of those that there are."""

Rarity = Callable[[int, float], float]
"""From a template version and a score of its matcher to how rare a score like it is among
strangers: -log10 of the false-match rate (`cloud.recognition.policy.Policy.rarity`)."""


class Comparer(Protocol):
    """Who can open templates: the vault."""

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    palm_id: str
    person_id: str
    side: Side
    template: ProtectedTemplate


@dataclass(frozen=True, slots=True)
class Match:
    """The palm of one person that came nearest."""

    person_id: str
    palm_id: str
    version: int
    """Of the templates in which they met."""
    rarity: float
    """Comparable across versions; the higher, the surer."""


class _Shelf(NamedTuple):
    """What can be compared with each other: palms of one side, in templates of one version, whose
    codes were made under one transform."""

    side: Side
    version: int
    transform: str


def _shelf_of(side: Side, template: ProtectedTemplate) -> _Shelf:
    return _Shelf(side, template.version, template.transform)


class _Place(NamedTuple):
    person_id: str
    shelf: _Shelf


class Gallery:
    def __init__(
        self,
        vault: Comparer,
        references: References,
        rarity: Rarity,
        shortlists: Mapping[int, int],
    ) -> None:
        """`shortlists` says how many palms, whose codes lie nearest, are compared in full in each
        version."""
        self._vault = vault
        self._references = references
        self._rarity = rarity
        self._shortlists = shortlists
        self._shelves: defaultdict[_Shelf, Index] = defaultdict(Index)
        self._places: dict[str, _Place] = {}
        self._palms: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        """How many palms are enrolled."""
        return len(self._places)

    @property
    def versions(self) -> set[int]:
        """In which somebody is enrolled: a probe is needed in each."""
        return {shelf.version for shelf in self._shelves}

    def enrol(self, entries: Collection[Entry]) -> None:
        """A palm that is here already is replaced."""
        for entry in entries:
            if entry.palm_id in self._places:
                self._take_out(entry.palm_id)
            template = entry.template
            shelf = _shelf_of(entry.side, template)
            self._shelves[shelf].add(entry.palm_id, template.search_code)
            self._places[entry.palm_id] = _Place(entry.person_id, shelf)
            self._palms[entry.person_id].add(entry.palm_id)

    def remove(self, person_id: str) -> None:
        """Takes all palms of a person out."""
        for palm_id in list(self._palms.get(person_id, ())):
            self._take_out(palm_id)

    async def search(
        self, side: Side, probes: Sequence[ProtectedProbe], at_least: float
    ) -> list[Match]:
        """1:N. Everybody who reaches that rarity, the surest first. A palm is only compared with
        palms of its own side. Raises VaultUnavailable."""
        best: dict[str, Match] = {}
        for probe in probes:
            index = self._shelves.get(_shelf_of(side, probe.kept))
            if index is None:
                continue
            shortlist = self._shortlists[probe.kept.version]
            nearest = await asyncio.to_thread(index.nearest, probe.kept.search_code, shortlist)
            for match in await self._compare(probe, [palm_id for palm_id, _ in nearest]):
                known = best.get(match.person_id, match)
                best[match.person_id] = max(known, match, key=lambda each: each.rarity)
        near = [match for match in best.values() if match.rarity >= at_least]
        return sorted(near, key=lambda match: -match.rarity)

    async def verify(
        self, side: Side, probes: Sequence[ProtectedProbe], person_id: str
    ) -> Match | None:
        """1:1. None when that person has no palm of that side here. Raises VaultUnavailable."""
        matches: list[Match] = []
        for probe in probes:
            shelf = _shelf_of(side, probe.kept)
            theirs = self._palms.get(person_id, ())
            there = [palm_id for palm_id in theirs if self._places[palm_id].shelf == shelf]
            matches += await self._compare(probe, there)
        return max(matches, key=lambda match: match.rarity, default=None)

    async def _compare(self, probe: ProtectedProbe, palm_ids: Collection[str]) -> list[Match]:
        version = probe.kept.version
        references = await self._references(version, palm_ids)
        if not references:
            return []
        scores = await self._vault.compare(version, probe.whole, list(references.values()))
        matches: list[Match] = []
        for palm_id, score in zip(references, scores, strict=True):
            place = self._places.get(palm_id)
            if score is None:
                log.error("the vault cannot open an enrolled template; restore its keys")
            elif place is not None:
                # Whoever was removed meanwhile is nobody.
                rarity = self._rarity(version, score)
                matches.append(Match(place.person_id, palm_id, version, rarity))
        return matches

    def _take_out(self, palm_id: str) -> None:
        person_id, shelf = self._places.pop(palm_id)
        index = self._shelves[shelf]
        index.remove(palm_id)
        if len(index) == 0:
            del self._shelves[shelf]
        self._palms[person_id].discard(palm_id)
        if not self._palms[person_id]:
            del self._palms[person_id]
