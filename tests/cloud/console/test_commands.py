"""`./run cloud staff`: accounts for the console and the audit trail, from the command line."""

import argparse
import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud import staff as commands
from cloud.db.sqlite import SqliteDatabase
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture
from tests.support.portal import purchase

ON_PAGES_TOO = {
    "activation-code",
    "add-merchant",
    "change-merchant",
    "add-site",
    "revoke-device",
    "replace-device",
    "restart-device",
    "lock-device",
    "set-kiosk",
    "set-policy",
    "site-clock",
    "take-access",
    "take-ticket",
    "unlink-membership",
    "maintain-device",
    "serve-device",
    "add-user",
    "freeze-account",
    "look-at",
    "user-link",
    "end-user",
    "audit",
    "sales",
    "refund",
    "approve",
    "ask-rekey",
    "decline",
}
"""The verbs that `cloud.console.acts` notes."""
ONLY_TOLD = {
    "acts",
    "asked",
    "attacks",
    "devices",
    "doors",
    "inactivity",
    "jobs",
    "keys",
    "kiosk-settings",
    "merchants",
    "sale",
    "recognition",
    "policies",
    "sites",
    "thresholds",
    "unfinished",
    "users",
    "verify-audit",
    "webhooks",
}
"""The verbs that change nothing, and show nothing about anybody."""


def test_every_verb_of_staff_is_noted_or_only_tells_something():
    parser = argparse.ArgumentParser()
    commands.add_arguments(parser)
    (verbs,) = (each.choices for each in parser._actions if each.dest == "what")  # pyright: ignore[reportPrivateUsage]
    assert verbs is not None
    assert set(verbs) == ON_PAGES_TOO | ONLY_TOLD | commands.NOTED.keys()
    for verb, name in commands.NOTED.items():
        named = {each.dest for each in verbs[verb]._actions}  # pyright: ignore
        assert name is None or name in named


def test_the_first_operator_is_added_and_what_was_done_is_read_and_checked(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("SUDO_USER", "ops")
    (tmp_path / "settings.toml").write_text('[console]\nurl = "https://staff.example.com"\n')
    added = re.fullmatch(
        r"user (\w{32})\nhttps://staff\.example\.com/console/register/[\w-]{43}\n",
        staff("add-user", "Robin"),
    )
    assert added
    assert staff("users") == f"{added[1]}\toperator\t-\t-\tRobin\n"
    assert "name it, and no site" in staff("add-user", "Kim", "--role", "merchant", status=2)
    assert "there is no nowhere" in staff("add-user", "Kim", "--site", "nowhere", status=2)
    staff("till-key", "first")
    exported = staff("audit")
    rows = [json.loads(line) for line in exported.splitlines()]
    assert [(row["who"], row["door"], row["act"], row["subject"]) for row in rows] == [
        ("ops", "command", "add the account", added[1]),
        ("ops", "command", "till-key", "first"),
        ("ops", "command", "export the audit trail", ""),
    ]
    file = tmp_path / "audit.jsonl"
    file.write_text(exported)
    assert f"whole: 3 rows, among them all 3 of {file}." in staff("verify-audit", str(file))
    file.write_text(exported.replace("till-key", "access-key"))
    assert "line 2 of the export was changed" in staff("verify-audit", str(file), status=2)


def test_a_sale_is_exported_followed_and_given_back(staff: Staff, tmp_path: Path):  # noqa: F811
    assert staff("sales", "++when", "2026-11").startswith("\N{ZERO WIDTH NO-BREAK SPACE}time,")
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    values = {"identification_id": None, "terminal": "token", "site_id": None}
    sold = purchase(None, at, 1250, id="sale-1", reference="till-7-0042", told="approved", **values)

    async def sell() -> None:
        store = SqliteDatabase(tmp_path / "palms.db")
        async with store.session() as session:
            session.add(sold)
            await session.commit()
        await store.close()

    asyncio.run(sell())
    _, line = staff("sales", "++merchant", "first", "++state", "paid").splitlines()
    assert line.startswith(
        "2026-11-29T12:00:00+00:00,Corner Shop,,,till-7-0042,12.50,0.00,USD,paid"
    )
    words = ("refund", "sale-1", "--reason", "paid-twice", "--reference", "our-refund-1")
    given = staff(*words, "--amount", "5")
    assert staff(*words, "--amount", "5") == given
    assert "gives 5.00 USD back" in given
    assert "750 minor units of USD are left" in staff(*words[:4], "--amount", "7.51", status=2)
    for wrong in (("--amount", "x"), ("--reference", "?")):
        assert staff("refund", "sale-1", "--reason", "other", *wrong, status=2)
    assert "there is no sale-2" in staff("sale", "sale-2", status=2)
    assert "there is no such place" in staff("sales", "++site", "nowhere", status=2)
    way = [line.split("\t")[1:3] for line in staff("sale", "sale-1").splitlines()]
    assert way == [
        ["asked", "12.50 USD"],
        ["presented", "-"],
        ["paid", "12.50 USD"],
        ["told", "-"],
        ["refund-asked", "5.00 USD"],
        ["refund-open", "5.00 USD"],
    ]
    rows = [json.loads(line) for line in staff("audit").splitlines()]
    assert [(row["act"], row["subject"]) for row in rows] == [
        ("export sales", ""),
        ("export sales", ""),
        ("give money back", "sale-1"),
        ("export the audit trail", ""),
    ]


def test_attacks_palms_and_jobs_are_told_by_command(
    staff: Staff,  # noqa: F811
):
    assert "there is no nothing. List them: staff attacks" in staff("look-at", "nothing", status=2)
    assert staff("recognition") == ""
    assert "kept\tReceipts of deletions" in staff("jobs")
