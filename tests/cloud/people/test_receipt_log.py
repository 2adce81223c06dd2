"""The log of receipts: every receipt is in it once, in the order in which they were issued."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cloud.context import Database
from cloud.db import migration
from cloud.people import receipt_log
from cloud.people.deletions import remains_of
from cloud.people.tables import LogNode
from protocol import documents, merkle, verify_receipt
from protocol.encoding import from_base64
from protocol.messages import DeletionReceipt, DeletionRequest, Purpose, ReceiptLog
from tests.support.device import TestDevice
from tests.support.portal import Portal, open_portal
from tests.support.receipt_logs import ReceiptLogs, leaves_of, read_log, tree_hash
from tests.support.served import Served

pytestmark = pytest.mark.anyio

LARGEST = 70


@pytest.fixture
async def portal(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        yield portal


async def append(store: Database, *entries: bytes) -> None:
    async with store.session() as session:
        for entry in entries:
            await receipt_log.append(session, entry)
        await session.commit()


async def nodes(store: Database) -> dict[merkle.Node, bytes]:
    async with store.session() as session:
        rows = await session.scalars(select(LogNode))
        return {(row.level, row.place): row.hash for row in rows}


async def test_a_log_of_any_size_has_all_its_subtrees_and_proves_every_entry(portal: Portal):
    logs = ReceiptLogs()
    for size in range(1, LARGEST + 1):
        receipt = documents.document_of(logs.issue())
        await append(portal.database, documents.entry_of(receipt))
        stored = await nodes(portal.database)
        assert leaves_of(stored) == logs.leaves
        async with portal.database.session() as session:
            since = (size * 7) % (size + 1)
            log = await receipt_log.published(portal.context, session, since, portal.now)
            proven = await receipt_log.prove(portal.context, session, receipt, portal.now)
        root = tree_hash(logs.leaves)
        assert (log.head.size, from_base64(log.head.root)) == (size, root)
        path = [from_base64(each) for each in log.consistency]
        assert merkle.is_consistent(since, size, path, tree_hash(logs.leaves[:since]), root)
        path = [from_base64(each) for each in proven.proof.path]
        assert merkle.is_included(logs.leaves[-1], size - 1, size, path, root)


async def test_an_empty_log_has_the_root_of_an_empty_tree(portal: Portal):
    async with portal.database.session() as session:
        head = (await receipt_log.published(portal.context, session, 0, portal.now)).head
    assert (head.size, from_base64(head.root)) == (0, merkle.EMPTY)
    key = portal.context.receipt_key.public_key().public_bytes_raw()
    assert documents.verify(documents.document_of(head)) == key


async def test_entries_that_come_at_once_take_their_turns(portal: Portal):
    entries = [bytes([number]) for number in range(20)]
    await asyncio.gather(*(append(portal.database, entry) for entry in entries))
    leaves = leaves_of(await nodes(portal.database))
    assert sorted(leaves) == sorted(map(merkle.leaf_hash, entries))


async def test_what_is_rolled_back_leaves_no_gap(portal: Portal):
    await append(portal.database, b"one", b"two", b"three")
    async with portal.database.session() as session:
        await receipt_log.append(session, b"never issued")
    await append(portal.database, b"four")
    leaves = leaves_of(await nodes(portal.database))
    assert leaves == [merkle.leaf_hash(entry) for entry in (b"one", b"two", b"three", b"four")]


async def test_no_entry_is_logged_twice(portal: Portal):
    await append(portal.database, b"one")
    with pytest.raises(IntegrityError):
        await append(portal.database, b"one")
    assert len(leaves_of(await nodes(portal.database))) == 1


APPENDING = """
import asyncio, os, sys
from pathlib import Path
from cloud.db.sqlite import SqliteDatabase
from cloud.people import receipt_log

async def main(path, name):
    store = SqliteDatabase(path)
    for number in range(10_000):
        async with store.session() as session:
            await receipt_log.append(session, f"{name} {number}".encode())
            await session.commit()
        # In one piece: the three write to one pipe.
        os.write(1, f"{name} {number} {os.getpid()}\\n".encode())

for name in "abc":
    if os.fork() == 0:
        sys.exit(asyncio.run(main(Path(sys.argv[1]), name)))
"""
"""Runs three processes that append to one log. They are forks of one, since loading what they need
takes longer than all that they do."""


@pytest.mark.process
def test_processes_that_are_killed_leave_no_gap_and_lose_nothing(tmp_path: Path):
    """Every entry whose transaction was reported as done is there, in its process's order."""
    path = tmp_path / "palms.db"
    migration.migrate(path)
    done = {"a": 12, "b": 25, "c": 40}
    with subprocess.Popen(
        [sys.executable, "-c", APPENDING, str(path)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        # It ends when all three have ended.
        for line in running.stdout:
            name, number, process = line.split()
            if int(number) == done[name]:
                os.kill(int(process), signal.SIGKILL)
    with closing(sqlite3.connect(path)) as stored:
        leaves = leaves_of(read_log(stored))
    order = {leaf: place for place, leaf in enumerate(leaves)}
    of_them = 0
    for name, last in done.items():
        places: list[int] = []
        for number in range(10_000):
            place = order.get(merkle.leaf_hash(f"{name} {number}".encode()))
            if place is None:
                break
            places.append(place)
        assert places == sorted(places)
        assert len(places) > last
        of_them += len(places)
    assert of_them == len(leaves)


# With the service


def leave(kiosk: TestDevice, who: str) -> DeletionReceipt:
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    return kiosk.post("/deletions", request, DeletionReceipt)


def published(kiosk: TestDevice, since: int | None = None) -> ReceiptLog:
    query = "" if since is None else f"?since={since}"
    answer = kiosk.http.get(f"/v1/receipt-log{query}")
    return ReceiptLog.model_validate_json(answer.content)


def test_a_receipt_is_in_the_log_when_it_is_answered(kiosk: TestDevice, who: str):
    before = published(kiosk)
    kiosk.sign_up(who)
    receipt = leave(kiosk, who)
    after = published(kiosk, before.head.size)
    assert after.head.size == before.head.size + 1
    leaf = merkle.leaf_hash(documents.entry_of(documents.document_of(receipt)))
    old, new = from_base64(before.head.root), from_base64(after.head.root)
    path = [from_base64(each) for each in after.consistency]
    assert merkle.is_consistent(before.head.size, after.head.size, path, old, new)
    assert path[-1:] == [] or leaf != old


@pytest.fixture
def trusted(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the service's own authority trusted, as that of a public certificate is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(served.state.ca))


@pytest.mark.usefixtures("trusted")
def test_the_log_is_checked_at_its_address(
    served: Served,
    kiosk: TestDevice,
    who: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    old, file = tmp_path / "old.json", tmp_path / "receipt.json"
    old.write_text(published(kiosk).model_dump_json())
    kiosk.sign_up(who)
    receipt = leave(kiosk, who)
    file.write_bytes(kiosk.http.get(f"/portal/receipts/{receipt.receipt_id}.json").content)
    for path in ("/portal/receipt-log.json", "/v1/receipt-log"):
        words = [str(file), "--key", f"{served.url}{path}", "--since", str(old)]
        assert verify_receipt.main(words) == verify_receipt.VERIFIED
        said = capsys.readouterr().out
        assert "The receipt is in the log" in said
        assert "The log has only grown since the earlier head" in said
        assert "The log has only grown since the download of the receipt" in said
    words = [str(file), "--key", f"{served.url}/portal/none"]
    assert verify_receipt.main(words) == verify_receipt.UNREADABLE
    assert "answers with the status 404" in capsys.readouterr().err


@pytest.mark.sqlite
def test_an_operator_learns_that_a_receipt_is_not_in_the_log(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    receipt = leave(kiosk, who)

    def remains() -> list[str]:
        return served.do(remains_of(receipt.receipt_id, served.state, served.database))

    assert "a receipt that is not in the log" not in remains()
    changed = {**json.loads(receipt.model_dump_json()), "erased": []}
    with closing(sqlite3.connect(served.state.database, timeout=60)) as stored:
        stored.execute(
            "UPDATE receipts SET document = ? WHERE id = ?",
            [json.dumps(changed), receipt.receipt_id],
        )
        stored.commit()
    found = remains()
    assert "a receipt that is not in the log" in found
    assert "a receipt whose signature does not fit" in found
