"""The gallery: searches the enrolled palms in two steps.

The gallery holds search codes made under a secret transform (`palm.search.protection`). They are
pseudonyms of palms that show which are alike, and lie open in memory only. A search first ranks all
codes by their distance; the vault, which alone opens templates, then compares the nearest palms in
full.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from cloud.matching import Entry, Match
from palm.search.index import Index
from palm.search.protection import ProtectedProbe, ProtectedTemplate
from protocol.messages import Side

log = logging.getLogger(__name__)

References = Callable[[int, Collection[str]], Awaitable[Mapping[str, bytes]]]
"""Returns the sealed templates of a version by palm id, for those of the given palms that exist."""

Rarity = Callable[[int, float], float]
"""Returns the rarity of a score of a template version's matcher (`cloud.policy.Policy.rarity`)."""


class Comparer(Protocol):
    """Compares sealed templates; only the vault can."""

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]: ...


_NOBODY = "nobody"
"""An id that no palm has."""


class _Shelf(NamedTuple):
    """A set of palms whose codes can be compared: of one side, one template version and one
    transform."""

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
        """`shortlists` is, for each template version, the number of nearest palms that a search
        compares in full."""
        self.joined = 0
        self._vault = vault
        self._references = references
        self._rarity = rarity
        self._shortlists = shortlists
        self._shelves: defaultdict[_Shelf, Index] = defaultdict(Index)
        self._places: dict[str, _Place] = {}
        self._palms: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        """Returns how many palms are enrolled."""
        return len(self._places)

    @property
    def versions(self) -> set[int]:
        """The template versions of the enrolled palms: a search needs a probe in each."""
        return {shelf.version for shelf in self._shelves}

    def enrol(self, entries: Collection[Entry]) -> None:
        """Adds palms. A palm that is enrolled already is replaced."""
        for entry in entries:
            self.remove_palm(entry.palm_id)
            shelf = _shelf_of(entry.side, entry.template)
            self._shelves[shelf].add(entry.palm_id, entry.template.search_code)
            self._places[entry.palm_id] = _Place(entry.person_id, shelf)
            self._palms[entry.person_id].add(entry.palm_id)

    def remove(self, person_id: str) -> None:
        """Removes all palms of a person."""
        for palm_id in list(self._palms.get(person_id, ())):
            self.remove_palm(palm_id)

    def remove_palm(self, palm_id: str) -> None:
        """Removes one palm; does nothing when it is not enrolled."""
        if palm_id not in self._places:
            return
        person_id, shelf = self._places.pop(palm_id)
        index = self._shelves[shelf]
        index.remove(palm_id)
        if len(index) == 0:
            del self._shelves[shelf]
        self._palms[person_id].discard(palm_id)
        if not self._palms[person_id]:
            del self._palms[person_id]

    async def search(
        self, side: Side, probes: Sequence[ProtectedProbe], at_least: float
    ) -> list[Match]:
        """Searches 1:N: returns people whose match is at least this rare, best match first.

        A palm is only compared with palms of its own side. Raises VaultUnavailable.
        """
        best: dict[str, Match] = {}
        for probe in probes:
            index = self._shelves.get(_shelf_of(side, probe.kept))
            if index is None:
                continue
            shortlist = self._shortlists[probe.kept.version]
            nearest = await asyncio.to_thread(index.nearest, probe.kept.search_code, shortlist)
            for match in await self._compare(probe, [palm_id for palm_id, _ in nearest]):
                so_far = best.get(match.person_id, match)
                best[match.person_id] = max(so_far, match, key=lambda each: each.rarity)
        matches = [match for match in best.values() if match.rarity >= at_least]
        return sorted(matches, key=lambda match: -match.rarity)

    async def verify(
        self, side: Side, probes: Sequence[ProtectedProbe], person_id: str | None
    ) -> Match | None:
        """Compares 1:1: returns the best match with one person; None when they have no palm of that
        side, and when the person is None.

        Without a palm to compare, the probe is compared with itself and the score discarded, so the
        time does not tell whether somebody has an account. Raises VaultUnavailable.
        """
        matches: list[Match] = []
        for probe in probes:
            shelf = _shelf_of(side, probe.kept)
            enrolled = self._palms.get(person_id, ()) if person_id is not None else ()
            comparable = [palm_id for palm_id in enrolled if self._places[palm_id].shelf == shelf]
            if comparable:
                matches += await self._compare(probe, comparable)
            else:
                version = probe.kept.version
                await self._references(version, [_NOBODY])
                await self._vault.compare(version, probe.whole, [probe.kept.sealed])
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
                # Without a place, the person was removed while we compared: skip.
                rarity = self._rarity(version, score)
                matches.append(Match(place.person_id, palm_id, version, rarity))
        return matches
