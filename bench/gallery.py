"""How a process comes by its gallery: reading all of it at the start, and following what others
change afterwards.

People are written straight into the database (`bench.enrolled`). Reading is done as a service does
it, in a process that does nothing else. The feed is measured with two connections in one process:
one enrols, the other has a gallery that follows.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from sqlalchemy import insert
from sqlalchemy.engine import URL, make_url

from bench import enrolled as people
from bench.cloud import DURABLE
from bench.figure import Figure
from bench.process_tree import anonymous_kb, highest_resident_kb, resident_kb
from cloud import bootstrap
from cloud.context import Context
from cloud.db.database import open_database
from cloud.db.postgres import PostgresDatabase
from cloud.keys.person_keys import MasterKey
from cloud.people.accounts import fill
from cloud.recognition import feed
from cloud.recognition.gallery import Gallery
from cloud.state import State
from lab.evaluate.processes import processes
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedTemplate
from tests.support.postgres import another

ENROLLED = 20_000
"""How many palms there are in the end, if nothing else is said; a tenth of them at first."""
NEWCOMERS = 100
BYTES_A_PALM, S_A_MILLION = 200, 10
MANY = 100_000
"""From so many on the bounds count: what every process needs is divided by few palms otherwise."""
FEED_MS = 1000


@dataclass(frozen=True)
class Read:
    """What reading a gallery took."""

    palms: int
    s: float
    processor_s: float
    """The processor time of this process; a database server has its own."""
    kept: float
    """The memory of a palm in bytes, once all are read."""
    highest: float
    """The memory of a palm in bytes while they are read, at the highest."""


def measure(enrolled: int = ENROLLED) -> Iterator[Figure]:
    with TemporaryDirectory() as folder, another(DURABLE) as server:
        for name, url in (("SQLite", None), ("PostgreSQL", server.make("bench"))):
            state = State.open(Path(folder) / name, url)
            master, _ = bootstrap.open_store(state)
            kept = people.templates(state)
            for more in (enrolled // 10, enrolled - enrolled // 10):
                people.enrol(state.address, master, more, kept)
                yield from _reading(state, name)
            if isinstance(state.address, URL):
                delays = asyncio.run(_follow(state.address, master, enrolled, kept))
                how = (
                    f"{len(delays)} palms, from asking for the commit until the gallery of another "
                    f"connection has it, load {os.getloadavg()[0]:.0f}"
                )
                median = 1000 * statistics.median(delays)
                yield Figure("found elsewhere after, median", median, "ms", how)
                worst = 1000 * max(delays)
                yield Figure("  at the most", worst, "ms", how, FEED_MS)
                yield _room(state.address, enrolled)


def _reading(state: State, name: str) -> Iterator[Figure]:
    with processes(1, once=True) as pool:
        url = None if isinstance(state.address, Path) else state.address.render_as_string()
        read = next(pool.map(_read, [str(state.root)], [url]))
    counts = read.palms >= MANY
    how = f"{read.palms:,} palms, one process, load {os.getloadavg()[0]:.0f}"
    yield Figure(f"{name}: reading {read.palms:,} palms", read.s, "s", how)
    million = read.s / read.palms * 1e6
    yield Figure("  for a million", million, "s", how, S_A_MILLION if counts else None)
    yield Figure("  processor time for a million", read.processor_s / read.palms * 1e6, "s", how)
    bound = BYTES_A_PALM if counts else None
    yield Figure("  memory of a palm", read.kept, "B", "kept, anonymous memory", bound)
    yield Figure("  at the highest", read.highest, "B", "while they are read, resident memory")


def _read(root: str, url: str | None) -> Read:
    state = State.open(Path(root), None if url is None else make_url(url))
    master, _ = bootstrap.open_store(state)

    async def read() -> Read:
        store = open_database(state.address)
        gallery = empty_gallery()
        async with store.session() as session:
            # Connected, and with its statements known.
            await feed.newest(session)
            pid = os.getpid()
            kept, resident = anonymous_kb(pid), resident_kb(pid)
            began, worked = time.perf_counter(), time.process_time()
            await fill(session, master, gallery)
            s, processor_s = time.perf_counter() - began, time.process_time() - worked
        palms = len(gallery)
        a_palm = 1024 / palms
        found = Read(
            palms,
            s,
            processor_s,
            (anonymous_kb(pid) - kept) * a_palm,
            (highest_resident_kb(pid) - resident) * a_palm,
        )
        await store.close()
        return found

    return asyncio.run(read())


async def _follow(
    address: URL, master: MasterKey, joined: int, kept: Sequence[ProtectedTemplate]
) -> list[float]:
    """Returns the seconds until each palm that one connection adds is in the gallery of another."""
    here, elsewhere = PostgresDatabase(address), PostgresDatabase(address)
    gallery = empty_gallery()
    async with elsewhere.session() as session:
        await fill(session, master, gallery)
    context = cast(Context, SimpleNamespace(database=elsewhere, master=master, gallery=gallery))
    following = asyncio.create_task(feed.follow_others(context))
    rng = np.random.default_rng(0)
    delays: list[float] = []
    for number in range(NEWCOMERS):
        before = len(gallery)

        def has_come(before: int = before) -> bool:
            return len(gallery) > before

        code = rng.bytes(SEARCH_CODE_BYTES)
        newcomer = replace(kept[number % len(kept)], search_code=code)
        async with here.session() as session:
            for table, values in people.rows_of(master, joined + 1 + number, newcomer):
                await session.execute(insert(table), values)
            began = time.perf_counter()
            await session.commit()
        async with gallery.following:
            await gallery.following.wait_for(has_come)
        delays.append(time.perf_counter() - began)
        # Not in step with anything.
        await asyncio.sleep(float(rng.uniform(0, 0.05)))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await here.close()
    await elsewhere.close()
    return delays


def _room(address: URL, enrolled: int) -> Figure:
    with people.writing(address) as connection:
        taken = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar()
    how = f"PostgreSQL's files over {enrolled:,} people with a palm and a card each"
    return Figure("disk for a person", float(taken or 0) / enrolled, "B", how)


def empty_gallery() -> Gallery:
    """Returns a gallery for codes alone: it compares with nobody."""

    async def no_references(version: int, palm_ids: Collection[str]) -> dict[str, bytes]:
        del version, palm_ids
        return {}

    unused = cast(Any, None)
    return Gallery(unused, no_references, unused, {})
