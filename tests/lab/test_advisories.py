"""`./run advisories`, before a database on loopback."""

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import advisories
from lab.advisories import FRAMES, LOCK, main, parts_of
from lab.advisory_copy import COPY, PYPA, Copy, is_about
from tests.support.http_server import HttpServer, Silent

pytestmark = pytest.mark.process

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LINES = "alpha==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:00\n    # via beta\nbeta==2.1\n"


class Osv(HttpServer):
    """A small OSV: what it knows of each part, and whether it tells it page by page."""

    def __init__(self) -> None:
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[Any] = []
        self.pages = False
        self.status = 200
        osv = self

        class Handler(Silent):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                osv.asked.append(body)
                if "package" in body:
                    self._answer({"vulns": osv.known.get(body["package"]["name"], [])})
                    return
                self._answer({"results": [osv.result(query) for query in body["queries"]]})

            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                told = (each for some in osv.known.values() for each in some)
                self._answer(next(each for each in told if each["id"] == name))

            def _answer(self, told: Any) -> None:
                self.send_response(osv.status)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

        super().__init__(Handler)

    def result(self, query: Any) -> dict[str, Any]:
        vulns = [{"id": each["id"]} for each in self.known.get(query["package"]["name"], [])]
        if not self.pages:
            return {"vulns": vulns} if vulns else {}
        at = int(query.get("page_token", "0"))
        more = {"next_page_token": str(at + 1)} if at + 1 < len(vulns) else {}
        return {"vulns": vulns[at : at + 1]} | more

    def knows(self, part: str, name: str, age: timedelta, **told: Any) -> None:
        published = (NOW - age).isoformat().replace("+00:00", "Z")
        advisory = {"id": name, "published": published, "summary": f"about {name}"}
        self.known.setdefault(part, []).append(advisory | told)


@pytest.fixture
def osv() -> Iterator[Osv]:
    with Osv() as osv:
        yield osv


def rated(how: str) -> dict[str, Any]:
    return {"database_specific": {"severity": how}}


def check(osv: Osv, tmp_path: Path, *more: str) -> int:
    lock = tmp_path / "requirements.lock"
    lock.write_text(LINES)
    return main(["--osv", osv.url, "--lock", str(lock), *more], NOW)


def test_every_part_of_the_lock_is_asked_about(osv: Osv, tmp_path: Path):
    assert check(osv, tmp_path) == 0
    assert osv.asked == [
        {
            "queries": [
                {"package": {"name": "alpha", "ecosystem": "PyPI"}, "version": "1.0"},
                {"package": {"name": "beta", "ecosystem": "PyPI"}, "version": "2.1"},
            ]
        }
    ]
    pinned = {part.name for part in parts_of(LOCK.read_text("utf-8"))}
    assert {"cryptography", "fastapi", "pyside6-essentials"} <= pinned


@pytest.mark.parametrize("how", FRAMES)
def test_a_weakness_is_overdue_when_its_frame_is_over(
    osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
):
    osv.knows("beta", "GHSA-1", FRAMES[how] - timedelta(seconds=1), **rated(how))
    assert check(osv, tmp_path) == 0
    told = capsys.readouterr().out
    assert f"beta 2.1\tGHSA-1\t{how.lower()}\tdue 2026-11-29\tabout GHSA-1" in told
    assert "1 known weaknesses, 0 overdue" in told
    osv.known.clear()
    osv.knows("beta", "GHSA-1", FRAMES[how], **rated(how))
    assert check(osv, tmp_path) == 1
    assert capsys.readouterr().out.startswith("!\tbeta 2.1")


def test_the_same_weakness_counts_once_as_whoever_has_rated_it(
    osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    osv.knows("beta", "PYSEC-1", timedelta(days=40), aliases=["CVE-1", "GHSA-1"])
    osv.knows("beta", "GHSA-1", timedelta(days=40), aliases=["CVE-1"], **rated("LOW"))
    assert check(osv, tmp_path) == 0
    assert "1 known weaknesses, 0 overdue" in capsys.readouterr().out


def test_what_nobody_has_rated_counts_as_high(osv: Osv, tmp_path: Path):
    osv.knows("beta", "PYSEC-1", FRAMES["HIGH"])
    assert check(osv, tmp_path) == 1


def test_what_was_withdrawn_or_looked_at_does_not_count(osv: Osv, tmp_path: Path):
    osv.knows("beta", "GHSA-1", timedelta(days=400), withdrawn="2026-01-01T00:00:00Z")
    osv.knows("alpha", "GHSA-2", timedelta(days=400), aliases=["CVE-2"])
    assert check(osv, tmp_path) == 1
    assert check(osv, tmp_path, "--accept", "CVE-2") == 0


def test_what_comes_page_by_page_is_read_to_the_end(
    osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    osv.pages = True
    for number in range(3):
        osv.knows("beta", f"GHSA-{number}", timedelta(days=1), **rated("LOW"))
    assert check(osv, tmp_path) == 0
    assert "3 known weaknesses" in capsys.readouterr().out


def test_a_database_that_does_not_answer_is_no_clean_bill(
    osv: Osv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    osv.status = 503
    assert check(osv, tmp_path) == 2
    assert "could not be asked: /v1/querybatch was answered with 503" in capsys.readouterr().err


def test_the_frames_are_those_that_are_promised():
    page = (LOCK.parent / "SECURITY.md").read_text("utf-8")
    told = dict(re.findall(r"^\| (\w+)[^|]* \| (\d+) days \|", page, re.MULTILINE))
    assert {name.lower(): str(frame.days) for name, frame in FRAMES.items()} == told
    assert advisories.UNRATED == "HIGH"
    assert "not rated, counts as high" in page


# A copy of what is known


def record(name: str, part: str, **told: Any) -> dict[str, Any]:
    """Returns an advisory as OSV writes it, about the versions 1.0 and from 2.0 to before 2.2."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"fixed": "2.2"}]}]
    package = {"name": part, "ecosystem": "PyPI"}
    affected = [{"package": package, "versions": ["1.0"], "ranges": ranges}]
    return {"id": name, "published": NOW.isoformat(), "affected": affected} | told


class Shelf:
    """A dump of a database, and the copy that is kept of it."""

    def __init__(self, folder: Path) -> None:
        self.dump, self.copy, self.lock = folder / "all.zip", folder / "kept.json", folder / "lock"
        self.lock.write_text(LINES)

    def dumps(self, *records: dict[str, Any]) -> None:
        with zipfile.ZipFile(self.dump, "w") as archive:
            for each in records:
                archive.writestr(f"{each['id']}.json", json.dumps(each))

    def ask(self, *words: str, now: datetime = NOW) -> int:
        return main(["--copy", str(self.copy), "--lock", str(self.lock), *words], now)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize(
    ("version", "is_weak"),
    [("1.0", True), ("1.1", False), ("2.0", True), ("2.1.9", True), ("2.2", False)],
)
def test_a_dump_says_which_versions_are_weak(version: str, is_weak: bool):
    assert is_about(record("GHSA-1", "Beta.Part"), "beta-part", version) is is_weak
    assert not is_about(record("GHSA-1", "other"), "beta-part", version)


def test_the_last_version_that_is_weak_may_be_named():
    told = record("GHSA-1", "beta")
    told["affected"][0]["ranges"][0]["events"] = [{"introduced": "0"}, {"last_affected": "2.1"}]
    assert is_about(told, "beta", "2.1")
    assert not is_about(told, "beta", "2.1.1")


def test_what_was_kept_of_a_dump_fails_without_a_network_unless_it_is_accepted(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
):
    withdrawn = record("GHSA-2", "alpha", withdrawn=NOW.isoformat())
    shelf.dumps(record("GHSA-1", "beta"), withdrawn, record("GHSA-3", "unused"))
    assert shelf.ask("--from", str(shelf.dump), "--save") == 0, "not overdue yet"
    shelf.dump.unlink()
    assert "GHSA-3" not in shelf.copy.read_text()
    capsys.readouterr()
    assert shelf.ask("--offline") == 1
    told = capsys.readouterr().out
    assert "on 2026-11-29, 0 days ago" in told
    assert "beta 2.1\tGHSA-1" in told
    assert "GHSA-2" not in told
    assert shelf.ask("--offline", "--accept", "GHSA-1") == 0


def test_a_checkout_of_pypas_advisories_is_read_and_dated_by_its_latest_change(shelf: Shelf):
    folder = shelf.dump.with_suffix("")
    for name, part, day in (("PYSEC-1", "beta", "03-01"), ("PYSEC-2", "unused", "05-01")):
        told = record(name, part, modified=f"2026-{day}T10:00:00Z")
        path = folder / "vulns" / part / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump(told))
    assert shelf.ask("--from", str(folder), "--save") == 0, "not overdue yet"
    copy = Copy.load(shelf.copy)
    assert copy
    assert (copy.source, f"{copy.date:%Y-%m-%d}") == (PYPA, "2026-05-01")
    assert [each["id"] for each in copy.records] == ["PYSEC-1"]


def test_what_travels_with_the_repository_knows_the_parts_of_the_lock_and_names_no_path():
    copy = Copy.load(COPY)
    assert copy
    assert copy.source.startswith("https://")
    known = {part.name for part in parts_of(LOCK.read_text("utf-8"))} & set(copy.names)
    assert {"cryptography", "fastapi", "pyside6-essentials"} <= known
    assert any(is_about(each, "cryptography", "41.0.0") for each in copy.records)


def test_a_copy_says_how_old_it_is_and_what_it_knows_nothing_of(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
):
    shelf.dumps()
    shelf.ask("--from", str(shelf.dump), "--save")
    shelf.lock.write_text(LINES + "gamma==3.0\n")
    capsys.readouterr()
    assert shelf.ask("--offline", now=NOW + timedelta(days=31)) == 0
    told = capsys.readouterr().out
    assert "31 days ago" in told
    assert "that is old" in told
    assert "nothing is known of gamma" in told


def test_where_nobody_has_asked_that_is_said(shelf: Shelf, capsys: pytest.CaptureFixture[str]):
    assert shelf.ask("--offline") == 0
    assert "NOBODY HAS ASKED YET about 2 parts" in capsys.readouterr().out


def test_a_dump_that_cannot_be_read_is_no_clean_bill(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
):
    shelf.dump.write_bytes(b"<html>not found</html>")
    assert shelf.ask("--from", str(shelf.dump)) == 2
    assert "could not be asked" in capsys.readouterr().err
    shelf.copy.write_text("{}")
    assert shelf.ask("--offline") == 2


def test_the_database_is_asked_about_all_versions_when_a_copy_is_kept(osv: Osv, shelf: Shelf):
    osv.knows("beta", "GHSA-1", timedelta(days=1), affected=record("GHSA-1", "beta")["affected"])
    assert shelf.ask("--osv", osv.url, "--save") == 0
    assert shelf.ask("--offline") == 1
