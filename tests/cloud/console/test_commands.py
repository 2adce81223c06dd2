"""`./run cloud staff`: accounts for the console and the audit trail, from the command line."""

import argparse
import json
import re
from pathlib import Path

import pytest

from cloud import staff as commands
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture

ON_PAGES_TOO = {
    "activation-code",
    "add-merchant",
    "add-site",
    "revoke-device",
    "replace-device",
    "restart-device",
    "lock-device",
    "add-user",
    "user-link",
    "end-user",
    "audit",
}
"""The verbs that `cloud.console.acts` notes."""
ONLY_TOLD = {
    "acts",
    "devices",
    "doors",
    "inactivity",
    "keys",
    "kiosk-settings",
    "merchants",
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
