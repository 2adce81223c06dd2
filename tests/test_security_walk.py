"""docs/security.md names tests and files that there are, and counts its rows right."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
CHAPTERS = re.findall(r"^### (V\d+ .+)\n\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
TESTS = sorted(set(re.findall(r"`(tests/\S+?\.py)::(test_\w+)`", PAGE)))
VERDICTS = ("met", "not applicable", "operator's", "not met")


def test_every_test_that_is_named_exists():
    assert len(TESTS) > 50
    defined = re.compile(r"^(?:async )?def (\w+)", re.MULTILINE)
    exist = {
        (path, name)
        for path in {path for path, _ in TESTS}
        for name in defined.findall((ROOT / path).read_text("utf-8"))
    }
    assert set(TESTS) - exist == set()


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`((?:cloud|protocol)/[\w/]+\.\w+)`", PAGE))
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_every_requirement_that_is_not_met_says_what_is_to_be_done_or_why():
    for _, rows in CHAPTERS:
        for row in rows.splitlines():
            _, number, _, verdict, evidence, _ = (cell.strip() for cell in row.split("|"))
            if verdict == "**not met**":
                assert re.search(r"To do: |on purpose|as 16\.3\.1", evidence), number


@pytest.mark.parametrize(("chapter", "rows"), CHAPTERS, ids=[name for name, _ in CHAPTERS])
def test_a_row_for_one_requirement_is_counted_with_its_verdict(chapter: str, rows: str):
    """Rows that stand for several say less than they count."""
    told = re.search(rf"^\| {re.escape(chapter)} \|(.+)\|$", PAGE, re.MULTILINE)
    assert told is not None
    counts = dict(zip(VERDICTS, map(int, told[1].split("|")), strict=True))
    found: Counter[str] = Counter()
    several: set[str] = set()
    for row in rows.splitlines()[2:]:
        _, number, _, verdict, *_ = (cell.strip() for cell in row.split("|"))
        verdict = verdict.strip("*")
        assert verdict in VERDICTS
        found[verdict] += number.count(",") + 1
        if "\N{EN DASH}" in number:
            several.add(verdict)
    for verdict in VERDICTS:
        assert found[verdict] == counts[verdict] or verdict in several


def test_the_counts_of_the_chapters_add_up():
    lines = re.findall(r"^\| (?:V\d+|all) .+? \| ([\d |]+) \|$", PAGE, re.MULTILINE)
    counts = [tuple(map(int, line.split(" | "))) for line in lines]
    *chapters, total = counts
    assert len(chapters) == len(CHAPTERS) == 17
    assert tuple(map(sum, zip(*chapters, strict=True))) == total
    assert sum(total) == 253
