"""Checks a receipt of a deletion or of a withdrawal.

It needs the file with the receipt, and the log of receipts as the service publishes it, which names
the key. It asks nobody, unless the published log is given by its address.
"""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import ValidationError

from protocol import documents, merkle
from protocol.documents import Document, Forged, Unreadable
from protocol.encoding import from_base64
from protocol.messages import DeletionReceipt, InclusionProof, Message, ReceiptLog, TreeHead
from protocol.program import VERIFY_RECEIPT

TIMEOUT_S = 20.0
LARGEST = 1024 * 1024
"""The largest file and the largest answer in bytes that is read."""
VERIFIED, WRONG, UNREADABLE, UNKNOWN = 0, 1, 2, 3
"""The exit statuses. The last one says that nothing is wrong, but that something could not be
checked: whose key it is, or whether the log has only grown."""

Read = TypeVar("Read", bound=Message)


class CannotRead(Exception):
    """Something that is needed cannot be read: the message tells what and why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a log, as it was found."""

    document: Document = field(repr=False)
    told: TreeHead

    @property
    def root(self) -> bytes:
        return from_base64(self.told.root)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, as it was found."""

    document: Document = field(repr=False)
    proof: InclusionProof | None
    head: Head | None
    """The head that the proof leads to."""


@dataclass(frozen=True, slots=True)
class Published:
    """The log, as the service has published it."""

    name: str
    """Where it was found."""
    head: Head
    log: ReceiptLog
    is_present: bool = False
    """Whether the service has just told it: then it must have all that it ever had."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a receipt is checked with."""

    keys: Sequence[bytes] = ()
    """The raw public keys that may have signed."""
    published: Sequence[Published] = ()
    since: Head | None = None
    """An earlier head, from which the published log must have grown."""


@dataclass(slots=True)
class Findings:
    """What was found, in sentences for whoever holds the receipt."""

    right: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    """What a receipt from before the log has no proof of."""
    unknown: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def status(self) -> int:
        if self.wrong:
            return WRONG
        return UNKNOWN if self.unknown else VERIFIED


# Checking


def check(receipt: Receipt, given: Given) -> Findings:
    findings = Findings()
    _check_signature("The receipt", receipt.document, given, findings)
    if receipt.proof is None or receipt.head is None:
        findings.missing.append(
            "Whether the receipt is in the log is not checked: the file has no proof of it. It is "
            "from before there was a log, or was not downloaded from the portal. The portal has it "
            "with the proof, by its number."
        )
    else:
        _check_signature("The log's head in the file", receipt.head.document, given, findings)
        _check_inclusion(receipt.document, receipt.proof, receipt.head, findings)
    for log in given.published:
        _check_signature(f"The log's head in {log.name}", log.head.document, given, findings)
    if receipt.head is not None:
        _check_same_log(receipt.head, given, findings)
    if given.since is not None:
        _check_since(given.since, given, findings)
    return findings


def _check_signature(what: str, document: Document, given: Given, findings: Findings) -> None:
    try:
        public = documents.verify(document)
    except Forged as fault:
        findings.wrong.append(f"{what} is not genuine: {fault}.")
        return
    name = documents.key_id(public)
    if not given.keys:
        findings.unknown.append(
            f"{what} is signed with the key {name}. Nothing tells whose key that is: give the log "
            "that the service publishes with --key."
        )
    elif public in given.keys:
        findings.right.append(f"{what} is signed with the published key {name}.")
    else:
        known = ", ".join(sorted({documents.key_id(key) for key in given.keys}))
        findings.wrong.append(
            f"{what} is signed with the key {name}, and the published key is {known}: it is of "
            "another service, or forged."
        )


def _check_inclusion(
    receipt: Document, proof: InclusionProof, head: Head, findings: Findings
) -> None:
    leaf = merkle.leaf_hash(documents.entry_of(receipt))
    path = [from_base64(each) for each in proof.path]
    size, at = head.told.size, f"{head.told.at:%Y-%m-%d %H:%M:%S %Z}"
    if merkle.is_included(leaf, proof.place, size, path, head.root):
        findings.right.append(
            f"The receipt is in the log: entry {proof.place + 1} of the {size} that it had at {at}."
        )
    else:
        findings.wrong.append(
            "The receipt is not in the log: the proof in the file does not lead from this receipt "
            "to the log's head."
        )


def _check_same_log(head: Head, given: Given, findings: Findings) -> None:
    """Checks that the log which a receipt is in is the one that everybody is shown."""
    compared = [
        _check_growth(head, log, "the download of the receipt", findings) for log in given.published
    ]
    if any(log.is_present for log in given.published) and not any(compared):
        findings.unknown.append(
            "The service does not prove that its log begins with the one that the receipt is in."
        )


def _check_since(since: Head, given: Given, findings: Findings) -> None:
    _check_signature("The earlier head", since.document, given, findings)
    size = since.told.size
    compared = [_check_growth(since, log, "the earlier head", findings) for log in given.published]
    if not any(compared):
        findings.unknown.append(
            f"Whether the log has only grown since the earlier head is not checked: that takes the "
            f"published log of a later time, with the proof from {size} entries on. Give it with "
            f"--key; it is at the log's address with ?since={size} at the end."
        )


def _check_growth(earlier: Head, log: Published, event: str, findings: Findings) -> bool:
    """Returns whether it could be checked."""
    before, now = earlier.told, log.head.told
    if before.size > now.size:
        if now.at <= before.at and not log.is_present:
            # It was saved before the other one.
            return False
        findings.wrong.append(
            f"The log in {log.name} has {now.size} entries, and had {before.size} at the time of "
            f"{event}: entries were taken out."
        )
        return True
    if before.size not in (now.size, log.log.since):
        return False
    path = log.log.consistency if before.size != now.size else []
    proof = [from_base64(each) for each in path]
    if merkle.is_consistent(before.size, now.size, proof, earlier.root, log.head.root):
        findings.right.append(
            f"The log has only grown since {event}: from {before.size} entries to {now.size}."
        )
    else:
        findings.wrong.append(
            f"The log in {log.name} does not contain all that it had at the time of {event}: "
            "entries were changed or taken out, or others were shown to somebody else."
        )
    return True


# Reading


def read_receipt(name: str, content: bytes) -> Receipt:
    """Raises CannotRead."""
    document = _document(name, content)
    if "receipt_id" in document:
        return Receipt(document, None, None)
    receipt = document.get("receipt")
    if not isinstance(receipt, dict) or "receipt_id" not in receipt:
        raise CannotRead(f"{name} is not a receipt.")
    proof = _as(InclusionProof, name, document.get("proof"))
    head = Head(document["proof"]["head"], proof.head)
    return Receipt(cast(Document, receipt), proof, head)


def read_published(
    name: str, content: bytes, *, is_present: bool = False
) -> tuple[bytes, Published | None]:
    """Returns the raw public key in a published log, and that log; or the key alone of a file in
    PEM. Raises CannotRead."""
    if content.startswith(b"-----BEGIN"):
        try:
            key = load_pem_public_key(content)
        except (ValueError, UnsupportedAlgorithm):
            raise CannotRead(f"{name} has no public key that can be read.") from None
        if not isinstance(key, Ed25519PublicKey):
            raise CannotRead(f"{name} has a key of another kind than Ed25519.")
        return key.public_bytes_raw(), None
    document = _document(name, content)
    log = _as(ReceiptLog, name, document)
    try:
        key = documents.verify(document["head"])
    except Forged as fault:
        raise CannotRead(f"{name} has a head that is not genuine: {fault}.") from None
    return key, Published(name, Head(document["head"], log.head), log, is_present)


def read_head(name: str, content: bytes) -> Head:
    """Returns the head that is in a file of any kind. Raises CannotRead."""
    found: Any = _document(name, content)
    for member in ("proof", "head"):
        if isinstance(found, dict) and member in found:
            found = found[member]
    return Head(found, _as(TreeHead, name, found))


def _document(name: str, content: bytes) -> Document:
    try:
        return documents.read(content)
    except Unreadable as why:
        raise CannotRead(f"{name} cannot be read: {why}.") from None


def _as(kind: type[Read], name: str, value: Any) -> Read:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = ascii(".".join(map(str, fault["loc"])))
        raise CannotRead(f"{name} cannot be read, at {where}: {fault['msg']}.") from None


def _content(place: str) -> bytes:
    try:
        with Path(place).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise CannotRead(f"{place} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise CannotRead(f"{place} is larger than a receipt or a published log can be.")
    return content


def _fetch(url: str, since: int | None) -> bytes:
    content = b""
    try:
        with httpx.stream(
            "GET", url, params=None if since is None else {"since": since}, timeout=TIMEOUT_S
        ) as answer:
            if not answer.is_success:
                raise CannotRead(f"{url} answers with the status {answer.status_code}.")
            for part in answer.iter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise CannotRead(f"{url} answers with more than a published log can be.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CannotRead(
            f"{url} cannot be read: {error}. Save it with a browser, and give the file."
        ) from None
    return content


def _given(places: Sequence[str], receipt: Receipt, since: Head | None) -> Given:
    heads = [head for head in (receipt.head, since) if head is not None]
    sizes = sorted({head.told.size for head in heads})
    keys: list[bytes] = []
    published: list[Published] = []
    for place in places:
        if place.startswith("http:"):
            raise CannotRead(f"{place} could be changed on its way: give an https: address.")
        is_present = place.startswith("https:")
        if is_present:
            contents = [_fetch(place, size) for size in sizes or [None]]
        else:
            contents = [_content(place)]
        for content in contents:
            key, log = read_published(place, content, is_present=is_present)
            keys.append(key)
            published += [] if log is None else [log]
    return Given(keys, published, since)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=VERIFY_RECEIPT, description=__doc__)
    parser.add_argument("file", metavar="FILE", help="the receipt, as the portal gives it")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE|URL",
        help="the log as the service publishes it, https://.../portal/receipt-log.json, or a file "
        "saved from there, or the public key in PEM; may be given several times",
    )
    parser.add_argument(
        "--since",
        metavar="OLDHEAD",
        help="a file that was saved earlier, with a head of the log: check that the log has only "
        "grown since",
    )
    arguments = parser.parse_args(words)
    try:
        receipt = read_receipt(arguments.file, _content(arguments.file))
        since = arguments.since and read_head(arguments.since, _content(arguments.since))
        findings = check(receipt, _given(arguments.key, receipt, since or None))
    except CannotRead as why:
        print(f"verify-receipt: {why}", file=sys.stderr)
        return UNREADABLE
    if not findings.wrong:
        _print_receipt(receipt.document)
    for sentence in dict.fromkeys(
        findings.right + findings.missing + findings.unknown + findings.wrong
    ):
        print(sentence)
    verdict = {VERIFIED: "Verified.", WRONG: "NOT genuine.", UNKNOWN: "Not verified in full."}
    print(verdict[findings.status])
    return findings.status


def _print_receipt(document: Document) -> None:
    """Prints what a receipt says, unless a newer version of the service has written it."""
    try:
        receipt = DeletionReceipt.model_validate(document)
    except ValidationError:
        return
    print(f"Receipt {receipt.receipt_id} of {receipt.at:%Y-%m-%d %H:%M:%S %Z}")
    for each in receipt.erased:
        print("  erased:", _plain(each))
    for kept in receipt.retained:
        print(f"  kept until {kept.until:%Y-%m-%d}:", _plain(kept.what))


def _plain(text: str) -> str:
    """Returns a text without what would move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
