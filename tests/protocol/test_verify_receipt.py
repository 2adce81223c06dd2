"""`./run verify-receipt`: what it says of each thing that fits and that does not."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel

from protocol import documents, verify_receipt
from protocol.encoding import to_base64
from protocol.verify_receipt import UNKNOWN, UNREADABLE, VERIFIED, WRONG, Given
from tests.support.receipt_logs import START, ReceiptLogs

Change = Callable[[Any], None]


class Desk:
    """Somebody's folder with receipts, where they are checked."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.said = ""

    def keep(self, name: str, what: BaseModel | bytes, change: Change | None = None) -> str:
        """Saves a file, with a change made to it, and returns its path."""
        content = what if isinstance(what, bytes) else what.model_dump_json().encode()
        if change is not None:
            document = json.loads(content)
            change(document)
            content = json.dumps(document).encode()
        (self._folder / name).write_bytes(content)
        return str(self._folder / name)

    def check(self, *words: str) -> int:
        status = verify_receipt.main(list(words))
        captured = self._capsys.readouterr()
        self.said = captured.out + captured.err
        return status


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


@pytest.fixture
def logs() -> ReceiptLogs:
    """A service that has issued five receipts."""
    logs = ReceiptLogs()
    for _ in range(5):
        logs.issue()
    return logs


def test_a_genuine_receipt_is_verified(desk: Desk, logs: ReceiptLogs):
    receipt = logs.issue()
    file = desk.keep("receipt.json", logs.downloaded(receipt, 5))
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == VERIFIED
    name = documents.key_id(logs.public)
    assert f"The receipt is signed with the published key {name}." in desk.said
    assert "The receipt is in the log: entry 6 of the 6 that it had at 2026-12-01" in desk.said
    assert "erased: palm signatures: 2" in desk.said
    assert desk.said.endswith("Verified.\n")


def test_a_receipt_that_was_written_in_another_way_is_the_same(desk: Desk, logs: ReceiptLogs):
    downloaded = logs.downloaded(logs.issue(erased=["Zoë"]), 5)
    document = json.loads(downloaded.model_dump_json())
    receipt = dict(reversed(document["receipt"].items()))
    text = json.dumps({"proof": document["proof"], "receipt": receipt}, indent=8)
    assert "\\u00eb" in text
    log = desk.keep("log.json", logs.published())
    assert desk.check(desk.keep("receipt.json", text.encode()), "--key", log) == VERIFIED


def test_without_a_key_nobody_knows_whose_receipt_it_is(desk: Desk, logs: ReceiptLogs):
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5))
    assert desk.check(file) == UNKNOWN
    assert "Nothing tells whose key that is" in desk.said
    assert "Not verified in full." in desk.said


def receipt_is_changed(file: Any) -> None:
    file["receipt"]["erased"].append("everything")


def receipt_gets_a_member(file: Any) -> None:
    file["receipt"]["note"] = "added"


def receipt_is_signed_otherwise(file: Any) -> None:
    file["receipt"]["signature"] = to_base64(bytes(64))


def time_is_changed(file: Any) -> None:
    file["receipt"]["at"] = "2025-01-01T00:00:00Z"


def place_is_changed(file: Any) -> None:
    file["proof"]["place"] = 3


def path_is_changed(file: Any) -> None:
    file["proof"]["path"][0] = to_base64(bytes(32))


def path_is_shorter(file: Any) -> None:
    file["proof"]["path"].pop()


def path_is_longer(file: Any) -> None:
    file["proof"]["path"].append(to_base64(bytes(32)))


def root_is_changed(file: Any) -> None:
    file["proof"]["head"]["root"] = to_base64(bytes(32))


def size_is_changed(file: Any) -> None:
    file["proof"]["head"]["size"] += 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (receipt_is_changed, "The receipt is not genuine: its signature does not fit"),
        (receipt_gets_a_member, "The receipt is not genuine: its signature does not fit"),
        (receipt_is_signed_otherwise, "The receipt is not genuine: its signature does not fit"),
        (time_is_changed, "The receipt is not genuine: its signature does not fit"),
        (place_is_changed, "The receipt is not in the log"),
        (path_is_changed, "The receipt is not in the log"),
        (path_is_shorter, "The receipt is not in the log"),
        (path_is_longer, "The receipt is not in the log"),
        (root_is_changed, "The log's head in the file is not genuine"),
        (size_is_changed, "The log's head in the file is not genuine"),
    ],
)
def test_each_thing_that_was_changed_is_said(
    desk: Desk, logs: ReceiptLogs, change: Change, said: str
):
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5), change)
    log = desk.keep("log.json", logs.published())
    assert desk.check(file, "--key", log) == desk.check(file) == WRONG
    assert said in desk.said
    assert desk.said.endswith("NOT genuine.\n")
    assert "erased:" not in desk.said


def test_a_receipt_of_another_service_is_told_from_the_published_ones(
    desk: Desk, logs: ReceiptLogs
):
    forger = ReceiptLogs()
    file = desk.keep("receipt.json", forger.downloaded(forger.issue(), 0))
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == WRONG
    ours, theirs = documents.key_id(logs.public), documents.key_id(forger.public)
    assert f"signed with the key {theirs}, and the published key is {ours}" in desk.said


def test_a_genuine_receipt_under_a_forged_head_is_not_verified(desk: Desk, logs: ReceiptLogs):
    receipt = logs.issue()
    forger = ReceiptLogs()
    forger.leaves = logs.leaves[5:]
    file = desk.keep("receipt.json", forger.downloaded(receipt, 0))
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == WRONG
    assert "The log's head in the file is signed with the key" in desk.said


def test_a_signed_receipt_that_was_never_logged_is_not_in_the_log(desk: Desk, logs: ReceiptLogs):
    receipt = logs.issue()
    logs.leaves[5] = bytes(32)
    file = desk.keep("receipt.json", logs.downloaded(receipt, 5))
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == WRONG
    assert "The receipt is not in the log" in desk.said


def test_a_receipt_from_before_the_log_is_verified_without_and_that_is_said(
    desk: Desk, logs: ReceiptLogs
):
    log = desk.keep("log.json", logs.published())
    file = desk.keep("receipt.json", logs.issue())
    assert desk.check(file, "--key", log) == VERIFIED
    assert "Whether the receipt is in the log is not checked" in desk.said
    changed = desk.keep("receipt.json", logs.issue(), lambda file: file.update(erased=[]))
    assert desk.check(changed, "--key", log) == WRONG
    assert "The receipt is not genuine" in desk.said


def test_an_earlier_key_of_the_service_is_given_beside_the_published_one(
    desk: Desk, logs: ReceiptLogs
):
    receipt, earlier = logs.issue(), logs.key
    pem = earlier.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    logs.key = ReceiptLogs().key
    file = desk.keep("receipt.json", logs.downloaded(receipt, 5))
    log = desk.keep("log.json", logs.published())
    assert desk.check(file, "--key", log) == WRONG
    assert desk.check(file, "--key", log, "--key", desk.keep("key.pem", pem)) == VERIFIED


# Whether the log has only grown


@pytest.mark.parametrize("size", range(6))
def test_a_log_that_has_only_grown_is_verified(desk: Desk, logs: ReceiptLogs, size: int):
    old = desk.keep("old.json", logs.head(size))
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5))
    log = desk.keep("log.json", logs.published(size))
    assert desk.check(file, "--key", log, "--since", old) == VERIFIED
    said = f"The log has only grown since the earlier head: from {size} entries to 6."
    assert said in desk.said


def test_an_earlier_head_is_found_in_a_published_log_and_in_a_receipt(
    desk: Desk, logs: ReceiptLogs
):
    earlier = (logs.published(), logs.downloaded(logs.issue(), 5), logs.head())
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 6))
    for old, size in zip(earlier, (5, 6, 6), strict=True):
        log = desk.keep("log.json", logs.published(size))
        assert desk.check(file, "--key", log, "--since", desk.keep("old.json", old)) == VERIFIED
        assert f"from {size} entries to 7" in desk.said


def test_the_receipts_own_head_is_compared_with_the_published_log(desk: Desk, logs: ReceiptLogs):
    """A service that shows one person a log of their own is found out."""
    receipt = logs.issue()
    file = desk.keep("receipt.json", logs.downloaded(receipt, 5))
    logs.issue()
    assert desk.check(file, "--key", desk.keep("log.json", logs.published(6))) == VERIFIED
    assert "only grown since the download of the receipt: from 6 entries to 7" in desk.said
    logs.leaves[5] = bytes(32)
    assert desk.check(file, "--key", desk.keep("log.json", logs.published(6))) == WRONG
    assert "does not contain all that it had" in desk.said


def test_a_log_in_which_something_was_changed_is_found_out(desk: Desk, logs: ReceiptLogs):
    old = desk.keep("old.json", logs.head())
    logs.leaves[2] = bytes(32)
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5))
    log = desk.keep("log.json", logs.published(5))
    assert desk.check(file, "--key", log, "--since", old) == WRONG
    assert "entries were changed or taken out" in desk.said


def test_a_log_that_was_cut_off_is_found_out(desk: Desk, logs: ReceiptLogs):
    old = desk.keep("old.json", logs.head())
    del logs.leaves[1:]
    later = documents.sign(
        logs.key,
        type(logs.head()),
        **{**logs.head().model_dump(include={"size", "root"}), "at": START + timedelta(days=1)},
    )
    cut = logs.published().model_copy(update={"head": later})
    receipt = desk.keep("receipt.json", logs.issue())
    assert desk.check(receipt, "--key", desk.keep("log.json", cut), "--since", old) == WRONG
    assert "has 1 entries, and had 5 at the time of the earlier head" in desk.said


def test_a_service_that_tells_an_older_log_than_the_receipts_is_found_out(logs: ReceiptLogs):
    older = logs.published().model_dump_json().encode()
    file = logs.downloaded(logs.issue(), 5).model_dump_json().encode()
    receipt = verify_receipt.read_receipt("receipt.json", file)
    key, log = verify_receipt.read_published("the service", older, is_present=True)
    assert log
    findings = verify_receipt.check(receipt, Given([key], [log]))
    assert findings.status == WRONG
    assert "has 5 entries, and had 6 at the time of the download" in findings.wrong[0]


def test_a_service_that_proves_nothing_of_the_receipts_log_is_not_believed(logs: ReceiptLogs):
    file = logs.downloaded(logs.issue(), 5).model_dump_json().encode()
    logs.issue()
    receipt = verify_receipt.read_receipt("receipt.json", file)
    unasked = logs.published().model_dump_json().encode()
    key, log = verify_receipt.read_published("the service", unasked, is_present=True)
    assert log
    findings = verify_receipt.check(receipt, Given([key], [log]))
    assert findings.status == UNKNOWN
    assert "does not prove that its log begins with" in findings.unknown[0]


def test_a_published_log_that_was_saved_before_is_no_proof_against_a_receipt(
    desk: Desk, logs: ReceiptLogs
):
    log = desk.keep("log.json", logs.published())
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5))
    assert desk.check(file, "--key", log) == VERIFIED


def test_without_the_proof_from_the_earlier_head_on_that_is_said(desk: Desk, logs: ReceiptLogs):
    old = desk.keep("old.json", logs.head(3))
    file = desk.keep("receipt.json", logs.downloaded(logs.issue(), 5))
    assert desk.check(file, "--since", old) == UNKNOWN
    for log in (logs.published(), logs.published(2)):
        words = ["--key", desk.keep("log.json", log), "--since", old]
        assert desk.check(file, *words) == UNKNOWN
        assert "with ?since=3 at the end" in desk.said


def test_an_earlier_head_that_is_forged_is_said(desk: Desk, logs: ReceiptLogs):
    old = desk.keep("old.json", ReceiptLogs().head())
    file = desk.keep("receipt.json", logs.issue())
    log = desk.keep("log.json", logs.published(0))
    assert desk.check(file, "--key", log, "--since", old) == WRONG
    assert "The earlier head is signed with the key" in desk.said


# What cannot be read


def test_what_cannot_be_read_is_named(desk: Desk, logs: ReceiptLogs, tmp_path: Path):
    downloaded = logs.downloaded(logs.issue(), 5)
    good = desk.keep("receipt.json", downloaded)
    p256 = generate_private_key(SECP256R1()).public_key()
    other_key = p256.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    log = logs.published()
    forged = log.model_copy(update={"head": log.head.model_copy(update={"size": 3})})
    for words, said in (
        ([str(tmp_path / "none.json")], "none.json cannot be read: No such file"),
        ([str(tmp_path)], "cannot be read: Is a directory"),
        ([desk.keep("a.json", b"%PDF")], "a.json cannot be read: it is not JSON"),
        ([desk.keep("b.json", log)], "b.json is not a receipt"),
        ([desk.keep("c.json", b" " * (verify_receipt.LARGEST + 1))], "c.json is larger than"),
        (
            [desk.keep("d.json", downloaded, lambda file: file["proof"].pop("path"))],
            "d.json cannot be read, at 'path'",
        ),
        ([good, "--key", desk.keep("e.json", logs.issue())], "e.json cannot be read"),
        ([good, "--key", desk.keep("f.json", forged)], "f.json has a head that is not genuine"),
        ([good, "--key", desk.keep("g.pem", other_key)], "another kind than Ed25519"),
        ([good, "--key", desk.keep("h.pem", b"-----BEGIN x")], "no public key"),
        ([good, "--key", "http://palms.example.com/log"], "give an https: address"),
        ([good, "--key", "https://127.0.0.1:9/log"], "Save it with a browser"),
        ([good, "--since", desk.keep("i.json", b"{}")], "i.json cannot be read"),
        ([good, "--since", desk.keep("j.json", b'{"head": [1]}')], "j.json cannot be read"),
    ):
        assert desk.check(*words) == UNREADABLE, words
        assert desk.said.startswith("verify-receipt: ")
        assert said in desk.said


def test_what_a_receipt_says_moves_no_cursor(desk: Desk, logs: ReceiptLogs):
    file = desk.keep("receipt.json", logs.issue(erased=["\x1b[2Jall\rof it"]))
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == VERIFIED
    assert "?[2Jall?of it" in desk.said
    assert "\x1b" not in desk.said


def test_a_receipt_of_a_newer_version_is_verified_by_what_it_says(desk: Desk, logs: ReceiptLogs):
    """Nothing that is signed depends on what this version knows."""
    newer = {**documents.document_of(logs.issue()), "law": "GDPR", "at": "whenever"}
    signature = to_base64(logs.key.sign(documents.signed_bytes(newer)))
    file = desk.keep("receipt.json", json.dumps({**newer, "signature": signature}).encode())
    assert desk.check(file, "--key", desk.keep("log.json", logs.published())) == VERIFIED
