"""The gallery: searches the enrolled palms in two steps.

The gallery holds search codes made under a secret transform (`palm.search.protection`). They are
pseudonyms of palms that show which are alike, and lie open in memory only. A search first ranks all
codes by their distance; the vault, which alone opens templates, then compares the nearest palms in
full.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import NamedTuple, Protocol

from cloud.matching import Code, Match, SignsDisagree
from cloud.vault.messages import Confirmation
from palm.search.index import Index
from palm.search.protection import ProtectedProbe
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

    async def confirm(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[Confirmation | None]: ...


SHARE = 0.03
"""The share of a gallery among whose nearest codes all but 0.3 % of mates are
(docs/scale.md#how-far-a-search-looks)."""
LONGEST = 4096
"""The largest number of palms that a search compares in full: they take 0.35 s of the vault."""

_NOBODY = "nobody"
"""An id that no palm and no person has."""
_EMPTY = Index()


class _Shelf(NamedTuple):
    """A set of palms whose codes can be compared: of one side, one template version and one
    transform."""

    side: Side
    version: int
    transform: str


def _shelf_of(side: Side, probe: ProtectedProbe) -> _Shelf:
    return _Shelf(side, probe.kept.version, probe.kept.transform)


class Gallery:
    def __init__(
        self,
        vault: Comparer,
        references: References,
        rarity: Rarity,
        shortlists: Mapping[int, int],
    ) -> None:
        """`shortlists` is, for each template version, the number of nearest palms that a search
        compares in full, and in a large gallery at once."""
        self.joined = 0
        self.seen: int | None = None
        self.following = asyncio.Condition()
        self._vault = vault
        self._references = references
        self._rarity = rarity
        self._shortlists = shortlists
        self._shelves: defaultdict[_Shelf, Index] = defaultdict(Index)
        self._gone_meanwhile: list[set[str]] = []
        """For each comparison that is under way, the palms that were removed since it began."""

    def __len__(self) -> int:
        """Returns how many palms are enrolled."""
        return sum(map(len, self._shelves.values()))

    @property
    def versions(self) -> set[int]:
        """The template versions of the enrolled palms: a search needs a probe in each."""
        return {shelf.version for shelf in self._shelves}

    def enrol(self, palms: Collection[Code]) -> None:
        """Adds palms. A palm that is enrolled already is replaced."""
        for palm in palms:
            shelf = _Shelf(palm.side, palm.version, palm.transform)
            self._remove_palm(palm.palm_id, but=shelf)
            self._shelves[shelf].add(palm.palm_id, palm.person_id, palm.search_code)

    def fill(self, palms: Collection[Code]) -> None:
        """Adds palms of which none is enrolled yet, without looking for them."""
        by_shelf: defaultdict[_Shelf, list[Code]] = defaultdict(list)
        for palm in palms:
            by_shelf[_Shelf(palm.side, palm.version, palm.transform)].append(palm)
        for shelf, alike in by_shelf.items():
            self._shelves[shelf].fill(
                [palm.palm_id for palm in alike],
                [palm.person_id for palm in alike],
                [palm.search_code for palm in alike],
            )

    def remove(self, person_id: str) -> None:
        """Removes all palms of a person."""
        for index in list(self._shelves.values()):
            for palm_id in index.names_of(person_id):
                self.remove_palm(palm_id)

    def remove_palm(self, palm_id: str) -> None:
        """Removes one palm; does nothing when it is not enrolled."""
        self._remove_palm(palm_id)
        for gone in self._gone_meanwhile:
            gone.add(palm_id)

    def _remove_palm(self, palm_id: str, but: _Shelf | None = None) -> None:
        for shelf, index in list(self._shelves.items()):
            if shelf != but and index.remove(palm_id) and len(index) == 0:
                del self._shelves[shelf]

    async def search(
        self,
        side: Side,
        probes: Sequence[ProtectedProbe],
        at_least: float,
        certain: float,
        compared: Sequence[set[str]] | None = None,
    ) -> list[Match]:
        """Searches 1:N: returns people whose match is at least this rare, best match first. It
        looks further among the palms as long as no match is as rare as `certain`.

        A palm is only compared with palms of its own side. `compared` holds, for each probe, the
        ids of the palms with which an earlier search has compared it: they are left out, and those
        with which it is compared now are added. Raises VaultUnavailable.
        """
        best: dict[str, Match] = {}
        for probe, known in zip(probes, compared or [set[str]() for _ in probes], strict=True):
            async with aclosing(self._compared(side, probe, known)) as parts:
                async for matches in parts:
                    for match in matches:
                        so_far = best.get(match.person_id, match)
                        best[match.person_id] = max(so_far, match, key=lambda each: each.rarity)
                    if any(match.rarity >= certain for match in matches):
                        break
        found = [match for match in best.values() if match.rarity >= at_least]
        return sorted(found, key=lambda match: -match.rarity)

    async def _compared(
        self, side: Side, probe: ProtectedProbe, compared: set[str]
    ) -> AsyncGenerator[list[Match]]:
        """Compares a probe in full with the nearest palms that are not `compared` yet, and yields
        what matches: first among as many as each search compares, then among more of a large
        gallery, a part at a time."""
        index = self._shelves.get(_shelf_of(side, probe))
        if index is None:
            return
        part = self._shortlists[probe.kept.version]
        longest = min(round(SHARE * len(index)), LONGEST)
        for count in (part, longest) if longest > part else (part,):
            near = await asyncio.to_thread(index.nearest, probe.kept.search_code, count)
            left = [each for each in near if each.name not in compared]
            for begin in range(0, len(left), part):
                people = {each.name: each.owner for each in left[begin : begin + part]}
                yield await self._compare(probe, people)
                compared.update(people)

    async def verify(
        self,
        side: Side,
        probes: Sequence[ProtectedProbe],
        person_id: str | None,
        at_least: float,
    ) -> Match | None:
        """Compares 1:1: returns the best match with one person, confirmed, if it is at least this
        rare; None when they have no palm of that side, and when the person is None.

        Without a palm to compare, the probe is compared with itself and the score discarded, so the
        time does not tell whether somebody has an account. Raises SignsDisagree and
        VaultUnavailable.
        """
        matches: list[Match] = []
        for probe in probes:
            index = self._shelves.get(_shelf_of(side, probe), _EMPTY)
            # Nobody is looked for as long as somebody.
            comparable = index.names_of(person_id or _NOBODY)
            if comparable and person_id is not None:
                matches += await self._compare(probe, dict.fromkeys(comparable, person_id))
            else:
                version = probe.kept.version
                await self._references(version, [_NOBODY])
                await self._vault.compare(version, probe.whole, [probe.kept.sealed])
        best = max(matches, key=lambda match: match.rarity, default=None)
        if best is None or best.rarity < at_least:
            return None
        return next(iter(await self.confirm(probes, [best], at_least)), None)

    async def confirm(
        self, probes: Sequence[ProtectedProbe], matches: Sequence[Match], enough: float
    ) -> list[Match]:
        """Returns the matches that no sign speaks against (`palm.liveness.signed`), in order.

        Raises SignsDisagree when signs speak against all that are rare `enough`, and
        VaultUnavailable.
        """
        said: dict[str, Confirmation | None] = {}
        for probe in probes:
            version = probe.kept.version
            palm_ids = [match.palm_id for match in matches if match.version == version]
            # Whoever left meanwhile has no reference any more.
            if palm_ids and (references := await self._references(version, palm_ids)):
                sealed = list(references.values())
                answers = await self._vault.confirm(version, probe.whole, sealed)
                said |= zip(references, answers, strict=True)
        confirmed = [
            replace(match, incomplete=said[match.palm_id] is Confirmation.LACKS)
            for match in matches
            if said.get(match.palm_id) in (Confirmation.AGREES, Confirmation.LACKS)
        ]
        against = (m for m in matches if said.get(m.palm_id) is Confirmation.DISAGREES)
        if any(m.rarity >= enough for m in against) and not any(
            m.rarity >= enough for m in confirmed
        ):
            raise SignsDisagree
        return confirmed

    async def _compare(self, probe: ProtectedProbe, people: Mapping[str, str]) -> list[Match]:
        """Compares a probe with palms in full. `people` holds whose each palm is, by its id. A palm
        that is removed meanwhile matches nothing."""
        version = probe.kept.version
        with self._noting_removals() as gone:
            references = await self._references(version, people)
            if not references:
                return []
            scores = await self._vault.compare(version, probe.whole, list(references.values()))
        matches: list[Match] = []
        for palm_id, score in zip(references, scores, strict=True):
            if score is None:
                log.error("the vault cannot open an enrolled template; restore its keys")
            elif palm_id not in gone:
                rarity = self._rarity(version, score)
                matches.append(Match(people[palm_id], palm_id, version, rarity))
        return matches

    @contextmanager
    def _noting_removals(self) -> Generator[set[str]]:
        gone: set[str] = set()
        self._gone_meanwhile.append(gone)
        try:
            yield gone
        finally:
            self._gone_meanwhile = [each for each in self._gone_meanwhile if each is not gone]
