"""The table of what can fail names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_fault_has_a_test() -> None:
    chapter = (ROOT / "docs" / "operating.md").read_text().split("## What can fail")[1]
    rows = [row for row in chapter.split("\n## ")[0].splitlines() if row.startswith("| ")][2:]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row)
        assert named, row
        assert all((ROOT / path).is_file() for path in named), row
