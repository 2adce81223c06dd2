"""Enrolled palms, searched: the engine behind recognition."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from palm.recognition import Matcher, Template
from protocol.messages import Side


@dataclass(frozen=True, slots=True)
class Entry:
    palm_id: str
    person_id: str
    side: Side
    template: Template = field(repr=False)


@dataclass(frozen=True, slots=True)
class Match:
    """The best score any palm of one person reached."""

    person_id: str
    score: float


class Gallery(Protocol):
    """A palm is only ever compared with palms of its own side."""

    def __len__(self) -> int:
        """How many palms are enrolled."""
        ...

    def enrol(self, entries: Collection[Entry]) -> None: ...

    def remove(self, person_id: str) -> None:
        """Takes all palms of a person out."""
        ...

    async def search(self, side: Side, probe: Template, at_least: float) -> list[Match]:
        """1:N. Everybody who reaches the score, the best first."""
        ...

    async def verify(self, side: Side, probe: Template, person_id: str) -> float | None:
        """1:1. None when that person has no palm of that side here."""
        ...


class ExactGallery:
    """Compares in this process, with every palm for as long as the matcher's search does: the line
    field's looks at all of a side up to `palm.linefield.SHORTLIST`, at the likeliest beyond."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._entries: dict[Side, list[Entry]] = {side: [] for side in Side}
        self._prepared: dict[Side, object] = {}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def enrol(self, entries: Collection[Entry]) -> None:
        # A search in another thread keeps the list it began with: lists are replaced, not changed.
        for side in {entry.side for entry in entries}:
            self._entries[side] = [*self._entries[side], *(e for e in entries if e.side is side)]
            self._prepared.pop(side, None)

    def remove(self, person_id: str) -> None:
        for side, entries in self._entries.items():
            kept = [entry for entry in entries if entry.person_id != person_id]
            if len(kept) != len(entries):
                self._entries[side] = kept
                self._prepared.pop(side, None)

    async def search(self, side: Side, probe: Template, at_least: float) -> list[Match]:
        entries = self._entries[side]
        if not entries:
            return []
        prepared = self._prepared.get(side)
        if prepared is None:
            templates = [entry.template for entry in entries]
            prepared = await asyncio.to_thread(self._matcher.prepare, templates)
            if self._entries[side] is entries:
                self._prepared[side] = prepared
        scores = await asyncio.to_thread(self._matcher.search, probe, prepared)
        best: dict[str, float] = {}
        for entry, score in zip(entries, scores.tolist(), strict=True):
            if score >= at_least:
                best[entry.person_id] = max(score, best.get(entry.person_id, score))
        return sorted((Match(*item) for item in best.items()), key=lambda m: -m.score)

    async def verify(self, side: Side, probe: Template, person_id: str) -> float | None:
        theirs = [e.template for e in self._entries[side] if e.person_id == person_id]
        scores = [await asyncio.to_thread(self._matcher.score, probe, t) for t in theirs]
        return max(scores, default=None)
